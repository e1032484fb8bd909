"""A worker's context, pool and burst in plain memory, to call the native functions of ports in CPython."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
import pytest

from wirebrick.packet import frame
from wirebrick.packet.memory import call3, load16, load32, load64
from wirebrick.ports.memory import native
from wirebrick.ports.memory.port import state_block
from wirebrick.ports.memory.templates import Templates, make_templates
from wirebrick.ports.memory.traffic import Traffic


@dataclass
class Got:
    data: bytes
    wire: int
    time: int
    ingress: int
    egress: int
    frame: int


class Driver:
    def __init__(self, positions: int = 16, room_for: int = 1536) -> None:
        self.stride = frame.HEADROOM + room_for + frame.TAILROOM
        self.pool = np.full(positions * self.stride, 0xEE, np.uint8)
        self.burst = np.full(positions * frame.DESCRIPTOR, 0xEE, np.uint8)
        self.words = np.zeros(frame.CONTEXT // 8, np.int64)
        self.words[frame.W_BURST // 8] = self.burst.ctypes.data
        self.words[frame.W_POOL // 8] = self.pool.ctypes.data
        self.words[frame.W_STRIDE // 8] = self.words[frame.W_FRAME // 8] = self.stride
        self.context = self.words.ctypes.data

    def make(self, traffic: Traffic, limit: int = native.ENDLESS) -> tuple[Templates, np.ndarray]:
        templates = make_templates(traffic)
        return templates, state_block(templates, traffic, limit)

    def receive(self, state: int, room: int, function: int = 0) -> int:
        """With an address the compiled function, else the plain one."""
        if function:
            return call3(function, state, self.context, room)
        return native.receive(state, self.context, room)

    def got(self, position: int) -> Got:
        at = self.burst.ctypes.data + position * frame.DESCRIPTOR
        data = load64(at + frame.D_DATA)
        pool, stride = self.pool.ctypes.data, self.stride
        assert data == frame.data_address(pool, stride, position)
        return Got(
            ctypes.string_at(data, load32(at + frame.D_LENGTH)),
            load32(at + frame.D_WIRE),
            load64(at + frame.D_TIME),
            load16(at + frame.D_INGRESS),
            load16(at + frame.D_EGRESS),
            load32(at + frame.D_FRAME),
        )


@pytest.fixture
def driver() -> type[Driver]:
    return Driver
