"""Strict against Partitioned: what it costs that all workers share one counter, or one array, with one worker and two.

The ratio is that of the speeds, Strict divided by Partitioned, pair by pair.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import wirebrick
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row
from wirebrick import Array, Counter, Partitioned, Stream, Strict, network_function
from wirebrick.fields import U64
from wirebrick.ports.base import BURST

RATE = 20e6  # packets a second, about: so that a measurement takes about as long as is asked for


@network_function
def count_one(packets: Stream, *, strict: bool) -> Stream:
    """Add one to a counter."""
    counter = Counter("packets", consistency=Strict() if strict else Partitioned())
    return packets.map(lambda packet: counter.add())


@network_function
def count_two(packets: Stream, *, strict: bool) -> Stream:
    """Add to two elements of an array, which belong together."""
    pair = Array(U64, 2, consistency=Strict() if strict else Partitioned())

    def count(packet: Any) -> None:
        pair[0] += 1
        pair[1] += packet.length

    return packets.map(count)


def rows(options: Options) -> Iterator[Row]:
    """One row for each kind of object and number of workers."""
    packets = round(RATE * options.seconds)
    for what, nf in (("Counter", count_one), ("Array", count_two)):
        for workers in (1, 2):
            if len(os.sched_getaffinity(0)) < workers:
                raise BenchmarkError("two workers need two processors")
            measured, against = interleaved(
                lambda nf=nf, workers=workers: mpps(nf(strict=True), workers, packets),  # type: ignore[misc]
                lambda nf=nf, workers=workers: mpps(nf(strict=False), workers, packets),  # type: ignore[misc]
                options.repeats,
            )
            name = f"{what}, Strict against Partitioned, {workers} worker{'s' if workers > 1 else ''}"
            yield Row(name, "Mpps", measured, against)


def mpps(nf: Any, workers: int, packets: int) -> float:
    """Million packets a second of a run of so many packets for each worker."""
    rx = f"memory:size={SIZE},flows=1024,count={packets * workers}"
    return float(wirebrick.run(nf, rx=rx, tx="null:", workers=workers, burst=BURST).mpps)
