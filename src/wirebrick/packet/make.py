"""make_packet: a new packet in a free frame of the worker, run in CPython and compiled."""

from __future__ import annotations

from wirebrick.packet.edit import position_frame
from wirebrick.packet.frame import (
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    NO_PORT,
    W_BURST,
    W_MADE,
    W_POOL,
    W_ROOM,
    W_STRIDE,
    W_USED,
)
from wirebrick.packet.memory import load64, store16, store32, store64


def make_packet(context: int, size: int, time: int) -> int:
    """Take the next free position of the burst for a packet of ``size`` bytes (at most 1,536), of a time (ns).

    The bytes are the caller's to fill in; it came from port 0 and has no port to leave by. Returns the
    position, or -1 where none is free.
    """
    position = load64(context + W_USED)
    if position >= load64(context + W_ROOM):
        return -1
    number = position_frame(context, position)
    descriptor = load64(context + W_BURST) + position * DESCRIPTOR
    data = load64(context + W_POOL) + number * load64(context + W_STRIDE) + HEADROOM
    store64(descriptor + D_DATA, data)
    store32(descriptor + D_LENGTH, size)
    store32(descriptor + D_WIRE, size)
    store64(descriptor + D_TIME, time)
    store16(descriptor + D_INGRESS, 0)
    store16(descriptor + D_EGRESS, NO_PORT)
    store32(descriptor + D_FRAME, number)
    store64(context + W_USED, position + 1)
    store64(context + W_MADE, load64(context + W_MADE) + 1)
    return position
