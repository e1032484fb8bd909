"""One worker's memory: its context, descriptors, lists, counters and tables, as ``frame.py`` lays them out.

>>> memory = Context(burst=4, frame_size=1514, ports=2, counters=3)
>>> memory[W_BURST_SIZE], memory[W_ROOM], memory[W_STOP]
(4, 8, 0)
>>> memory[W_STOP] = 1; memory[W_STOP]
1
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wirebrick.packet.faults import DEFAULT_FUEL
from wirebrick.packet.frame import (
    CONTEXT,
    DESCRIPTOR,
    LIST_HEAD,
    RX_ENDED,
    RX_ENTRY,
    RX_LENGTH,
    RX_PORT,
    RX_RECEIVE,
    RX_STATE,
    TX_ENTRY,
    TX_START,
    TX_STATE,
    TX_TAKEN,
    TX_TRANSMIT,
    W_BUDGET,
    W_BURST,
    W_BURST_SIZE,
    W_COUNTERS,
    W_EGRESS,
    W_FILTER,
    W_FUEL,
    W_LIMIT,
    W_LISTS,
    W_POOL,
    W_ROOM,
    W_RX_PORTS,
    W_RX_TABLE,
    W_SCRATCH,
    W_STAGE,
    W_STATES,
    W_STOP,
    W_STRIDE,
    W_TX_PORTS,
    W_TX_TABLE,
)
from wirebrick.packet.memory import load64, store64
from wirebrick.ports.base import Sink, Source
from wirebrick.runtime.mempool import COPIES, Mempool

__all__ = ["W_STOP", "Context"]

LINES = 128  # bytes; processors fetch cache lines of 64 in pairs, and no two workers may share a pair
ENDLESS = 1 << 62  # W_LIMIT where there is none
BUDGET = 1 << 14  # bursts between two looks around: some milliseconds


class Context:
    """A worker's memory, for bursts of ``burst`` packets of up to ``frame_size`` bytes; words by byte offset.

    ``matches`` is the address of a filter. Raises PortError where there isn't enough memory.
    """

    def __init__(
        self, *, burst: int, frame_size: int, ports: int, counters: int, scratch: int = 0, matches: int = 0
    ) -> None:
        room = burst * COPIES
        self.pool = Mempool(room + (burst if matches else 0), frame_size)
        self._kept: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []
        self.address = self._block(CONTEXT)
        self._lists = [self._block(LIST_HEAD + 4 * room) for _ in range(ports)]
        self.counters = self._block(8 * counters)
        self._transmitters = self._block(TX_ENTRY * ports)
        for word, value in (
            (W_BURST, self._block(DESCRIPTOR * room)),
            (W_ROOM, room),
            (W_POOL, self.pool.address),
            (W_STRIDE, self.pool.stride),
            (W_COUNTERS, self.counters),
            (W_LISTS, self._table(self._lists)),
            (W_FUEL, DEFAULT_FUEL),
            (W_SCRATCH, self._block(scratch)),
            (W_LIMIT, ENDLESS),
            (W_TX_PORTS, ports),
            (W_TX_TABLE, self._transmitters),
            (W_BURST_SIZE, burst),
            (W_BUDGET, BUDGET),
            (W_FILTER, matches),
            (W_STAGE, self._block(DESCRIPTOR * burst) if matches else 0),
        ):
            self[word] = value

    def __getitem__(self, word: int) -> int:
        return load64(self.address + word)

    def __setitem__(self, word: int, value: int) -> None:
        store64(self.address + word, value)

    def set_states(self, blocks: Sequence[int]) -> None:
        """The worker's block of each state object."""
        self[W_STATES] = self._table(blocks)

    def set_egress(self, default: Sequence[int]) -> None:
        """Where packets of each ingress port leave, if nothing else is said."""
        self[W_EGRESS] = self._table(default)

    def set_sources(self, sources: Sequence[tuple[int, Source]], keeps_lengths: bool = False) -> None:
        """The sources to receive from, each with its port's number; whether packets keep their lengths here."""
        self[W_RX_PORTS] = len(sources)
        self[W_RX_TABLE] = table = self._block(RX_ENTRY * len(sources))
        for number, (port, source) in enumerate(sources):
            entry = table + number * RX_ENTRY
            store64(entry + RX_RECEIVE, source.receive)
            store64(entry + RX_STATE, source.state)
            store64(entry + RX_PORT, port)
            store64(entry + RX_LENGTH, source.wire_length if keeps_lengths else 0)

    def end_source(self, number: int) -> None:
        """Receive no more from a source."""
        store64(self[W_RX_TABLE] + number * RX_ENTRY + RX_ENDED, 1)

    def set_sink(self, port: int, sink: Sink) -> None:
        """The sink of a port; packets for a port without one are dropped."""
        entry = self._transmitters + port * TX_ENTRY
        store64(entry + TX_TRANSMIT, sink.transmit)
        store64(entry + TX_STATE, sink.state)

    def taken(self, port: int) -> int:
        """Packets that a port's sink took (or, where it has none, that were dropped there)."""
        return load64(self._transmitters + port * TX_ENTRY + TX_TAKEN)

    def waiting(self, port: int) -> int:
        """Packets on a port's list that it has not taken."""
        return load64(self._lists[port]) - load64(self._transmitters + port * TX_ENTRY + TX_START)

    def _table(self, values: Sequence[int]) -> int:
        """Memory that holds words."""
        address = self._block(8 * len(values))
        for number, value in enumerate(values):
            store64(address + 8 * number, value)
        return address

    def _block(self, size: int) -> int:
        """Zeroed memory, in cache lines of its own."""
        size = -(-max(size, 1) // LINES) * LINES
        memory = np.zeros(size + LINES, np.uint8)
        self._kept.append(memory)
        return -(-int(memory.ctypes.data) // LINES) * LINES
