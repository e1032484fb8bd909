"""monitor with its defaults, over more and more flows of UDP, of TCP and of IMIX over UDP, beside C."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.experiments.table import SLOT, lines
from benchmarks.harness.baseline import CNF
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from benchmarks.harness.warm import warm_row
from wirebrick.nf.monitor import monitor
from wirebrick.nf.monitor.connections import PORTS
from wirebrick.nf.monitor.handshake import BUCKETS
from wirebrick.ports.memory.traffic import Traffic

FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
CONNECTION = 128  # bytes, of both


def rows(options: Options) -> Iterator[Row]:
    """One row for each kind of packets and number of flows."""
    for protocol, size, more in (("udp", SIZE, ""), ("tcp", SIZE, ""), ("udp", "imix", ", IMIX")):
        for name, flows in FLOWS.items():
            yield warm_row(
                f"monitor, {name} {protocol.upper()} flows{more}",
                lambda flows=flows: monitor(capacity=2 * flows, top=0),  # type: ignore[misc]
                lambda flows=flows: c_monitor(flows),  # type: ignore[misc]
                options,
                Traffic(size=size, flows=flows, protocols=protocol),
                holds={3: flows, 4: 0},
            )


def c_monitor(capacity: int) -> CNF:
    """The C baseline, with room for so many flows and as many connections."""
    slots, memory, first = lines(capacity, SLOT)
    places, connections, place = lines(capacity, CONNECTION)
    shaking, trips = np.zeros(PORTS, np.uint8), np.zeros(3 * BUCKETS, np.uint64)
    words = (first, slots - 1, capacity, 0, 0, place, places - 1, capacity, 0)
    keeps = (memory, connections, shaking, trips)
    return CNF("monitor", (*words, shaking.ctypes.data, trips.ctypes.data), keeps=keeps)
