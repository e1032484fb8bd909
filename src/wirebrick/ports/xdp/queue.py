"""A queue of an interface: the socket bound to it, its frames, and the native blocks of its rings.

Who owns a frame is written down in the mempool's table by native code, so a queue that went away with its interface
is made anew with the frames that it had, wherever they were.
"""

from __future__ import annotations

import threading

from wirebrick.packet.memory import load32, load64, store32, store32_release, store64
from wirebrick.ports.drop_native import drop
from wirebrick.ports.libc import address_of
from wirebrick.ports.xdp.layout import (
    E_COMPLETION,
    E_COUNT,
    E_FRAMES,
    EMPTIES,
    FRAME_ENTRY,
    Q_FD,
    Q_FILL,
    Q_NUMBER,
    Q_RX,
    QUEUE,
    RING_CONSUMER,
    RING_ENTRIES,
    RING_MASK,
    RING_PRODUCER,
    RX_ENTRY,
    SINK,
    T_EMPTIES,
    T_FD,
    T_LONGEST,
    T_NOT_SENT,
    T_NUMBER,
    T_OWNERS,
    T_SEND,
    T_SHARED,
    T_SHIFT,
    T_TX,
    T_UNSENT,
)
from wirebrick.ports.xdp.socket import STATISTICS, XdpSocket
from wirebrick.ports.xdp.umem import Umem
from wirebrick.runtime.blocks import Blocks


class XdpQueue:
    """Queue ``number``; ``entries`` in each ring. ``receives`` it, and how many workers transmit to it.

    ``receiver`` is the address of the block that ``receive`` uses, ``transmitters`` those for ``transmit``.
    """

    def __init__(self, number: int, entries: int) -> None:
        self.number = number
        self.entries = entries
        self.receives = False
        self._blocks = Blocks()
        self.receiver = self._blocks.take(QUEUE)
        self.transmitters: list[int] = []
        self._empties = self._blocks.take(EMPTIES)
        self._sockets: list[XdpSocket] = []
        self._umem: Umem | None = None
        self._owner_rx = self._owner_tx = 0
        self._counts = dict.fromkeys(STATISTICS, 0)  # of sockets that were closed
        self._lock = threading.Lock()  # whoever looks into the rings: they may be closed by another thread

    @property
    def fd(self) -> int:
        """The descriptor of the socket that receives; -1 while there is none."""
        first = self._sockets[:1]
        return first[0].fd if first else -1

    @property
    def statistics(self) -> dict[str, int]:
        """What the kernel counted for all its sockets so far."""
        counts = dict(self._counts)
        for socket in self._sockets:
            for name, count in socket.statistics.items():
                counts[name] += count
        return counts

    def add_transmitter(self) -> int:
        """One more worker that transmits to it: the address of its block."""
        self.transmitters.append(self._blocks.take(SINK))
        return self.transmitters[-1]

    def own(self, pool: Umem, first: int, count: int, *, sent: bool) -> None:
        """Give it frames: for the ring of empty frames, or (``sent``) to give for those that are sent."""
        if self._umem is None:
            self._umem, self._owner_rx, self._owner_tx = pool, pool.new_owner(), pool.new_owner()
        pool.owners[first : first + count] = self._owner_tx if sent else self._owner_rx

    def open(self, interface: int, longest: int, copy: bool) -> bool:
        """Bind its sockets to an interface whose longest frame is given; whether without copies.

        Raises OSError where it can't be bound, PortError where memory can't be locked.
        """
        pool = self._umem
        assert pool is not None
        with self._lock:
            try:
                self._bind(pool, interface, copy)
                self._write_receiver(pool)
                self._write_transmitters(pool, longest)
            except BaseException:
                self._close()
                raise
            return self._sockets[0].zerocopy

    def close(self, counter: int = T_NOT_SENT) -> None:
        """Close its sockets; what the kernel counted is kept, frames too.

        Packets that it has not taken are counted as dropped, at ``counter`` in the blocks of the transmitters.
        """
        with self._lock:
            for block in self.transmitters if self._sockets else ():
                self._drop_unsent(block, block + counter)
            self._counts = self.statistics
            self._close()

    @property
    def unsent(self) -> int:
        """Packets that the kernel has not taken out of the rings yet."""
        with self._lock:
            return self._unsent()

    def send(self) -> None:
        """Tell the kernel of what is in the rings."""
        with self._lock:
            for socket in self._sockets:
                socket.send()

    def _unsent(self) -> int:
        return sum(_waiting(block + T_TX) for block in self.transmitters) if self._sockets else 0

    def _drop_unsent(self, block: int, counter: int) -> None:
        ring = block + T_TX
        first = load32(load64(ring + RING_CONSUMER))
        for index in range(first, first + _waiting(ring)):
            entry = load64(ring + RING_ENTRIES) + (index & load64(ring + RING_MASK)) * RX_ENTRY
            drop(counter, load32(entry + 8))

    def _close(self) -> None:
        for block in self.transmitters:
            store64(block + T_EMPTIES, 0)
        while self._sockets:
            self._sockets.pop().close()

    def _bind(self, pool: Umem, interface: int, copy: bool) -> None:
        for number in range(max(1, len(self.transmitters))):
            socket = XdpSocket(pool, self.entries)
            self._sockets.append(socket)
            if number == 0:
                socket.register()
            socket.rings(receives=self.receives and number == 0, transmits=bool(self.transmitters))
            socket.bind(interface, self.number, self._sockets[0] if number else None, copy)

    def _write_receiver(self, pool: Umem) -> None:
        socket, block = self._sockets[0], self.receiver
        socket.map_fill(block + Q_FILL)
        store64(block + Q_FD, socket.fd)
        store64(block + Q_NUMBER, self._owner_rx)
        if not self.receives:
            return
        socket.map_rx(block + Q_RX)
        entries = load64(block + Q_FILL + RING_ENTRIES)
        frames = pool.owned(self._owner_rx)
        for number, frame in enumerate(frames):
            store64(entries + number * FRAME_ENTRY, int(frame) << pool.shift)
        store32_release(load64(block + Q_FILL + RING_PRODUCER), len(frames))

    def _write_transmitters(self, pool: Umem, longest: int) -> None:
        frames = pool.owned(self._owner_tx)
        if not load64(self._empties + E_FRAMES):
            store64(self._empties + E_FRAMES, self._blocks.take(4 * max(1, len(frames))))
        for number, frame in enumerate(frames):
            store32(load64(self._empties + E_FRAMES) + 4 * number, int(frame))
        store64(self._empties + E_COUNT, len(frames))
        self._sockets[0].map_completion(self._empties + E_COMPLETION)
        for socket, block in zip(self._sockets, self.transmitters, strict=False):
            socket.map_tx(block + T_TX)
            for word, value in (
                (T_FD, socket.fd),
                (T_EMPTIES, self._empties),
                (T_SHARED, int(len(self.transmitters) > 1)),
                (T_NUMBER, self._owner_tx),
                (T_SHIFT, pool.shift),
                (T_OWNERS, int(pool.owners.ctypes.data)),
                (T_SEND, address_of("send")),
                (T_LONGEST, longest),
                (T_UNSENT, 0),
            ):
                store64(block + word, value)


def _waiting(ring: int) -> int:
    """Packets in a ring for transmitting that the kernel has not taken out yet."""
    return (load32(load64(ring + RING_PRODUCER)) - load32(load64(ring + RING_CONSUMER))) & 0xFFFFFFFF
