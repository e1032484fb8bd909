"""nat over more and more sessions that leave, beside C with the same structures.

Both sides see every session once before the measurement begins, so that making them is in neither. TCP segments are
those of connections whose beginning nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.harness.baseline import CNF
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from benchmarks.harness.warm import CASES, warm_row
from wirebrick.nf.nat import nat
from wirebrick.nf.nat.settings import external_addresses
from wirebrick.state.table_layout import table_homes
from wirebrick.stream.network_function import Configured

ADDRESSES = {1_000: "203.0.113.1", 100_000: "203.0.113.0/29", 1_000_000: "203.0.113.0/26"}
PORTS = 4 + 2 * 65536 * 2 + 4 * 65536  # bytes of a struct ports
RECORDS = (64, 32, 32)  # a session, a mapping, a host


def rows(options: Options) -> Iterator[Row]:
    """One row for each case."""
    for name, traffic in CASES.items():
        flows, addresses = traffic.flows, ADDRESSES[traffic.flows]
        yield warm_row(
            f"nat, {name}",
            lambda flows=flows, addresses=addresses: ours(flows, addresses),  # type: ignore[misc]
            lambda flows=flows, addresses=addresses: c_nat(flows, addresses),  # type: ignore[misc]
            options,
            traffic,
            holds={13: flows, 18: 0, 19: 0},
        )


def ours(flows: int, addresses: str, *, preserve: bool = False) -> Configured:
    """Wirebrick's NAT with room for so many sessions."""
    made: Configured = nat(addresses=addresses, capacity=flows, midstream=True, preserve=preserve)
    return made


def c_nat(capacity: int, addresses: str, *, preserve: bool = False) -> CNF:
    """The C baseline, with indexes as large as Wirebrick's."""
    pool = external_addresses(addresses)
    heads = table_homes(2 * capacity)
    # As the blocks of state objects: NumPy asks for huge pages where it is large.
    records = [np.zeros((capacity + 1) * size + 64, np.uint8) for size in RECORDS]
    indexes = [np.zeros(heads, np.uint32) for _ in range(4)]
    wheel = np.zeros(1 << 14, np.uint32)
    ports = np.zeros(2 * len(pool) * PORTS, np.uint8)
    listed = np.array(sorted(pool), np.uint32)
    first = [-(-memory.ctypes.data // 64) * 64 for memory in records]
    others = [memory.ctypes.data for memory in indexes]
    others += [wheel.ctypes.data, ports.ctypes.data, listed.ctypes.data]
    counted = (len(pool), heads - 1, capacity, 0, 0, 0, int(preserve), 1, 0, 0)
    kept = (records, indexes, wheel, ports, listed)
    return CNF("nat", (*first, *others, *counted), keeps=kept)
