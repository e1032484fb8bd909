"""A middlebox of Rewrite and Reassembly, for tests: frames in, frames out; and functions that rewrite."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

from wirebrick import FlowKey
from wirebrick.packet.frame import (
    CONTEXT,
    D_DATA,
    D_FRAME,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    W_BURST,
    W_FRAME,
    W_MADE,
    W_POOL,
    W_ROOM,
    W_STRIDE,
    W_USED,
)
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.state import (
    reassembly_give_native,
    reassembly_index_native,
    reassembly_native,
    rewrite_native,
)
from wirebrick.state import reassembly_layout as windows
from wirebrick.state.reassembly import Reassembly
from wirebrick.state.rewrite import Rewrite

REWRITE = {
    "rewrite_arrive": 6,
    "rewrite_find": 2,
    "rewrite_accept": 4,
    "rewrite_room": 2,
    "rewrite_emit": 4,
    "rewrite_commit": 4,
    "rewrite_hold": 3,
    "rewrite_leave": 7,
}
REASSEMBLY = {"reassembly_packet": 7, "reassembly_ready": 2, "reassembly_done": 3, "reassembly_make_room": 2}
GIVE = {"reassembly_keep": 2}
INDEX = {"stream_find": 3, "stream_hash": 2}

# What a function returns: bytes consumed (None: all), and what it emits.
Function = Callable[[bytes, bool], tuple["int | None", "list[bytes]"]]


def in_python() -> SimpleNamespace:
    """The native functions as they run in CPython."""
    found = {}
    for module, names in (
        (rewrite_native, REWRITE),
        (reassembly_native, REASSEMBLY),
        (reassembly_give_native, GIVE),
        (reassembly_index_native, INDEX),
    ):
        found.update({name: getattr(module, name) for name in names})
    return SimpleNamespace(**found)


def compiled() -> SimpleNamespace:
    """The same functions, compiled."""
    from wirebrick.compiler.native import load_native

    found = {}
    for module, counts in (
        ("rewrite_native", REWRITE),
        ("reassembly_native", REASSEMBLY),
        ("reassembly_give_native", GIVE),
        ("reassembly_index_native", INDEX),
    ):
        for name, address in load_native(f"wirebrick.state.{module}", counts).items():
            found[name] = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * counts[name])(address)
    return SimpleNamespace(**found)


class Box:
    """Frames go through a function for each direction; ``make`` makes it for a new stream."""

    def __init__(
        self,
        make: Callable[[], Function],
        functions: SimpleNamespace,
        *,
        flows: int = 8,
        buffer: int = 1 << 16,
        positions: int = 16,
        chunk: int = 0,
        stride: int = 2112,
    ) -> None:
        self.call = functions
        self.rewrite = Rewrite(flows=flows, buffer=buffer)
        self.streams = Reassembly(0, 0, 10**10, flows=4 * flows, buffer=buffer, holes=False)
        self.rewrite.allocate(1)
        self.streams.allocate(1)
        self.block, self.windows = self.rewrite.blocks[0], self.streams.blocks[0]
        self.make = make
        self.functions: dict[bytes, Function] = {}
        self.drops: Counter[int] = Counter()
        self.passed = 0
        self.positions = positions
        self.pool = CONTEXT + positions * DESCRIPTOR
        self.stride = stride
        self.memory = ctypes.create_string_buffer(self.pool + positions * stride + 64)
        self.w = ctypes.addressof(self.memory)
        for word, value in (
            (W_BURST, self.w + CONTEXT),
            (W_ROOM, positions),
            (W_POOL, self.w + self.pool),
            (W_STRIDE, stride),
            (W_FRAME, stride),
        ):
            store64(self.w + word, value)

    def load(self, frame: bytes) -> int:
        """Put a frame into position 0; the address of its first byte."""
        data = self.w + self.pool + HEADROOM
        ctypes.memmove(data, frame, len(frame))
        descriptor = self.w + CONTEXT
        store64(descriptor + D_DATA, data)
        store32(descriptor + D_LENGTH, len(frame))
        store32(descriptor + D_WIRE, len(frame))
        store32(descriptor + D_FRAME, 0)
        store64(self.w + W_USED, 1)
        return data

    def unload(self, count: int) -> list[bytes]:
        """The frames at the first positions."""
        frames = []
        for position in range(count):
            descriptor = self.w + CONTEXT + position * DESCRIPTOR
            frames.append(ctypes.string_at(load64(descriptor + D_DATA), load32(descriptor + D_LENGTH)))
        return frames

    def process(self, frame: bytes, now: int) -> list[bytes]:
        """What comes out for a frame."""
        data = self.load(frame)
        ip = 14
        version = frame[ip] >> 4
        header = ip + (20 if version == 4 else 40)
        protocol = frame[ip + 9] if version == 4 else frame[ip + 6]
        begin = header + (8 if protocol == 17 else (frame[header + 12] >> 4) * 4)
        ends = frame[ip + 12 : ip + 20] if version == 4 else frame[ip + 8 : ip + 40]
        half = len(ends) // 2
        key = FlowKey(
            src=int.from_bytes(ends[:half]),
            dst=int.from_bytes(ends[half:]),
            src_port=int.from_bytes(frame[header : header + 2]),
            dst_port=int.from_bytes(frame[header + 2 : header + 4]),
            protocol=protocol,
            version=version,
        )
        end = ip + int.from_bytes(frame[ip + 2 : ip + 4]) if version == 4 else len(frame)
        size = end - begin
        direction = self.call.rewrite_arrive(self.block, key._at, data + ip, data + header, size, now)
        if direction == 0:
            self.passed += 1
            return [frame]
        if direction < 0:
            self.drops[direction] += 1
            return []
        while (victim := self.call.reassembly_make_room(self.windows, key._at)) > 0:
            self.serve(victim, self.call.rewrite_find(self.block, victim + windows.F_KEY))
        tcp = data + header if protocol == 6 else 0
        flow = 0
        if size or protocol != 6 or frame[header + 13] & 7:
            flow = self.call.reassembly_packet(self.windows, key._at, tcp, data + begin, size, 0, now)
        if flow <= 0:  # it brought nothing, but there may be something kept that had no room
            flow = self.call.stream_find(self.windows, key._at, self.call.stream_hash(self.windows, key._at))
        if flow > 0:
            self.serve(flow, direction)
            reached = load64(flow + windows.F_START) + load64(flow + windows.F_REACHED)
            self.call.rewrite_hold(self.block, direction, reached)
        assert load64(self.w + W_USED) == 1
        made = self.call.rewrite_leave(self.block, direction, self.w, 0, ip, header, begin)
        if made < 0:
            self.drops[made] += 1
            return []
        assert load64(self.w + W_USED) == 1 + made
        return self.unload(1 + made)

    def serve(self, flow: int, direction: int) -> None:
        """Call the function with the windows of a stream; those of a connection that is not known go."""
        while (room := self.call.rewrite_room(self.block, direction) if direction else 1) > 0:
            if not self.call.reassembly_ready(self.windows, flow):
                return
            size, closed = load64(flow + windows.F_SIZE), load64(flow + windows.F_CLOSED)
            first = load64(flow + windows.F_NEXT_SEQ)
            skip = self.call.rewrite_accept(self.block, direction, first, closed) if direction else -1
            if skip != 0:
                self.call.reassembly_done(self.windows, flow, skip if 0 < skip < size else size)
                continue
            size = size if closed else min(size, room)
            data = ctypes.string_at(load64(flow + windows.F_DATA), size) if size else b""
            key = ctypes.string_at(flow + windows.F_KEY, 40)
            function = self.functions.setdefault(key, self.make())
            consumed, emitted = function(data, bool(closed))
            if not self.emit(direction, emitted):
                self.drops[0] += 1
                self.call.reassembly_keep(self.windows, flow)
                return
            if closed:
                del self.functions[key]
            consumed = size if consumed is None or closed else consumed
            self.call.reassembly_done(self.windows, flow, consumed)
            self.call.rewrite_commit(self.block, direction, (first + consumed) & 0xFFFFFFFF, closed)
        self.call.reassembly_keep(self.windows, flow)

    def emit(self, direction: int, parts: list[bytes]) -> bool:
        """Emit all of them, or say that there is no room."""
        for part in parts:
            memory = ctypes.create_string_buffer(part, max(1, len(part)))
            if self.call.rewrite_emit(self.block, direction, ctypes.addressof(memory), len(part)) != 0:
                return False
        return True

    @property
    def made(self) -> int:
        """Packets made so far."""
        return load64(self.w + W_MADE)


def unchanged() -> Function:
    """Everything goes on as it came."""
    return lambda data, closed: (None, [data])


def replacing(old: bytes, new: bytes) -> Callable[[], Function]:
    """Each ``old`` becomes ``new``; what may be the beginning of one waits for more."""

    def make() -> Function:
        def replace(data: bytes, closed: bool) -> tuple[int | None, list[bytes]]:
            held = 0
            if not closed:
                for size in range(min(len(old) - 1, len(data)), 0, -1):
                    if old.startswith(data[-size:]):
                        held = size
                        break
            body = data[: len(data) - held]
            cut = body.split(old)
            emitted = [part for piece in cut for part in (piece, new)][:-1]
            return (len(body) if body else 0 if data else None), [part for part in emitted if part]

        return replace

    return make


def growing(times: int) -> Callable[[], Function]:
    """Each byte becomes ``times`` of it; 0: nothing is left."""

    def grow(data: bytes, closed: bool) -> tuple[int | None, list[bytes]]:
        return None, [bytes(byte for byte in data for _ in range(times))] if times else []

    return lambda: grow


def holding(size: int) -> Callable[[], Function]:
    """All is consumed at once, and emitted in blocks of ``size`` bytes with a mark behind them; the rest at the end."""

    def make() -> Function:
        kept = bytearray()

        def hold(data: bytes, closed: bool) -> tuple[int | None, list[bytes]]:
            kept.extend(data)
            emitted = []
            while len(kept) >= size:
                emitted.append(bytes(kept[:size]) + b"|")
                del kept[:size]
            if closed:
                emitted.append(bytes(kept) + b"END")
                kept.clear()
            return None, emitted

        return hold

    return make


def whole(make: Callable[[], Function], data: bytes) -> bytes:
    """What a function makes of a whole stream."""
    function = make()
    consumed, emitted = function(data, False) if data else (None, [])
    rest = b"" if consumed is None else data[consumed:]
    return b"".join(emitted + function(rest, True)[1])
