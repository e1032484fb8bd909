"""Transmitting to a capture: records written into a buffer. Compiled for runs, called as it is in tests.

The format is classic pcap, little-endian, of micro- or nanoseconds (draft-ietf-opsawg-pcap).
"""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, D_LENGTH, D_TIME, D_WIRE, DESCRIPTOR, LIST_HEAD, W_BURST
from wirebrick.packet.memory import copy, load32, load64, store32, store64
from wirebrick.ports.pcap.layout import (
    BILLION,
    MAX_CAPTURED,
    RECORD,
    T_BASE,
    T_CAPACITY,
    T_COPIED,
    T_DIVIDE,
    T_FILL,
    T_PACKETS,
)


def transmit(state: int, context: int, list: int, start: int) -> int:
    """Write the packets from position ``start`` of the list; how many fitted (see ``ports.base``)."""
    base = load64(state + T_BASE)
    end = load64(state + T_FILL)
    capacity = load64(state + T_CAPACITY)
    divide = load64(state + T_DIVIDE)
    burst = load64(context + W_BURST)
    count = load64(list)
    copied = 0
    index = start
    while index < count:
        position = load32(list + LIST_HEAD + 4 * index)
        descriptor = burst + position * DESCRIPTOR
        length = load32(descriptor + D_LENGTH)
        captured = min(length, MAX_CAPTURED)  # what the header promises, and what readers accept
        if capacity - end < RECORD + captured:
            break
        record = base + end
        time = load64(descriptor + D_TIME)
        seconds = time // BILLION
        store32(record, seconds)
        store32(record + 4, (time - seconds * BILLION) // divide)
        store32(record + 8, captured)
        store32(record + 12, max(length, load32(descriptor + D_WIRE)))
        copy(record + RECORD, load64(descriptor + D_DATA), captured)
        end += RECORD + captured
        copied += captured
        index += 1
    store64(state + T_FILL, end)
    store64(state + T_PACKETS, load64(state + T_PACKETS) + index - start)
    store64(state + T_COPIED, load64(state + T_COPIED) + copied)
    return index - start
