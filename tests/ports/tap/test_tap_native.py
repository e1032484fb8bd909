"""The native part of `tap:` on a socket pair that keeps packets apart, interpreted and compiled."""

from __future__ import annotations

import ctypes
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from wirebrick.compiler.native import load_native
from wirebrick.packet.frame import (
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    NO_PORT,
    W_BURST,
)
from wirebrick.packet.memory import load16, load32, load64, store32, store64
from wirebrick.ports.libc import address_of
from wirebrick.ports.tap import native
from wirebrick.runtime.context import Context

ARGUMENTS = {"receive": 3, "transmit": 4}


class Queue:
    """A queue whose other end is ``peer``."""

    def __init__(self, compiled: bool, call: str) -> None:
        self.peer, self.own = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.own.setblocking(False)
        self.peer.setblocking(False)
        self.state = np.zeros(native.STATE // 8, np.int64)
        self.state[native.S_FD // 8] = self.own.fileno()
        self.state[native.S_CALL // 8] = address_of(call)
        self.state[native.S_CLOCK // 8] = address_of("clock_gettime")
        self.context = Context(burst=8, frame_size=1536, ports=1, counters=1)
        self.functions = {name: getattr(native, name) for name in ARGUMENTS}
        if compiled:
            for name, address in load_native(native.__name__, ARGUMENTS).items():
                kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * ARGUMENTS[name])
                self.functions[name] = kind(address)

    def receive(self, room: int) -> list[bytes]:
        count = self.functions["receive"](self.state.ctypes.data, self.context.address, room)
        got = []
        for position in range(count):
            at = self.context[W_BURST] + position * DESCRIPTOR
            length = load32(at + D_LENGTH)
            assert load32(at + D_WIRE) == length
            assert (load32(at + D_FRAME), load16(at + D_EGRESS)) == (position, NO_PORT)
            assert abs(load64(at + D_TIME) - time.time_ns()) < 5e9
            got.append(ctypes.string_at(load64(at + D_DATA), length))
        return got

    def transmit(self, packets: list[bytes], start: int = 0) -> int:
        listed = np.zeros(LIST_HEAD + 4 * len(packets), np.uint8)
        for position, data in enumerate(packets):
            at = self.context.pool.address + position * self.context.pool.stride
            ctypes.memmove(at, data, len(data))
            descriptor = self.context[W_BURST] + position * DESCRIPTOR
            store64(descriptor + D_DATA, at)
            store32(descriptor + D_LENGTH, len(data))
            store32(descriptor + D_WIRE, len(data))
            store32(listed.ctypes.data + LIST_HEAD + 4 * position, position)
        store64(listed.ctypes.data, len(packets))
        return self.functions["transmit"](
            self.state.ctypes.data, self.context.address, listed.ctypes.data, start
        )

    def counted(self, word: int) -> int:
        return int(self.state[word // 8])


@pytest.fixture(params=[False, True], ids=["plain", "compiled"])
def queues(request: pytest.FixtureRequest) -> Iterator[dict[str, Queue]]:
    made = {call: Queue(request.param, call) for call in ("read", "write")}
    yield made
    for queue in made.values():
        queue.own.close()
        queue.peer.close()


def test_packets_are_read_in_order(queues: dict[str, Queue]) -> None:
    queue = queues["read"]
    assert queue.receive(8) == []
    sent = [bytes([n]) * (60 + n) for n in range(10)]
    for data in sent:
        queue.peer.send(data)
    assert [queue.receive(4) for _ in range(4)] == [sent[:4], sent[4:8], sent[8:], []]
    assert queue.counted(native.S_COPIED) == sum(map(len, sent))


def test_what_fits_no_frame_is_counted(queues: dict[str, Queue]) -> None:
    queue = queues["read"]
    largest = queue.context.pool.frame - 256 - 64
    for size in (largest, largest + 1, largest + 500, 60):
        queue.peer.send(bytes(size))
    assert [len(data) for data in queue.receive(8)] == [largest, 60]
    assert queue.counted(native.S_TOO_LONG) == 2


def test_packets_are_written_and_refused_ones_counted(queues: dict[str, Queue]) -> None:
    queue = queues["write"]
    sent = [bytes([n]) * (60 + n) for n in range(4)]
    assert queue.transmit(sent, start=1) == 3
    assert [queue.peer.recv(2048) for _ in range(3)] == sent[1:]
    queue.own.shutdown(socket.SHUT_RD)
    queue.peer.close()
    assert queue.transmit(sent[:2]) == 2
    assert queue.counted(native.S_REFUSED) == 2
    assert queue.counted(native.S_REFUSED + 8) == 121
