"""A worker's receive and transmit queue of a DPDK device: what a source and a sink are here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wirebrick.packet.memory import load64, store64
from wirebrick.ports.base import Sink, Source
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.mempool import DpdkMempool
from wirebrick.ports.libc import address_of
from wirebrick.runtime.blocks import LINES, Blocks
from wirebrick.runtime.mempool import Mempool

if TYPE_CHECKING:
    from wirebrick.ports.dpdk.port import DpdkPort

_STASHED = 8  # frames that each brings for the stash of its worker: DPDK has 32 devices at most


class Queue:
    """What a source and a sink have in common: a state block, a queue, the worker's stash."""

    frames = _STASHED

    def __init__(self, port: DpdkPort, worker: int) -> None:
        self._port = port
        self._worker = worker
        self._pool: DpdkMempool | None = None
        self._blocks = Blocks()
        self.state = self._blocks.take(layout.STATE)
        store64(self.state + layout.S_CLOCK, address_of("clock_gettime"))
        store64(self.state + layout.S_CELLS, self._blocks.take(LINES))
        store64(self.state + layout.S_QUEUE, worker if port.queues > 1 else 0)

    def own(self, pool: Mempool, first: int) -> None:
        """Have the frames in the worker's stash."""
        assert isinstance(pool, DpdkMempool)
        self._pool = pool
        pool.fill(self._worker, first, self.frames)
        store64(self.state + layout.S_STASH, pool.stash(self._worker))
        store64(self.state + layout.S_OPERATIONS, self._port.use(pool))

    def begin(self) -> None:
        """Make the worker's thread one of DPDK's."""
        assert self._pool is not None
        self._pool.join_thread(self._worker)

    def end(self) -> None:
        """It is one no longer."""
        assert self._pool is not None
        self._pool.leave_thread()

    def counted(self, counter: int) -> tuple[int, int]:
        """Packets that were dropped here, and their bytes on the wire; ``counter``: S_LOST or S_TOO_LONG."""
        return load64(self.state + counter), load64(self.state + counter + 8)


class DpdkSource(Queue, Source):
    """One worker's receive queue."""

    live = True

    def __init__(self, port: DpdkPort, worker: int) -> None:
        super().__init__(port, worker)
        # Imported here: describing ports needs no compiler.
        from wirebrick.compiler.native import load_native

        self.receive = load_native("wirebrick.ports.dpdk.receive_native", {"receive": 3})["receive"]


class DpdkSink(Queue, Sink):
    """One worker's transmit queue; ``lock``: address of the lock where workers share one, or 0."""

    def __init__(self, port: DpdkPort, worker: int, lock: int) -> None:
        super().__init__(port, worker)
        from wirebrick.compiler.native import load_native

        self.transmit = load_native("wirebrick.ports.dpdk.transmit_native", {"transmit": 4})["transmit"]
        store64(self.state + layout.S_LOCK, lock)
        store64(self.state + layout.S_LONGEST, port.longest)

    @property
    def dropped(self) -> Mapping[str, tuple[int, int]]:
        """What the device had no room for, what is larger than its MTU allows, what was cut when it was captured."""
        return {
            "no_room": self.counted(layout.S_LOST),
            "too_long": self.counted(layout.S_TOO_LONG),
            "cut_by_capture": self.counted(layout.S_CUT),
        }
