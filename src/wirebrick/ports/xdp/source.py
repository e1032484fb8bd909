"""Receiving from ``xdp:``: the queues of one worker, in turn."""

from __future__ import annotations

from collections.abc import Sequence

from wirebrick.packet.memory import load64, store64
from wirebrick.ports.base import Source
from wirebrick.ports.libc import address_of
from wirebrick.ports.xdp import layout
from wirebrick.ports.xdp.queue import XdpQueue
from wirebrick.ports.xdp.umem import Umem
from wirebrick.runtime.blocks import Blocks
from wirebrick.runtime.mempool import Mempool


class XdpSource(Source):
    """One worker's ``queues``; ``repair``: whether checksums that were left partial are completed."""

    live = True

    def __init__(self, queues: Sequence[XdpQueue], *, repair: bool) -> None:
        # Imported here: describing ports needs no compiler.
        from wirebrick.compiler.native import load_native

        self.receive = load_native("wirebrick.ports.xdp.native", {"receive": 3, "transmit": 4})["receive"]
        self.queues = list(queues)
        self.frames = sum(queue.entries for queue in queues)
        self._blocks = Blocks()
        self.state = self._blocks.take(layout.SOURCE)
        self._repair = repair

    def own(self, pool: Mempool, first: int) -> None:
        """Take the frames that are to be filled."""
        assert isinstance(pool, Umem)
        for queue in self.queues:
            queue.own(pool, first, queue.entries, sent=False)
            first += queue.entries
        for word, value in (
            (layout.S_QUEUES, len(self.queues)),
            (layout.S_TABLE, self._blocks.table([queue.receiver for queue in self.queues])),
            (layout.S_SHIFT, pool.shift),
            (layout.S_OWNERS, int(pool.owners.ctypes.data)),
            (layout.S_CLOCK, address_of("clock_gettime")),
            (layout.S_CELL, self._blocks.take(16)),
            (layout.S_RECEIVE, address_of("recv")),
            (layout.S_REPAIR, int(self._repair)),
        ):
            store64(self.state + word, value)

    def descriptors(self) -> Sequence[int]:
        """Its queues' sockets; none while the interface is gone."""
        return [fd for queue in self.queues if (fd := queue.fd) >= 0]

    def opened(self) -> None:
        """Its queues have new sockets."""
        store64(self.state + layout.S_QUEUES, len(self.queues))

    def gone(self) -> None:
        """Its queues have no sockets any more: nothing comes in until they are opened again."""
        store64(self.state + layout.S_QUEUES, 0)

    @property
    def repaired(self) -> int:
        """Packets whose checksum was completed."""
        return load64(self.state + layout.S_REPAIRED)
