"""Rewrite: the streams that a packetize operator changes: numbers, output not yet acknowledged, connections."""

from __future__ import annotations

from typing import Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64
from wirebrick.state.base import State
from wirebrick.state.rewrite_layout import B_COUNTERS, B_FRESH, COUNTERS
from wirebrick.state.rewrite_pairs_native import power_of_two, rewrite_init, rewrite_size

SEED = 0x1B873593CC9E2D51
MOST_FLOWS = 1 << 24
LEAST_BUFFER = 16 << 10
MOST_BUFFER = 64 << 20


class Rewrite(State):
    """The connections of one packetize operator: up to ``flows`` in each worker, each with two rings of output.

    ``buffer``: bytes of output that a direction keeps until its receiver has acknowledged them, a power of two of at
    least 16 KiB (other numbers are rounded up). Half of it is the largest window that a sender sees; one call of the
    user function can emit no more than is free of it. A worker's block takes ``flows * (2 * buffer + 2.7 KiB)`` bytes
    of address space; memory only as far as it is used.

    When all are taken, connections of which only one side was heard go first, then the least recently used.

    >>> streams = Rewrite(flows=100, buffer=100_000)
    >>> streams.buffer
    131072
    >>> streams.allocate(workers=1)  # a run does this
    >>> streams.totals()["connections"], streams.connections
    (0, 0)
    """

    def __init__(self, flows: int = 1024, buffer: int = 256 << 10) -> None:
        _check("flows", flows, 1, MOST_FLOWS, "connections that each worker has room for")
        _check("buffer", buffer, LEAST_BUFFER, MOST_BUFFER, "bytes that each direction keeps")
        self.flows = flows
        self.buffer = power_of_two(buffer)
        super().__init__(f"Rewrite({flows})")

    def block_size(self) -> int:
        """Bytes of a worker's block."""
        return rewrite_size(self.flows, self.buffer)

    def _initialise(self, block: int) -> None:
        rewrite_init(block, self.flows, self.buffer, SEED)

    def totals(self) -> dict[str, int]:
        """What was counted, summed over the workers: see COUNTERS of ``rewrite_layout.py``; zeros before a run."""
        return {
            name: sum(load64(block + B_COUNTERS + 8 * number) for block in self.blocks)
            for number, name in enumerate(COUNTERS)
        }

    @property
    def connections(self) -> int:
        """Connections that the workers know now."""
        return sum(load64(block + B_FRESH) for block in self.blocks)


def _check(name: str, value: Any, least: int, most: int, meaning: str) -> None:
    """Raise GraphError unless it is a whole number in that range."""
    if type(value) is not int or not least <= value <= most:
        raise GraphError(
            f"{name} of a packetize operator can't be {value!r}",
            place=caller_place(),
            cure=f"give a whole number from {least:,} to {most:,}: {meaning}",
        )
