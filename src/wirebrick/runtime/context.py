"""One worker's memory: its context, descriptors, lists, counters and tables, as ``frame.py`` lays them out.

>>> memory = Context(burst=4, frame_size=1514, ports=2, counters=3)
>>> memory[W_BURST_SIZE], memory[W_ROOM], memory[W_STOP]
(4, 8, 0)
>>> memory[W_STOP] = 1; memory[W_STOP]
1
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache

from wirebrick.packet.faults import DEFAULT_FUEL
from wirebrick.packet.frame import (
    CONTEXT,
    DESCRIPTOR,
    LIST_HEAD,
    RX_BYTES,
    RX_ENDED,
    RX_ENTRY,
    RX_LENGTH,
    RX_NEEDS,
    RX_NODE,
    RX_PACKETS,
    RX_PORT,
    RX_RECEIVE,
    RX_STATE,
    TX_BYTES,
    TX_ENTRY,
    TX_START,
    TX_STATE,
    TX_TAKEN,
    TX_TRANSMIT,
    W_ASIDE_TABLE,
    W_ASIDES,
    W_BUDGET,
    W_BURST,
    W_BURST_SIZE,
    W_COUNTERS,
    W_EGRESS,
    W_FILTER,
    W_FRAME,
    W_FRAMES,
    W_FUEL,
    W_HOLDS,
    W_LIMIT,
    W_LISTS,
    W_NODES,
    W_POOL,
    W_RINGS,
    W_ROOM,
    W_RX_PORTS,
    W_RX_TABLE,
    W_SCRATCH,
    W_SHUFFLES,
    W_SPILL,
    W_SPILL_SIZE,
    W_STAGE,
    W_STATES,
    W_STOP,
    W_STRIDE,
    W_TX_PORTS,
    W_TX_TABLE,
    W_WORKER,
    W_WORKERS,
    W_YIELD,
)
from wirebrick.packet.memory import load64, store32, store64
from wirebrick.ports.base import Sink, Source
from wirebrick.runtime.blocks import Blocks
from wirebrick.runtime.hold import Holds
from wirebrick.runtime.mempool import COPIES, Mempool
from wirebrick.runtime.ring import Ring, Rings

__all__ = ["W_STOP", "Context"]

ENDLESS = 1 << 62  # W_LIMIT where there is none
BUDGET = 1 << 14  # bursts between two looks around: some milliseconds


class Context:
    """A worker's memory, for bursts of ``burst`` packets of up to ``frame_size`` bytes; words by byte offset.

    A burst has ``room`` times as many positions. ``matches`` is the address of a filter. ``shared``: the
    mempool of all workers, and the number of this one's first frame there; without it the worker has its own.
    Raises PortError where there isn't enough memory.
    """

    def __init__(
        self,
        *,
        burst: int,
        frame_size: int,
        ports: int,
        counters: int,
        scratch: int = 0,
        matches: int = 0,
        room: int = COPIES,
        shared: tuple[Mempool, int] | None = None,
    ) -> None:
        positions = burst * room
        frames = frames_for(burst, room, matches)
        self._blocks = Blocks()
        take = self._blocks.take
        self.pool = shared[0] if shared else Mempool(frames, frame_size)
        self.address = take(CONTEXT)
        self._lists = [take(LIST_HEAD + 4 * positions) for _ in range(ports)]
        self.counters = take(8 * counters)
        self._transmitters = take(TX_ENTRY * ports)
        for word, value in (
            (W_BURST, take(DESCRIPTOR * positions)),
            (W_ROOM, positions),
            (W_POOL, self.pool.address),
            (W_STRIDE, self.pool.stride),
            (W_FRAME, self.pool.frame),
            (W_COUNTERS, self.counters),
            (W_LISTS, self._blocks.table(self._lists)),
            (W_FUEL, DEFAULT_FUEL),
            (W_SCRATCH, take(scratch)),
            (W_LIMIT, ENDLESS),
            (W_TX_PORTS, ports),
            (W_TX_TABLE, self._transmitters),
            (W_BURST_SIZE, burst),
            (W_BUDGET, BUDGET),
            (W_FILTER, matches),
            (W_STAGE, take(DESCRIPTOR * burst) if matches else 0),
            (W_WORKERS, 1),
            (W_YIELD, _yield_address()),
        ):
            self[word] = value
        if shared:
            self[W_FRAMES] = take(4 * frames)
            for position in range(frames):
                store32(self[W_FRAMES] + 4 * position, shared[1] + position)

    def __getitem__(self, word: int) -> int:
        return load64(self.address + word)

    def __setitem__(self, word: int, value: int) -> None:
        store64(self.address + word, value)

    def set_states(self, blocks: Sequence[int]) -> None:
        """The worker's block of each state object."""
        self[W_STATES] = self._blocks.table(blocks)

    def set_egress(self, default: Sequence[int]) -> None:
        """Where packets of each ingress port leave, if nothing else is said."""
        self[W_EGRESS] = self._blocks.table(default)

    def set_worker(self, number: int, workers: int) -> None:
        """Which worker it is, and of how many."""
        self[W_WORKER], self[W_WORKERS] = number, workers

    def set_sources(
        self,
        sources: Sequence[tuple[int, Source]],
        keeps_lengths: bool = False,
        rings: Rings | None = None,
        ring_length: int = 0,
    ) -> None:
        """The sources to receive from, each with its port's number; whether packets keep their lengths here.

        ``rings``: those between the workers, ``ring_length`` the bytes on the wire of every packet in them,
        or 0 where they differ. Call ``set_worker`` first.
        """
        into = rings.into(self[W_WORKER]) if rings is not None else []
        self[W_RX_PORTS] = len(sources) + len(into)
        self[W_RX_TABLE] = entry = self._blocks.take(RX_ENTRY * (len(sources) + len(into)))
        for port, source in sources:
            store64(entry + RX_RECEIVE, source.receive)
            store64(entry + RX_STATE, source.state)
            store64(entry + RX_PORT, port)
            store64(entry + RX_LENGTH, source.wire_length if keeps_lengths else 0)
            if rings is not None:
                store64(entry + RX_NEEDS, self._needed(rings, 0))
            entry += RX_ENTRY
        if rings is None:
            return
        for ring in into:
            self._set_ring(entry, ring, rings, ring_length)
            entry += RX_ENTRY
        self[W_SHUFFLES] = len(rings.shuffles)
        self[W_NODES] = self._blocks.table([plan.node for plan in rings.shuffles])
        self[W_SPILL] = self._blocks.take(rings.spill * self[W_BURST_SIZE])
        self[W_SPILL_SIZE] = rings.spill

    def set_holds(self, holds: Holds, rings: Rings | None) -> None:
        """What it holds, and where it sets packets aside meanwhile."""
        self._holds = holds  # its memory stays as long as this
        self[W_HOLDS] = holds.address
        self[W_ASIDES] = len(holds.asides)
        self[W_ASIDE_TABLE] = entry = self._blocks.take(RX_ENTRY * len(holds.asides))
        for ring in holds.asides:
            self._set_ring(entry, ring, rings, 0)
            entry += RX_ENTRY

    def _set_ring(self, entry: int, ring: Ring, rings: Rings | None, length: int) -> None:
        """A ring to receive from, whose packets all have ``length`` bytes, or 0."""
        # Imported here: describing runs needs no compiler.
        from wirebrick.compiler.native import load_native

        receive = load_native("wirebrick.runtime.ring_native", {"ring_receive": 3})["ring_receive"]
        store64(entry + RX_RECEIVE, receive)
        store64(entry + RX_STATE, ring.address)
        store64(entry + RX_LENGTH, length)
        store64(entry + RX_NODE, ring.node)
        if rings is not None:
            store64(entry + RX_NEEDS, self._needed(rings, ring.node))

    def set_rings(self, table: Sequence[int]) -> None:
        """For each shuffle and worker the ring to that worker, or 0: packets stay where they are."""
        self[W_RINGS] = self._blocks.table(table)

    def _needed(self, rings: Rings, node: int) -> int:
        """The list of rings that must have room for what goes on behind ``node``; 0 where there is none."""
        needed = rings.needed(self[W_WORKER], node)
        return self._blocks.table([len(needed), *needed]) if needed else 0

    def end_source(self, number: int) -> None:
        """Receive no more from a source."""
        store64(self[W_RX_TABLE] + number * RX_ENTRY + RX_ENDED, 1)

    def end_ports(self) -> None:
        """Receive no more from any port; rings bring what is on its way."""
        for number in range(self[W_RX_PORTS]):
            if load64(self[W_RX_TABLE] + number * RX_ENTRY + RX_NODE) == 0:
                self.end_source(number)

    def set_sink(self, port: int, sink: Sink) -> None:
        """The sink of a port; packets for a port without one are dropped."""
        entry = self._transmitters + port * TX_ENTRY
        store64(entry + TX_TRANSMIT, sink.transmit)
        store64(entry + TX_STATE, sink.state)

    def taken(self, port: int) -> int:
        """Packets that a port's sink took (or, where it has none, that were dropped there)."""
        return load64(self._transmitters + port * TX_ENTRY + TX_TAKEN)

    def sent_bytes(self, port: int) -> int:
        """Bytes on the wire of the packets that a port's sink took."""
        return load64(self._transmitters + port * TX_ENTRY + TX_BYTES)

    def received(self, entry: int) -> tuple[int, int]:
        """Packets, and their bytes on the wire, that came from source number ``entry`` of this worker."""
        at = self[W_RX_TABLE] + entry * RX_ENTRY
        return load64(at + RX_PACKETS), load64(at + RX_BYTES)

    def waiting(self, port: int) -> int:
        """Packets on a port's list that it has not taken."""
        return load64(self._lists[port]) - load64(self._transmitters + port * TX_ENTRY + TX_START)


def frames_for(burst: int, room: int, matches: int) -> int:
    """Frames that a worker has: one for each position, and where packets are filtered, for a burst of them.

    >>> frames_for(64, 2, 0), frames_for(64, 2, matches=1)
    (128, 192)
    """
    return burst * room + (burst if matches else 0)


@cache
def _yield_address() -> int:
    """Address of the C library's sched_yield, or 0 where there is none."""
    function = getattr(ctypes.CDLL(None), "sched_yield", None)
    return (ctypes.cast(function, ctypes.c_void_p).value or 0) if function is not None else 0
