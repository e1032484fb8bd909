"""Transmitting into a ring in plain memory, with a kernel that takes what it likes."""

from __future__ import annotations

import ctypes
import struct

import numpy as np
import pytest

from wirebrick.compiler.native import load_native
from wirebrick.packet.frame import D_DATA, D_LENGTH, D_WIRE, DESCRIPTOR, LIST_HEAD, W_BURST
from wirebrick.packet.memory import load64, store32, store64
from wirebrick.ports.afpacket import layout, transmit_native
from wirebrick.runtime.context import Context

STEP, COUNT = 2048, 4


class FakeSink:
    """A ring of COUNT slots for an MTU of 1500; ``takes``: how many the kernel takes at each call."""

    def __init__(self, compiled: bool) -> None:
        self.ring = np.zeros(STEP * COUNT, np.uint8)
        self.state = np.zeros(layout.SINK // 8, np.int64)
        base = int(self.ring.ctypes.data)
        for at in (layout.T_NEXT, layout.T_UNSENT, layout.T_FIRST):
            self.state[at // 8] = base
        self.state[layout.T_STEP // 8] = STEP
        self.state[layout.T_END // 8] = base + STEP * COUNT
        self.state[layout.T_LARGEST // 8] = 1514
        self._send = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)(self._kernel)
        self.state[layout.T_SEND // 8] = ctypes.cast(self._send, ctypes.c_void_p).value
        self.takes = COUNT
        self.calls = self.turn = 0
        self.sent: list[bytes] = []
        self.context = Context(burst=16, frame_size=4000, ports=1, counters=1)
        self._listed = np.zeros(LIST_HEAD + 4 * 16, np.uint8)
        self._functions = {"transmit": transmit_native.transmit, "send": transmit_native.send}
        if compiled:
            arguments = {"transmit": 4, "send": 1}
            for name, address in load_native(transmit_native.__name__, arguments).items():
                kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments[name])
                self._functions[name] = kind(address)

    def _kernel(self, fd: int, data: int, size: int, flags: int) -> int:
        self.calls += 1
        for _ in range(self.takes):
            at = self.turn * STEP
            status, length = struct.unpack_from("=II", self.ring, at)
            if status != layout.SEND_REQUEST:
                break
            self.sent.append(self.ring[at + 32 : at + 32 + length].tobytes())
            struct.pack_into("=I", self.ring, at, layout.AVAILABLE)
            self.turn = (self.turn + 1) % COUNT
        return -1

    def transmit(self, frames: list[bytes], start: int = 0) -> int:
        burst, listed = self.context[W_BURST], self._listed.ctypes.data
        for position, data in enumerate(frames):
            at = self.context.pool.address + position * self.context.pool.stride
            ctypes.memmove(at, data, len(data))
            descriptor = burst + position * DESCRIPTOR
            store64(descriptor + D_DATA, at)
            store32(descriptor + D_LENGTH, len(data))
            store32(descriptor + D_WIRE, len(data))
            store32(listed + LIST_HEAD + 4 * position, position)
        store64(listed, len(frames))
        return self._functions["transmit"](self.state.ctypes.data, self.context.address, listed, start)

    def send(self) -> int:
        return self._functions["send"](self.state.ctypes.data)

    def drops(self, reason: int) -> tuple[int, int]:
        at = self.state.ctypes.data + layout.T_DROPS + reason
        return load64(at), load64(at + 8)


@pytest.fixture(params=["plain", "compiled"])
def sink(request: pytest.FixtureRequest) -> FakeSink:
    return FakeSink(request.param == "compiled")


def frame(number: int, size: int = 60) -> bytes:
    return number.to_bytes(12, "big") + b"\x88\xb5" + bytes(size - 14)


def test_one_call_for_a_burst(sink: FakeSink) -> None:
    for turn in range(9):
        sent = [frame(turn * 8 + n, 60 + n) for n in range(3)]
        assert sink.transmit(sent) == 3
        assert sink.sent[-3:] == sent
    assert sink.calls == 9
    assert sink.transmit([frame(1), frame(2)], start=1) == 1
    assert sink.sent[-1] == frame(2)


def test_what_has_no_room_is_dropped_and_the_rest_waits(sink: FakeSink) -> None:
    sink.takes = 0
    assert sink.transmit([frame(n) for n in range(6)]) == 6
    assert sink.drops(layout.NO_ROOM) == (2, 120)
    assert sink.state[layout.T_WAITING // 8] == 4
    sink.takes = 1
    assert [sink.send() for _ in range(5)] == [3, 2, 1, 0, 0]
    assert sink.sent == [frame(n) for n in range(4)]
    assert sink.calls == 5  # nothing waited at the last


def test_frames_that_the_kernel_would_refuse(sink: FakeSink) -> None:
    tagged = bytes(12) + b"\x81\x00" + bytes(1504)
    sent = [frame(1, 1514), tagged, frame(3, 14)]
    refused = [frame(4, 1515), tagged + b"x", bytes(13), bytes(12) + b"\x88\xa8" + bytes(1504)]
    assert sink.transmit([sent[0], refused[0], sent[1], *refused[1:], sent[2]]) == 7
    assert sink.sent == sent
    assert sink.drops(layout.TOO_LONG) == (3, 1515 + 1519 + 1518)
    assert sink.drops(layout.TOO_SHORT) == (1, 13)
