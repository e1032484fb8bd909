"""Measuring two things in turn, so that what disturbs the machine disturbs both.

>>> numbers = iter([9, 1, 4.0, 2.0, 3.0, 6.0])  # the first two warm up; then ours, theirs, theirs, ours
>>> interleaved(lambda: next(numbers), lambda: next(numbers), 2)
((4.0, 6.0), (2.0, 3.0))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Measured = tuple[float, ...]
T = TypeVar("T")


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], repeats: int
) -> tuple[Measured, Measured]:
    """Measure ``repeats`` pairs, after one that warms up; each is first in every other pair."""
    mine, other = in_turn((ours, theirs), repeats)
    return mine, other


def in_turn(measurements: Sequence[Callable[[], T]], repeats: int) -> list[tuple[T, ...]]:
    """Measure each of them ``repeats`` times, after one round that warms up; every other round backwards."""
    for measure in measurements:
        measure()
    found: list[list[T]] = [[] for _ in measurements]
    for number in range(repeats):
        for measure, to in list(zip(measurements, found, strict=True))[:: -1 if number % 2 else 1]:
            to.append(measure())
    return [tuple(values) for values in found]
