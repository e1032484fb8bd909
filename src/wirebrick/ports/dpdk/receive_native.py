"""Receiving from a DPDK device: a burst of mbufs, each of which is a frame."""

from __future__ import annotations

from wirebrick.packet.frame import DESCRIPTOR, NO_PORT, W_BURST, W_FRAMES
from wirebrick.packet.memory import call3, load32, load64, prefetch, store32, store64, store64x4
from wirebrick.ports.clock_native import clock
from wirebrick.ports.dpdk.layout import (
    BATCH,
    F_RECEIVE,
    F_RECEIVE_QUEUES,
    FULL,
    M_BUFFER,
    M_PACKET,
    M_REARM,
    MBUF,
    S_CELLS,
    S_CLOCK,
    S_LOST,
    S_LOST_BYTES,
    S_MBUFS,
    S_OPERATIONS,
    S_QUEUE,
    S_STASH,
    ST_COUNT,
    ST_FIRST,
    ST_FRAMES,
    ST_FREE,
    ST_INVERSE,
)
from wirebrick.ports.dpdk.stash_native import frame_of, stash_give

_TAGS = NO_PORT << 16  # INGRESS 0, EGRESS NO_PORT; the frame's number goes into the upper half
_SEGMENTS = 0xFFFF << 32
_ONE_SEGMENT = 1 << 32


def receive(state: int, context: int, room: int) -> int:
    """Receive up to ``room`` packets, at most BATCH; how many came (see ``ports.base``)."""
    stash = load64(state + S_STASH)
    if load64(stash + ST_COUNT) > FULL:
        stash_give(stash)
    operations = load64(state + S_OPERATIONS)
    queue = load64(load64(operations + F_RECEIVE_QUEUES) + 8 * load64(state + S_QUEUE))
    most = min(room, BATCH)
    # The result is a uint16_t: the rest of the register may hold anything.
    count = call3(load64(operations + F_RECEIVE), queue, state + S_MBUFS, most) & 0xFFFF
    if count == 0:
        return 0
    time = clock(load64(state + S_CLOCK), state + S_CELLS)
    return describe_burst(state, context, count, time)


def describe_burst(state: int, context: int, count: int, time: int) -> int:
    """Put received mbufs at the burst's first positions, their empty frames into the stash; how many were good."""
    stash = load64(state + S_STASH)
    first = load64(stash + ST_FIRST)
    inverse = load64(stash + ST_INVERSE)
    stashed = load64(stash + ST_COUNT)
    empty = stash + ST_FRAMES + 4 * stashed
    cell = load64(context + W_FRAMES)
    descriptor = load64(context + W_BURST)
    begin = cell
    at = state + S_MBUFS
    for _ in range(count):
        mbuf = load64(at)
        rearm = load64(mbuf + M_REARM)
        length = load32(mbuf + M_PACKET)
        data = mbuf + MBUF + (rearm & 0xFFFF)
        prefetch(data)
        if (rearm & _SEGMENTS) == _ONE_SEGMENT and load64(mbuf + M_BUFFER) == mbuf + MBUF:
            frame = frame_of(mbuf - first, inverse)
            store64x4(descriptor, data, length | (length << 32), time, _TAGS | (frame << 32))
            store32(empty, load32(cell))
            store32(cell, frame)
            empty += 4
            cell += 4
            descriptor += DESCRIPTOR
        else:
            refuse(state, at, length)
        at += 8
    good = (cell - begin) >> 2
    store64(stash + ST_COUNT, stashed + good)
    return good


def refuse(state: int, at: int, length: int) -> int:
    """Drop a packet that isn't in one frame of ours, and count it. Returns 0."""
    store64(state + S_LOST, load64(state + S_LOST) + 1)
    store64(state + S_LOST_BYTES, load64(state + S_LOST_BYTES) + length)
    call3(load64(load64(state + S_STASH) + ST_FREE), at, 1, 0)
    return 0
