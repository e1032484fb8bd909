"""A kernel made of Python for the rings of ``xdp:``: what it is given it takes, sends and gives back when told to.

It stands in for ``XdpSocket``, so queues, sources and sinks run on it as they are, in CPython and compiled. Its
indices begin shortly before 2^32 where that is asked for. ``check`` says whether each frame is in one place.
"""

from __future__ import annotations

import ctypes
from collections import Counter, deque
from collections.abc import Callable

import pytest

from wirebrick.packet.frame import (
    D_DATA,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    LIST_HEAD,
    W_BURST,
    W_FRAMES,
)
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.ports.xdp import layout, native, queue
from wirebrick.ports.xdp.layout import E_COUNT, E_FRAMES, FRAME_ENTRY, RX_ENTRY, T_EMPTIES, T_SEND
from wirebrick.ports.xdp.queue import XdpQueue
from wirebrick.ports.xdp.sink import XdpSink
from wirebrick.ports.xdp.socket import STATISTICS
from wirebrick.ports.xdp.source import XdpSource
from wirebrick.ports.xdp.umem import Umem
from wirebrick.runtime.context import Context

BURST = 16
_WRAP = 1 << 32


class Ring:
    """A ring of the kernel's: indices and entries in memory, as both sides see them."""

    def __init__(self, entries: int, size: int, first: int) -> None:
        self.entries, self.size = entries, size
        self.words = (ctypes.c_uint32 * 3)(first, first, 1)  # producer, consumer, flags: it wants to be told
        self.memory = ctypes.create_string_buffer(entries * size)
        self.first = first

    def map(self, block: int) -> None:
        at = ctypes.addressof(self.words)
        for word, value in (
            (layout.RING_PRODUCER, at),
            (layout.RING_CONSUMER, at + 4),
            (layout.RING_FLAGS, at + 8),
            (layout.RING_ENTRIES, ctypes.addressof(self.memory)),
            (layout.RING_MASK, self.entries - 1),
            (layout.RING_SEEN, self.first),
        ):
            store64(block + word, value)

    @property
    def used(self) -> int:
        return (self.words[0] - self.words[1]) % _WRAP

    def entry(self, index: int) -> int:
        return ctypes.addressof(self.memory) + (index & (self.entries - 1)) * self.size

    def held(self) -> list[int]:
        """Addresses in it."""
        return [load64(self.entry(self.words[1] + at)) for at in range(self.used)]

    def take(self) -> tuple[int, int]:
        """Take an entry out: address, length."""
        assert 0 < self.used <= self.entries, self.used
        at = self.entry(self.words[1])
        self.words[1] = (self.words[1] + 1) % _WRAP
        return load64(at), load32(at + 8) if self.size == RX_ENTRY else 0

    def put(self, address: int, length: int = 0) -> None:
        assert self.used < self.entries
        at = self.entry(self.words[0])
        store64(at, address)
        if self.size == RX_ENTRY:
            store64(at + 8, length)
        self.words[0] = (self.words[0] + 1) % _WRAP


class KernelSocket:
    """What the kernel has of an XdpSocket."""

    first = 0  # of the indices of the next one's rings
    zerocopy = False

    def __init__(self, pool: Umem, entries: int) -> None:
        self.pool, self.entries = pool, entries
        self.fd = -1
        self.rx, self.tx = (Ring(entries, RX_ENTRY, self.first) for _ in range(2))
        # Those who fill the ring of empty frames at the beginning know that it begins at 0.
        self.fill, self.completion = Ring(entries, FRAME_ENTRY, 0), Ring(entries, FRAME_ENTRY, self.first)
        self.statistics = dict.fromkeys(STATISTICS, 0)
        self.sends = 0

    def register(self) -> None:
        pass

    def rings(self, *, receives: bool, transmits: bool) -> None:
        pass

    def bind(self, interface: int, queue: int, shared: object = None, copy: bool = False) -> None:
        pass

    def map_rx(self, block: int) -> None:
        self.rx.map(block)

    def map_tx(self, block: int) -> None:
        self.tx.map(block)

    def map_fill(self, block: int) -> None:
        self.fill.map(block)

    def map_completion(self, block: int) -> None:
        self.completion.map(block)

    def send(self) -> None:
        self.sends += 1

    def close(self) -> None:
        pass


class Kernel:
    """The kernel at one queue, and the workers that use it: contexts, a source, a sink for each."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        *,
        first: int = 0,
        workers: int = 1,
        ring: int = 64,
        compiled: bool = False,
    ) -> None:
        patch.setattr(queue, "XdpSocket", KernelSocket)
        patch.setattr(KernelSocket, "first", first)
        self.queue = XdpQueue(0, ring)
        self.queue.receives = True
        self.source = XdpSource([self.queue], repair=False)
        self.sinks = [XdpSink(self.queue) for _ in range(workers)]
        each = 2 * BURST
        owners = [self.source, *self.sinks]
        self.pool = Umem(workers * each + sum(owner.frames for owner in owners), 1514)
        at = workers * each
        for owner in owners:
            owner.own(self.pool, at)
            at += owner.frames
        self.contexts = [
            Context(burst=BURST, frame_size=1514, ports=1, counters=1, shared=(self.pool, number * each))
            for number in range(workers)
        ]
        self.positions = each
        self.counts = Counter(self.pool.owners.tolist())
        self.receive = _native(self.source.receive, 3) if compiled else native.receive
        self.transmit = _native(self.sinks[0].transmit, 4) if compiled else native.transmit
        self.kicked: Callable[[int], None] = lambda sink: None
        self.kicks = 0
        self._callbacks = [
            ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)(self._told(number))
            for number in range(workers)
        ]
        self.wire: list[bytes] = []
        self.open(first)

    def open(self, first: int = 0, longest: int = 1514) -> None:
        """New sockets, as for an interface that came back."""
        self.queue.open(1, longest, False)
        self.sockets: list[KernelSocket] = list(self.queue._sockets)  # type: ignore[arg-type]
        for sink, callback in zip(self.sinks, self._callbacks, strict=True):
            store64(sink.state + T_SEND, ctypes.cast(callback, ctypes.c_void_p).value or 0)
        fill = self.sockets[0].fill
        fill.words[0], fill.words[1] = (first + fill.words[0]) % _WRAP, first % _WRAP
        self.taken: deque[int] = deque()  # empty frames that the kernel has in hand
        self.leaving: deque[int] = deque()  # addresses of what it is sending

    def _told(self, sink: int) -> Callable[..., int]:
        def kick(*_: int) -> int:
            self.kicks += 1
            self.kicked(sink)
            return 0

        return kick

    # What the kernel does.

    def arrive(self, packet: bytes) -> bool:
        """A packet comes in; whether there was an empty frame and room for it."""
        socket = self.sockets[0]
        while socket.fill.used:
            self.taken.append(socket.fill.take()[0])
        if not self.taken or socket.rx.used == socket.rx.entries:
            return False
        address = self.taken.popleft() + HEADROOM
        self.pool.bytes[address : address + len(packet)] = list(packet)
        socket.rx.put(address, len(packet))
        return True

    def send(self, sink: int, count: int) -> None:
        """Take packets from a worker's ring, as far as the ring for those that come back has room."""
        for _ in range(count):
            waiting = self.sockets[sink].tx
            if not waiting.used or len(self.leaving) + self.sockets[0].completion.used == self.queue.entries:
                return
            address, length = waiting.take()
            self.wire.append(self.pool.bytes[address : address + length].tobytes())
            self.leaving.append(address)

    def complete(self, count: int) -> None:
        """Give frames back that were sent."""
        for _ in range(min(count, len(self.leaving))):
            self.sockets[0].completion.put(self.leaving.popleft())

    # What a worker does.

    def get(self, worker: int, room: int = BURST) -> list[bytes]:
        """Receive a burst."""
        context = self.contexts[worker]
        self.count = self.receive(self.source.state, context.address, room)
        got = []
        for position in range(self.count):
            data, length = self._packet(worker, position)
            got.append(self.pool.bytes[data : data + length].tobytes())
        return got

    def put(self, worker: int, positions: list[int]) -> None:
        """Transmit what is at positions of the burst."""
        listed = (ctypes.c_uint32 * (LIST_HEAD // 4 + len(positions) + 1))()
        at = ctypes.addressof(listed)
        store64(at, len(positions))
        for index, position in enumerate(positions):
            store32(at + LIST_HEAD + 4 * index, position)
        done = self.transmit(self.sinks[worker].state, self.contexts[worker].address, at, 0)
        assert done == len(positions)

    def set_length(self, worker: int, position: int, length: int, wire: int) -> None:
        at = self.contexts[worker][W_BURST] + position * DESCRIPTOR
        store32(at + D_LENGTH, length)
        store32(at + D_WIRE, wire)

    def _packet(self, worker: int, position: int) -> tuple[int, int]:
        at = self.contexts[worker][W_BURST] + position * DESCRIPTOR
        return load64(at + D_DATA) - self.pool.address, load32(at + D_LENGTH)

    @property
    def dropped(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for sink in self.sinks:
            found.update({reason: packets for reason, (packets, _) in sink.dropped.items() if packets})
        return dict(found)

    def check(self) -> None:
        """Each frame is in one place, and the table of owners says whose that is."""
        shift, socket = self.pool.shift, self.sockets[0]
        empties = load64(self.sinks[0].state + T_EMPTIES)
        stack = load64(empties + E_FRAMES)
        places = {
            0: [
                load32(context[W_FRAMES] + 4 * at)
                for context in self.contexts
                for at in range(self.positions)
            ],
            1: [address >> shift for address in (*socket.fill.held(), *self.taken, *socket.rx.held())],
            2: [
                *(load32(stack + 4 * at) for at in range(load64(empties + E_COUNT))),
                *(address >> shift for one in self.sockets for address in one.tx.held()),
                *(address >> shift for address in (*self.leaving, *socket.completion.held())),
            ],
        }
        everywhere = sorted(frame for frames in places.values() for frame in frames)
        assert everywhere == list(range(self.pool.frames))
        for owner, frames in places.items():
            assert set(self.pool.owners[frames].tolist()) <= {owner}
        assert Counter(self.pool.owners.tolist()) == self.counts


def _native(address: int, arguments: int) -> Callable[..., int]:
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)(address)
