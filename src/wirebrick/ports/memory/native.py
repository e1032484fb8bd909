"""The native part of `memory:`: prepared packets copied into frames, as a network card would write them.

Written with the memory primitives and integers alone, so that it runs in CPython and compiled. Templates lie
back to back, each padded to whole lines of 64 bytes, and are played in order, again and again. Copying whole
lines needs no look at a packet's length; what is written past its end stays inside the frame's tailroom.
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_DATA,
    DESCRIPTOR,
    HEADROOM,
    NO_PORT,
    W_BURST,
    W_FRAMES,
    W_POOL,
    W_STRIDE,
)
from wirebrick.packet.memory import copy, load32, load64, store64, store64x4
from wirebrick.ports.base import ENDED

LINE = 64  # bytes copied at once; templates are padded to a multiple of it

# The state block: 64-bit words, by byte offset.
S_LEFT = 0  # packets still to come; ENDLESS where there is no limit
S_TIME = 8  # timestamp of the next packet, nanoseconds
S_GAP = 16  # nanoseconds from one packet to the next
S_FIRST = 24  # address of the first template
S_END = 32  # address behind the last template
S_AT = 40  # address of the next template
S_LENGTH = 48  # bytes of every template, or 0 where they differ: then the index counts
S_LINES = 56  # lines of every template, where they are alike
S_INDEX = 64  # address of the index: for each template u32 offset in lines, u32 length in bytes
S_INDEX_END = 72  # address behind it
S_INDEX_AT = 80  # address of the next template's entry
STATE = 88  # bytes

ENDLESS = 1 << 62

# INGRESS 0, EGRESS NO_PORT and FRAME 0 as one word; a frame's number goes into its upper half.
_TAGS = NO_PORT << 16
_NEXT_FRAME = 1 << 32


def describe(descriptor: int, data: int, lengths: int, time: int, tags: int) -> int:
    """Write a whole descriptor: DATA, LENGTH with WIRE, TIME, and INGRESS, EGRESS with FRAME."""
    store64x4(descriptor + D_DATA, data, lengths, time, tags)
    return 0


def short_packets(state: int, context: int, count: int, frames: int) -> int:
    """Write ``count`` packets whose templates are alike and one line long: the path of 64-byte packets.

    ``frames``: address of the table of the positions' frames, or 0: position i has frame i.
    """
    descriptor = load64(context + W_BURST)
    pool = load64(context + W_POOL) + HEADROOM
    data = pool
    stride = load64(context + W_STRIDE)
    at = load64(state + S_AT)
    end = load64(state + S_END)
    first = load64(state + S_FIRST)
    lengths = load64(state + S_LENGTH)
    lengths = lengths | (lengths << 32)
    time = load64(state + S_TIME)
    gap = load64(state + S_GAP)
    tags = _TAGS
    cell = frames
    for _ in range(count):
        if frames != 0:
            frame = load32(cell)
            data = pool + frame * stride
            tags = _TAGS | (frame << 32)
            cell += 4
        copy(data, at, LINE)
        describe(descriptor, data, lengths, time, tags)
        descriptor += DESCRIPTOR
        data += stride
        time += gap
        tags += _NEXT_FRAME
        at += LINE
        if at == end:
            at = first
    store64(state + S_AT, at)
    return time


def like_packets(state: int, context: int, count: int, frames: int) -> int:
    """Write ``count`` packets whose templates are alike and several lines long."""
    descriptor = load64(context + W_BURST)
    pool = load64(context + W_POOL) + HEADROOM
    data = pool
    stride = load64(context + W_STRIDE)
    at = load64(state + S_AT)
    end = load64(state + S_END)
    first = load64(state + S_FIRST)
    lengths = load64(state + S_LENGTH)
    lengths = lengths | (lengths << 32)
    size = load64(state + S_LINES) * LINE
    time = load64(state + S_TIME)
    gap = load64(state + S_GAP)
    tags = _TAGS
    cell = frames
    for _ in range(count):
        if frames != 0:
            frame = load32(cell)
            data = pool + frame * stride
            tags = _TAGS | (frame << 32)
            cell += 4
        for line in range(0, size, LINE):
            copy(data + line, at + line, LINE)
        describe(descriptor, data, lengths, time, tags)
        descriptor += DESCRIPTOR
        data += stride
        time += gap
        tags += _NEXT_FRAME
        at += size
        if at == end:
            at = first
    store64(state + S_AT, at)
    return time


def mixed_packets(state: int, context: int, count: int, frames: int) -> int:
    """Write ``count`` packets whose templates differ in length: each is looked up in the index."""
    descriptor = load64(context + W_BURST)
    pool = load64(context + W_POOL) + HEADROOM
    data = pool
    stride = load64(context + W_STRIDE)
    first = load64(state + S_FIRST)
    entry = load64(state + S_INDEX_AT)
    end = load64(state + S_INDEX_END)
    index = load64(state + S_INDEX)
    time = load64(state + S_TIME)
    gap = load64(state + S_GAP)
    tags = _TAGS
    cell = frames
    for _ in range(count):
        if frames != 0:
            frame = load32(cell)
            data = pool + frame * stride
            tags = _TAGS | (frame << 32)
            cell += 4
        at = first + load32(entry) * LINE
        length = load32(entry + 4)
        for line in range(0, length, LINE):
            copy(data + line, at + line, LINE)
        describe(descriptor, data, length | (length << 32), time, tags)
        descriptor += DESCRIPTOR
        data += stride
        time += gap
        tags += _NEXT_FRAME
        entry += 8
        if entry == end:
            entry = index
    store64(state + S_INDEX_AT, entry)
    return time


def receive(state: int, context: int, room: int) -> int:
    """Write up to ``room`` packets into the burst; how many, or ENDED when the limit was reached before."""
    left = load64(state + S_LEFT)
    if left <= 0:
        return ENDED
    count = room
    if left < count:
        count = left
    frames = load64(context + W_FRAMES)
    if load64(state + S_LENGTH) == 0:
        time = mixed_packets(state, context, count, frames)
    elif load64(state + S_LINES) == 1:
        time = short_packets(state, context, count, frames)
    else:
        time = like_packets(state, context, count, frames)
    store64(state + S_TIME, time)
    store64(state + S_LEFT, left - count)
    return count
