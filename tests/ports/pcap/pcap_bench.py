"""A worker's memory, in which the native functions of captures run in CPython, each access checked."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from wirebrick.packet import frame, memory
from wirebrick.ports.base import ENDED, REFILL
from wirebrick.ports.pcap import layout, native, native_blocks, native_place

FRAMES = 16
# Of each primitive: bytes read or written at its first argument; copy and fill are handled apart.
SIZES = {"load8": 1, "load16": 2, "load16be": 2, "load32": 4, "load32be": 4, "load64": 8}
SIZES |= {"store16": 2, "store16be": 2, "store32": 4, "store64": 8}


@dataclass(frozen=True)
class Packet:
    data: bytes
    wire: int
    time: int


class Bench:
    """Context, burst, frames and a transmit list; ``check`` guards every access while it is set."""

    def __init__(self, frame_size: int = layout.MAX_CAPTURED + layout.ETHERNET) -> None:
        self.stride = frame.HEADROOM + frame_size + frame.TAILROOM
        self.pool = ctypes.create_string_buffer(self.stride * FRAMES)
        self.burst = ctypes.create_string_buffer(frame.DESCRIPTOR * FRAMES)
        self.list = ctypes.create_string_buffer(frame.LIST_HEAD + 4 * FRAMES)
        self.block = ctypes.create_string_buffer(frame.CONTEXT)
        self.context = ctypes.addressof(self.block)
        self.pool_at = ctypes.addressof(self.pool)
        memory.store64(self.context + frame.W_BURST, ctypes.addressof(self.burst))
        memory.store64(self.context + frame.W_POOL, self.pool_at)
        memory.store64(self.context + frame.W_STRIDE, self.stride)
        memory.store64(self.context + frame.W_FRAME, self.stride)
        self.refills = 0
        self.receive: Callable[[int, int, int], int] = native.receive
        self.transmit: Callable[[int, int, int, int], int] = native.transmit

    def drain(self, source: Any, room: int = FRAMES) -> list[Packet]:
        """All packets of a source."""
        packets = []
        while True:
            got = self.receive(source.state, self.context, room)
            if got == ENDED:
                return packets
            if got == REFILL:
                self.refills += 1
                if not source.refill():
                    assert self.receive(source.state, self.context, room) == ENDED
                    return packets
            else:
                assert 0 < got <= room
                packets += [self.packet(position) for position in range(got)]

    def packet(self, position: int) -> Packet:
        """The packet of a position, its descriptor checked."""
        at = ctypes.addressof(self.burst) + position * frame.DESCRIPTOR
        data = memory.load64(at + frame.D_DATA)
        assert data == frame.data_address(self.pool_at, self.stride, position)
        assert memory.load16(at + frame.D_EGRESS) == frame.NO_PORT
        assert memory.load32(at + frame.D_FRAME) == position
        length = memory.load32(at + frame.D_LENGTH)
        assert frame.HEADROOM + length + frame.TAILROOM <= self.stride
        wire, time = memory.load32(at + frame.D_WIRE), memory.load64(at + frame.D_TIME)
        assert wire >= length
        return Packet(ctypes.string_at(data, length), wire, time)

    def send(self, sink: Any, packets: list[Packet]) -> None:
        """Transmit packets in bursts, in an order of positions other than 0, 1, ..."""
        for first in range(0, len(packets), FRAMES):
            chunk = packets[first : first + FRAMES]
            at = ctypes.addressof(self.list)
            memory.store64(at, len(chunk))
            for index, packet in enumerate(chunk):
                position = FRAMES - 1 - index
                memory.store32(at + frame.LIST_HEAD + 4 * index, position)
                data = frame.data_address(self.pool_at, self.stride, position)
                ctypes.memmove(data, packet.data, len(packet.data))
                descriptor = ctypes.addressof(self.burst) + position * frame.DESCRIPTOR
                memory.store64(descriptor + frame.D_DATA, data)
                memory.store32(descriptor + frame.D_LENGTH, len(packet.data))
                memory.store32(descriptor + frame.D_WIRE, packet.wire)
                memory.store64(descriptor + frame.D_TIME, packet.time)
            done = 0
            while done < len(chunk):
                took = self.transmit(sink.state, self.context, at, done)
                done += took
                if done < len(chunk):
                    sink.flush()
                    assert took or self.transmit(sink.state, self.context, at, done)

    def guard(self, source: Any, patch: Callable[[ModuleType, str, Any], None]) -> None:
        """From now on every access of ``native`` must lie in memory it may use."""
        words = source._memory

        def inside(address: int, size: int) -> bool:
            if size == 0:
                return True
            if self.pool_at <= address < self.pool_at + len(self.pool):
                first, last = address - self.pool_at, address + size - 1 - self.pool_at
                offset = first % self.stride
                return first // self.stride == last // self.stride and offset >= frame.HEADROOM
            table = words[layout.S_INTERFACES]
            regions = [
                (words.state, layout.SOURCE_STATE),
                (words[layout.S_BASE], words[layout.S_FILL]),
                (table, words[layout.S_INTERFACE_COUNT] * layout.INTERFACE),
                (self.context, frame.CONTEXT),
                (ctypes.addressof(self.burst), len(self.burst)),
            ]
            return any(start <= address and address + size <= start + room for start, room in regions)

        def checked(name: str, size: int) -> Callable[..., Any]:
            plain = getattr(memory, name)

            def call(address: int, *rest: int) -> Any:
                assert inside(address, size), f"{name} outside"
                assert all(-(1 << 63) <= value < 1 << 63 for value in rest), f"{name}: over 64 bits"
                return plain(address, *rest)

            return call

        def copy(to: int, start: int, size: int) -> None:
            assert size >= 0
            assert inside(to, size), "copy to outside"
            assert inside(start, size), "copy from outside"
            memory.copy(to, start, size)

        for module in (native, native_blocks, native_place):
            for name, size in SIZES.items():
                if hasattr(module, name):
                    patch(module, name, checked(name, size))
        patch(native_place, "copy", copy)
        patch(native_place, "fill", checked("fill", layout.ETHERNET))
