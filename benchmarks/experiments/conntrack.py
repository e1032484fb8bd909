"""firewall with stateful=yes, over more and more connections, beside C.

Both sides see every connection once before the measurement begins, so that entering them is in neither. TCP segments
are those of connections whose beginning nobody saw, taken up loosely.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness.baseline import CNF
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from benchmarks.harness.warm import CASES, warm_row
from wirebrick.nf.firewall import firewall
from wirebrick.stream.network_function import Configured

ROOM = 4  # times as many connections as there are: a quarter may be half-open, as packets go one way only
SLOT = 64  # bytes, of both


def rows(options: Options) -> Iterator[Row]:
    """One row for each case."""
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        file.write("allow all\n")
        file.flush()
        for name, traffic in CASES.items():
            capacity = ROOM * traffic.flows
            yield warm_row(
                f"firewall, stateful, {name}",
                lambda capacity=capacity: ours(Path(file.name), capacity),  # type: ignore[misc]
                lambda capacity=capacity: c_conntrack(capacity),  # type: ignore[misc]
                options,
                traffic,
                holds={8: traffic.flows, 9: 0, 10: 0, 11: 0},
            )


def ours(rules: Path, capacity: int) -> Configured:
    """Wirebrick's firewall with room for so many connections."""
    made: Configured = firewall(rules=rules, stateful=True, loose=True, connections=capacity)
    return made


def c_conntrack(capacity: int) -> CNF:
    """The C baseline: twice as many slots as connections or more, a power of two of them."""
    slots = 1 << (2 * capacity - 1).bit_length()
    room = max(1, capacity // 4)
    memory = np.zeros(slots * SLOT + SLOT, np.uint8)
    first = -(-memory.ctypes.data // SLOT) * SLOT
    ring = np.zeros(room, np.uint64)
    words = (first, slots - 1, capacity, ring.ctypes.data, room, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    return CNF("conntrack", words, keeps=(memory, ring))
