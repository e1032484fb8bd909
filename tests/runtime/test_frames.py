"""Frames that lie at any position: sources put packets where the table says, copies too."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
from test_run import write_pcap

from wirebrick.compiler.native import load_native
from wirebrick.packet.edit import copy_packet, frame_start
from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_LENGTH,
    DESCRIPTOR,
    HEADROOM,
    W_BURST,
    W_COUNT,
    W_FRAMES,
    W_ROOM,
    W_USED,
)
from wirebrick.packet.memory import call3, load32, load64, store32
from wirebrick.ports.base import REFILL, Source
from wirebrick.ports.memory import native
from wirebrick.ports.pcap.packets import ListSource
from wirebrick.ports.spec import open_port
from wirebrick.runtime.context import Context
from wirebrick.runtime.mempool import Mempool

FIRST = 40  # the worker's first frame in the pool


def shuffled(seed: int = 1) -> Context:
    """A worker whose frames lie in no order, in the middle of a pool that others use too."""
    pool = Mempool(100, 1514)
    context = Context(burst=16, frame_size=1514, ports=1, counters=1, shared=(pool, FIRST))
    frames = np.random.default_rng(seed).permutation(context[W_ROOM]) + FIRST
    for position, frame in enumerate(frames):
        store32(context[W_FRAMES] + 4 * position, int(frame))
    return context


def received(context: Context, source: Source, room: int = 16) -> list[bytes]:
    """The packets of a burst; each in the frame of its position, none anywhere else."""
    while (count := call3(source.receive, source.state, context.address, room)) == REFILL:
        source.refill()
    packets = []
    for position in range(count):
        at = context[W_BURST] + position * DESCRIPTOR
        frame = load32(context[W_FRAMES] + 4 * position)
        assert load32(at + D_FRAME) == frame
        data = load64(at + D_DATA)
        assert data == context.pool.address + frame * context.pool.stride + HEADROOM
        start = data - context.pool.address
        packets.append(context.pool.bytes[start : start + load32(at + D_LENGTH)].tobytes())
    outside = context.pool.bytes.reshape(100, -1)[[*range(FIRST), *range(FIRST + context[W_ROOM], 100)]]
    assert not outside.any()
    return packets


def plain(source: Source) -> list[bytes]:
    """The same where position i has frame i."""
    context = Context(burst=16, frame_size=1514, ports=1, counters=1)
    count = call3(source.receive, source.state, context.address, 16)
    packets = []
    for position in range(count):
        at = context[W_BURST] + position * DESCRIPTOR
        start = position * context.pool.stride + HEADROOM
        packets.append(context.pool.bytes[start : start + load32(at + D_LENGTH)].tobytes())
    return packets


@pytest.mark.parametrize("spec", ["size=60", "size=300", "size=imix"])
def test_made_packets(spec: str) -> None:
    sources = [open_port(f"memory:{spec},flows=16").source(0, 1) for _ in range(2)]
    packets = received(shuffled(), sources[0])
    assert len(packets) == 16
    assert packets == plain(sources[1])


def test_made_packets_in_cpython() -> None:
    compiled, interpreted = (open_port("memory:size=60,flows=16").source(0, 1) for _ in range(2))
    context, other = shuffled(), shuffled()
    packets = received(context, compiled)
    assert native.receive(interpreted.state, other.address, 16) == 16
    assert (context.pool.bytes == other.pool.bytes).all()
    assert len(packets) == 16


def test_packets_of_a_capture(tmp_path: Path) -> None:
    given = [bytes([number]) * (60 + number) for number in range(12)]
    path = write_pcap(tmp_path / "a.pcap", given)
    assert received(shuffled(), open_port(str(path)).source(0, 1)) == given


def test_packets_of_a_list() -> None:
    given = [bytes([number]) * 60 for number in range(12)]
    assert received(shuffled(), ListSource(given)) == given


@pytest.mark.parametrize("compiled", [False, True])
def test_copies(compiled: bool) -> None:
    context = shuffled()
    (packet,) = received(context, ListSource([b"abc" * 20]))
    context[W_COUNT] = context[W_USED] = 1
    copy = copy_packet
    if compiled:
        address = load_native("wirebrick.packet.edit", {"copy_packet": 2})["copy_packet"]
        copy = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 3)(address)
    assert copy(context.address, context[W_BURST]) == 1
    at = context[W_BURST] + DESCRIPTOR
    frame = load32(context[W_FRAMES] + 4)
    assert load32(at + D_FRAME) == frame
    assert frame_start(context.address, at) == context.pool.address + frame * context.pool.stride
    start = load64(at + D_DATA) - context.pool.address
    assert context.pool.bytes[start : start + len(packet)].tobytes() == packet
