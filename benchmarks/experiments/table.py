"""A table updated for each packet: packets, bytes and time of last use, over more and more flows, beside C."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.harness.baseline import CNF
from benchmarks.harness.chains import count_flows
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from benchmarks.harness.warm import warm_row
from wirebrick.ports.memory.traffic import Traffic

FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000, "8M": 8_000_000}
SLOT = 64  # bytes, of both


def rows(options: Options) -> Iterator[Row]:
    """One row for each number of flows."""
    for name, flows in FLOWS.items():
        yield warm_row(
            f"table, {name} flows",
            lambda flows=flows: count_flows(capacity=flows),  # type: ignore[misc]
            lambda flows=flows: c_table(flows),  # type: ignore[misc]
            options,
            Traffic(flows=flows),
            holds={3: flows, 4: 0},
        )


def c_table(capacity: int) -> CNF:
    """The C baseline: twice as many slots as flows or more, a power of two of them."""
    slots, memory, first = lines(capacity, SLOT)
    return CNF("table", (first, slots - 1, capacity, 0, 0), keeps=memory)


def lines(capacity: int, size: int) -> tuple[int, np.ndarray, int]:
    """Slots for a table at most half full: how many, their memory, and the address of the first one."""
    slots = 1 << (2 * capacity - 1).bit_length()
    # As the blocks of state objects: NumPy asks for huge pages where it is large.
    memory = np.zeros(slots * size + size, np.uint8)
    return slots, memory, -(-memory.ctypes.data // size) * size
