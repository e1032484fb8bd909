"""The native part of `tap:`: a system call for each packet, as there is no ring; many of them at a time."""

from __future__ import annotations

from wirebrick.packet.edit import position_frame
from wirebrick.packet.frame import (
    D_DATA,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    LIST_HEAD,
    NO_PORT,
    TAILROOM,
    W_BURST,
    W_FRAME,
    W_POOL,
    W_STRIDE,
)
from wirebrick.packet.memory import call3, load32, load64, store64, store64x4
from wirebrick.ports.clock_native import clock
from wirebrick.ports.drop_native import drop

# The state block of a source or sink: 64-bit words, by byte offset.
S_FD = 0  # the queue
S_CALL = 8  # address of read(2) or write(2)
S_CLOCK = 16  # address of clock_gettime(3)
S_TIME = 24  # 16 bytes for it
S_COPIED = 40  # bytes copied between frames and the kernel
S_TOO_LONG = 48  # packets dropped: longer than a frame
S_REFUSED = 56  # packets that the kernel didn't take, and their bytes on the wire
S_CUT = 72  # the same for those that were cut when they were captured
STATE = 88  # bytes

_LOOKS = 2  # packets read for each one asked for: a flood of those that are dropped must come to an end


def receive(state: int, context: int, room: int) -> int:
    """Read up to ``room`` packets into the frames of the burst (see ``ports.base``)."""
    fd = load64(state + S_FD)
    read = load64(state + S_CALL)
    pool = load64(context + W_POOL) + HEADROOM
    stride = load64(context + W_STRIDE)
    largest = load64(context + W_FRAME) - HEADROOM - TAILROOM
    descriptor = load64(context + W_BURST)
    copied = 0
    time = 0
    got = 0
    for _ in range(_LOOKS * room):
        if got == room:
            break
        frame = position_frame(context, got)
        data = pool + frame * stride
        length = call3(read, fd, data, largest + 1)  # a byte more is seen: the tailroom has it
        if length <= 0:
            break
        copied += length
        if length > largest:
            store64(state + S_TOO_LONG, load64(state + S_TOO_LONG) + 1)
            continue
        if time == 0:
            time = clock(load64(state + S_CLOCK), state + S_TIME)
        store64x4(descriptor, data, length | (length << 32), time, NO_PORT << 16 | (frame << 32))
        descriptor += DESCRIPTOR
        got += 1
    store64(state + S_COPIED, load64(state + S_COPIED) + copied)
    return got


def transmit(state: int, context: int, list: int, start: int) -> int:
    """Write the packets from position ``start`` of the list (see ``ports.base``)."""
    fd = load64(state + S_FD)
    write = load64(state + S_CALL)
    burst = load64(context + W_BURST)
    count = load64(list)
    copied = 0
    item = list + LIST_HEAD + 4 * start
    for _ in range(count - start):
        descriptor = burst + load32(item) * DESCRIPTOR
        item += 4
        length = load32(descriptor + D_LENGTH)
        wire = load32(descriptor + D_WIRE)
        if length != wire:
            drop(state + S_CUT, wire)
        elif call3(write, fd, load64(descriptor + D_DATA), length) == length:
            copied += length
        else:
            drop(state + S_REFUSED, wire)
    store64(state + S_COPIED, load64(state + S_COPIED) + copied)
    return count - start
