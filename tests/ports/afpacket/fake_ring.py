"""Rings of packet sockets in plain memory: what the kernel would write, for tests without one."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from wirebrick.compiler.native import load_native
from wirebrick.packet.frame import (
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    NO_PORT,
    W_BURST,
)
from wirebrick.packet.memory import load16, load32, load64
from wirebrick.ports.afpacket import layout, receive_native
from wirebrick.runtime.context import Context

MAC = 80  # where the frame begins behind its header
STEP = 2048
FUNCTIONS = {"v2": "receive_slots", "v3": "receive_blocks"}


def vnet(flags: int = 0, gso: int = 0, size: int = 0, start: int = 0, offset: int = 0) -> bytes:
    """A struct virtio_net_hdr."""
    return struct.pack("=BBHHHH", flags, gso, 0, size, start, offset)


class FakeRing:
    """A ring of ``count`` slots or blocks and the state of its source; ``compiled``: which code receives."""

    def __init__(self, version: str, compiled: bool, count: int = 8, frame_size: int = 1522) -> None:
        self.version, self.count = version, count
        self.step = STEP if version == "v2" else 1 << 18
        self.memory = np.zeros(count * self.step, np.uint8)
        self.base = int(self.memory.ctypes.data)
        self.state = np.zeros(layout.SOURCE // 8, np.int64)
        self.stage = np.zeros(layout.VNET + layout.LARGEST, np.uint8)
        self.queue: list[bytes] = []
        for at in (layout.S_FIRST, layout.S_BLOCK, layout.S_HEADER):
            self.state[at // 8] = self.base
        self.state[layout.S_STEP // 8] = self.step
        self.state[layout.S_END // 8] = self.base + count * self.step
        self.state[layout.S_STAGE // 8] = self.stage.ctypes.data
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)
        self._recv = kind(self._receive_one)
        self.state[layout.S_RECV // 8] = ctypes.cast(self._recv, ctypes.c_void_p).value
        self.context = Context(burst=64, frame_size=frame_size, ports=1, counters=1)
        self.turn = 0
        self._function = self._choose(compiled)

    def _choose(self, compiled: bool) -> Callable[..., int]:
        name = FUNCTIONS[self.version]
        if not compiled:
            return getattr(receive_native, name)
        found = load_native(receive_native.__name__, {"receive_blocks": 3, "receive_slots": 3})[name]
        return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 3)(found)

    def _receive_one(self, fd: int, to: int, size: int, flags: int) -> int:
        if not self.queue:
            return -1
        data = self.queue.pop(0)[:size]
        ctypes.memmove(to, data, len(data))
        return len(data)

    def put(self, *frames: bytes | tuple[bytes, dict[str, Any]]) -> None:
        """The kernel hands over frames: each in a slot, or all in a block."""
        given = [frame if isinstance(frame, tuple) else (frame, {}) for frame in frames]
        if self.version == "v3":
            self._put_block(given)
        else:
            for data, how in given:
                self._put_slot(data, **how)

    def _put_slot(
        self,
        data: bytes,
        head: bytes = bytes(layout.VNET),
        status: int = 0,
        tci: int = 0,
        tpid: int = 0,
        lost: int = 0,
        time: tuple[int, int] = (5, 6),
    ) -> None:
        at = self.turn * STEP
        self.turn = (self.turn + 1) % self.count
        inside = data
        if MAC + len(data) > STEP:
            inside = data[: STEP - MAC]
            if not lost:
                status |= layout.COPY
                self.queue.append(head + data)
        captured = len(inside) if not lost else len(data) - lost
        self.memory[at + MAC - layout.VNET : at + MAC + len(inside)] = np.frombuffer(head + inside, np.uint8)
        words = struct.pack(
            "=IIIHHIIHH", status | layout.USER, len(data), captured, MAC, MAC + 14, *time, tci, tpid
        )
        self.memory[at : at + len(words)] = np.frombuffer(words, np.uint8)

    def _put_block(self, frames: list[tuple[bytes, dict[str, Any]]]) -> None:
        block = self.turn * self.step
        self.turn = (self.turn + 1) % self.count
        at = block + 48
        for data, how in frames:
            head = how.get("head", bytes(layout.VNET))
            size = -(-(MAC + len(data)) // 16) * 16
            words = struct.pack(
                "=IIIIIIHHIIH",
                size,
                *how.get("time", (5, 6)),
                len(data) - how.get("lost", 0),
                len(data),
                how.get("status", 0) | layout.USER,
                MAC,
                MAC + 14,
                0,
                how.get("tci", 0),
                how.get("tpid", 0),
            )
            self.memory[at : at + len(words)] = np.frombuffer(words, np.uint8)
            self.memory[at + MAC - layout.VNET : at + MAC + len(data)] = np.frombuffer(head + data, np.uint8)
            at += size
        words = struct.pack("=IIIII", 1, 48, layout.USER, len(frames), 48)
        self.memory[block : block + len(words)] = np.frombuffer(words, np.uint8)

    @property
    def given_back(self) -> bool:
        """Whether the kernel has all slots or blocks again."""
        at = 0 if self.version == "v2" else layout.BLOCK_STATUS
        return not self.memory.reshape(self.count, self.step)[:, at].any()

    def counted(self, word: int) -> int:
        return int(self.state[word // 8])

    def receive(self, room: int = 64) -> list[tuple[bytes, int]]:
        """Packets and times of one call."""
        count = self._function(self.state.ctypes.data, self.context.address, room)
        found = []
        for position in range(count):
            at = self.context[W_BURST] + position * DESCRIPTOR
            length = load32(at + D_LENGTH)
            assert load32(at + D_WIRE) == length
            assert (load32(at + D_FRAME), load16(at + D_EGRESS)) == (position, NO_PORT)
            found.append((ctypes.string_at(load64(at + D_DATA), length), load64(at + D_TIME)))
        return found
