"""alone: a packet of one's own, in memory of its own, for tests and interactive use."""

from __future__ import annotations

import ctypes

from wirebrick.headers.header import Header
from wirebrick.packet.frame import (
    CONTEXT,
    D_DATA,
    D_EGRESS,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    NO_PORT,
    TAILROOM,
    W_BURST,
    W_COUNT,
    W_FRAME,
    W_POOL,
    W_ROOM,
    W_STRIDE,
    W_USED,
)
from wirebrick.packet.memory import store16, store32, store64
from wirebrick.packet.packet import Packet


def alone(data: bytes, *headers: type[Header], wire: int | None = None) -> Packet:
    """A packet with the bytes ``data`` and ``headers`` parsed; ``wire`` bytes long on the wire if it was cut.

    Raises ValueError where they can't be parsed. There is room for one copy of it.

    >>> from wirebrick.headers import Ethernet
    >>> packet = alone(bytes(12) + b"\\x08\\x00", Ethernet)
    >>> packet.header.ethertype = 0x0806
    >>> bytes(packet)[12:].hex(), packet.length
    ('0806', 14)
    """
    stride = HEADROOM + len(data) + 16 * TAILROOM & ~7
    burst, pool = CONTEXT, CONTEXT + 2 * DESCRIPTOR
    memory = ctypes.create_string_buffer(pool + 2 * stride + 8)
    context = ctypes.addressof(memory)
    ctypes.memmove(context + pool + HEADROOM, data, len(data))
    for word, value in (
        (W_BURST, context + burst),
        (W_COUNT, 1),
        (W_USED, 1),
        (W_ROOM, 2),
        (W_POOL, context + pool),
        (W_STRIDE, stride),
        (W_FRAME, stride),
    ):
        store64(context + word, value)
    descriptor = context + burst
    store64(descriptor + D_DATA, context + pool + HEADROOM)
    store32(descriptor + D_LENGTH, len(data))
    store32(descriptor + D_WIRE, len(data) if wire is None else wire)
    store16(descriptor + D_EGRESS, NO_PORT)
    packet = Packet(context, 0, ["in", "out"])
    packet._memory = memory
    for header in headers:
        layer = packet._parse(header)
        if isinstance(layer, str):
            raise ValueError(f"{header.__name__}: {layer}")
    return packet
