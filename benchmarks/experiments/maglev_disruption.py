"""Figures 11 and 12 of the Maglev paper: how even the tables of 1,000 backends are, and what changes when some fail.

Over-provisioning: by how much the backend with the largest share has more than the mean, in percent. Disruption: of the
places whose backend has not failed, how many have another one afterwards, in percent; beside it the same of a ring with
consistent hashing (Karger et al., 1997) and of rendezvous hashing (Thaler and Ravishankar, 1998), which change none,
and are uneven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from wirebrick.state.maglev import populate

BACKENDS = 1000
SIZES = (65537, 655373)
FAILED = (1, 5, 20)
POINTS = 100  # of each backend on the ring

Choice = npt.NDArray[np.uint32]
Method = Callable[[int, list[int]], Choice]


def rows(options: Options) -> Iterator[Row]:
    """Shares, then what failures change."""
    for size in SIZES:
        for name, method in METHODS.items():
            if name == "rendezvous" and size > SIZES[0]:
                continue  # it looks at every backend for each place
            before = method(size, list(range(BACKENDS)))
            yield Row(f"{name}, {size} places: over-provisioned", "%", (over_provisioned(before),))
            for count in FAILED:
                changed = disruption(before, method(size, list(range(count, BACKENDS))), count)
                yield Row(f"{name}, {size} places: {count} of {BACKENDS} fail", "%", (changed,))


def maglev(size: int, backends: list[int]) -> Choice:
    """Who has each place."""
    return populate(size, [(f"backend {number}", 1, number) for number in backends])


def ring(size: int, backends: list[int]) -> Choice:
    """The place's successor among the points of the backends."""
    points = np.concatenate([_random(number + 1, POINTS) for number in backends])
    owners = np.repeat(np.array(backends, np.uint32), POINTS)
    order = np.argsort(points)
    found = np.searchsorted(points[order], _random(0, size)) % len(points)
    return np.asarray(owners[order][found], np.uint32)


def rendezvous(size: int, backends: list[int]) -> Choice:
    """The backend whose number together with the place's is the largest."""
    places = _random(0, size)
    best, owner = np.zeros(size, np.uint64), np.zeros(size, np.uint32)
    for number in backends:
        mixed = (places ^ np.uint64((number + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1)) * np.uint64(
            0xBF58476D1CE4E5B9
        )
        mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(29)
        better = mixed > best
        best[better], owner[better] = mixed[better], number
    return owner


METHODS: dict[str, Method] = {"maglev": maglev, "ring": ring, "rendezvous": rendezvous}


def over_provisioned(choice: Choice) -> float:
    """By how much the largest share is above the mean, in percent."""
    counts = np.bincount(choice)
    counts = counts[counts > 0]
    return float(100 * (counts.max() / counts.mean() - 1))


def disruption(before: Choice, after: Choice, failed: int) -> float:
    """The part of the places of backends from ``failed`` on that have another one, in percent."""
    stays = before >= failed
    return float(100 * (before[stays] != after[stays]).mean())


def _random(stream: int, count: int) -> npt.NDArray[np.uint64]:
    """Numbers without a pattern, the same each time."""
    return np.random.default_rng(stream).integers(0, 1 << 64, count, np.uint64)
