"""Transmitting to ``xdp:``: one worker's ring of a queue."""

from __future__ import annotations

from collections.abc import Mapping

from wirebrick.packet.memory import load64
from wirebrick.ports.base import Sink
from wirebrick.ports.xdp.layout import DROPPED
from wirebrick.ports.xdp.queue import XdpQueue
from wirebrick.ports.xdp.umem import Umem
from wirebrick.runtime.mempool import Mempool


class XdpSink(Sink):
    """One of the workers that transmit to ``queue``. What finds no room in the ring is dropped and counted."""

    def __init__(self, queue: XdpQueue) -> None:
        from wirebrick.compiler.native import load_native

        functions = load_native("wirebrick.ports.xdp.native", {"receive": 3, "transmit": 4})
        self.transmit = functions["transmit"]
        self.frames = queue.entries
        self.queue = queue
        self.state = queue.add_transmitter()

    def own(self, pool: Mempool, first: int) -> None:
        """Take the frames to give for those that are sent."""
        assert isinstance(pool, Umem)
        self.queue.own(pool, first, self.frames, sent=True)

    @property
    def dropped(self) -> Mapping[str, tuple[int, int]]:
        """Packets that had no room, or that the interface doesn't take, or that were left when it closed."""
        found = {
            reason: (load64(self.state + word), load64(self.state + word + 8))
            for reason, word in DROPPED.items()
        }
        if self.state == self.queue.transmitters[0]:  # of the queue as a whole
            found |= self.queue.lost
        return found

    @property
    def pending(self) -> bool:
        """Whether the kernel was told of packets and has not taken all of them yet."""
        return self.queue.unsent > 0

    def flush(self) -> None:
        """Tell the kernel of what is left in the ring."""
        self.queue.send()
