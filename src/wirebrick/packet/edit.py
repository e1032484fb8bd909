"""Moving a packet's bytes: gaps for pushed headers, payload edits, copies.

Like the functions of ``checksum.py`` these run as they are in CPython and compiled: integers only, nothing
raised. Offsets count from the packet's first byte. They keep the descriptor right; what headers say is left
to the caller.
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    W_BURST,
    W_COPIED,
    W_COPIES,
    W_FRAME,
    W_FRAMES,
    W_POOL,
    W_ROOM,
    W_STRIDE,
    W_USED,
)
from wirebrick.packet.memory import copy, fill, load32, load64, store32, store64


def frame_start(context: int, descriptor: int) -> int:
    """Address of the frame that holds the packet."""
    return load64(context + W_POOL) + load32(descriptor + D_FRAME) * load64(context + W_STRIDE)


def position_frame(context: int, position: int) -> int:
    """Number of the frame that lies at a position of the burst."""
    frames = load64(context + W_FRAMES)
    if frames == 0:
        return position
    return load32(frames + 4 * position)


def open_gap(context: int, descriptor: int, at: int, size: int) -> int:
    """Make room for ``size`` bytes at offset ``at``: the bytes before it move into the headroom.

    The gap keeps old bytes. Returns 0, or -1 where the headroom is too small (nothing is changed then).
    """
    data = load64(descriptor + D_DATA)
    if data - frame_start(context, descriptor) < size:
        return -1
    copy(data - size, data, at)
    store64(descriptor + D_DATA, data - size)
    store32(descriptor + D_LENGTH, load32(descriptor + D_LENGTH) + size)
    store32(descriptor + D_WIRE, load32(descriptor + D_WIRE) + size)
    return 0


def close_gap(context: int, descriptor: int, at: int, size: int) -> int:
    """Take ``size`` bytes out at offset ``at``: the bytes before it move up. Returns 0."""
    data = load64(descriptor + D_DATA)
    copy(data + size, data, at)
    store64(descriptor + D_DATA, data + size)
    store32(descriptor + D_LENGTH, load32(descriptor + D_LENGTH) - size)
    store32(descriptor + D_WIRE, load32(descriptor + D_WIRE) - size)
    return 0


def payload_edit(context: int, descriptor: int, begin: int, end: int, at: int, delta: int) -> int:
    """Insert ``delta`` zero bytes at offset ``at`` of the payload ``begin`` .. ``end``, or delete ``-delta``.

    What lies behind the payload (padding) goes: the packet ends with it. Returns 0, or -1 where the frame has
    no room or the range is not in the payload (nothing is changed then).
    """
    data = load64(descriptor + D_DATA)
    if at < begin or at > end or at - delta > end:
        return -1
    if data + end + delta > frame_start(context, descriptor) + load64(context + W_FRAME):
        return -1
    if delta > 0:
        copy(data + at + delta, data + at, end - at)
        fill(data + at, 0, delta)
    else:
        copy(data + at, data + at - delta, end - at + delta)
    store32(descriptor + D_LENGTH, end + delta)
    store32(descriptor + D_WIRE, end + delta)
    return 0


def copy_head(context: int, descriptor: int, size: int) -> int:
    """Copy a packet's descriptor, and its first ``size`` bytes, to the next free position of the burst and its frame.

    Returns the position, or -1 where none is free. What it counts as is the caller's to say.
    """
    position = load64(context + W_USED)
    if position >= load64(context + W_ROOM):
        return -1
    data = load64(descriptor + D_DATA)
    stride = load64(context + W_STRIDE)
    target = load64(context + W_BURST) + position * DESCRIPTOR
    frame = position_frame(context, position)
    to = load64(context + W_POOL) + frame * stride + data - frame_start(context, descriptor)
    copy(to, data, size)
    copy(target, descriptor, DESCRIPTOR)
    store64(target + D_DATA, to)
    store32(target + D_FRAME, frame)
    store64(context + W_USED, position + 1)
    return position


def copy_packet(context: int, descriptor: int) -> int:
    """Copy a packet to the next free position of the burst; the position, or -1 where none is free."""
    length = load32(descriptor + D_LENGTH)
    position = copy_head(context, descriptor, length)
    if position < 0:
        return -1
    store64(context + W_COPIES, load64(context + W_COPIES) + 1)
    store64(context + W_COPIED, load64(context + W_COPIED) + length)
    return position
