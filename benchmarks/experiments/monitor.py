"""monitor with more and more flows: the table outgrows the caches. First sights of flows are measured too."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.memory import alone
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from wirebrick.nf.monitor import monitor

FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}


def rows(options: Options) -> Iterator[Row]:
    """One row for each number of flows."""
    for name, flows in FLOWS.items():
        chain = [monitor(capacity=2 * flows, top=0)]
        yield alone(f"monitor, {name} flows", chain, options, flows=flows)
