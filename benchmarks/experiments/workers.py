"""Two workers against one: ttl, then a count of packets and bytes by flow, on flows of their own.

Both do the same number of packets; the ratio is that of the speeds, pair by pair.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import wirebrick
from benchmarks.harness.chains import count_flows
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from wirebrick.nf.load import load_nf
from wirebrick.ports.base import BURST

FLOWS = 1024
RATE = 20e6  # packets a second of a worker, about
TARGET = Target(">=", 1.9, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """One row."""
    if len(os.sched_getaffinity(0)) < 2:
        raise BenchmarkError("two workers need two processors")
    packets = round(RATE * options.seconds)
    measured, against = interleaved(
        lambda: workers_mpps(2, 2 * packets), lambda: workers_mpps(1, packets), options.repeats
    )
    yield Row("2 workers against 1", "Mpps", measured, against, TARGET)


def workers_mpps(workers: int, packets: int) -> float:
    """Million packets a second of a run of so many packets."""
    result = wirebrick.run(
        [load_nf("ttl"), count_flows(capacity=2 * FLOWS)],
        rx=f"memory:size={SIZE},flows={FLOWS},count={packets}",
        tx="null:",
        workers=workers,
        burst=BURST,
    )
    if result.packets_in != packets:
        raise BenchmarkError(f"{result.packets_in} packets were run, not {packets}")
    return float(result.mpps)
