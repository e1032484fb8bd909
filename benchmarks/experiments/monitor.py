"""monitor with more and more flows: the table outgrows the caches.

Every flow is seen at least ten times; the first sight, when the flow is entered, is measured with the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.chains import count_flows
from benchmarks.harness.memory import alone
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row

FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
SIGHTS = 10
RATE = 20e6  # packets a second, about: so that a measurement takes about as long as is asked for


def rows(options: Options) -> Iterator[Row]:
    """One row for each number of flows."""
    for name, flows in FLOWS.items():
        packets = max(SIGHTS * flows, round(RATE * options.seconds))
        chain = [count_flows(capacity=2 * flows)]
        yield alone(f"monitor, {name} flows", chain, options, flows=flows, packets=packets)
