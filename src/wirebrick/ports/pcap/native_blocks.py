"""Walking the blocks of a pcapng section (draft-ietf-opsawg-pcapng); see ``native``.

>>> import ctypes
>>> entry = (ctypes.c_int64 * (INTERFACE // 8))(0, 1000, 1, 0, 0, 0)
>>> nanoseconds(ctypes.addressof(entry), 0, 5)
5000
"""

from __future__ import annotations

from wirebrick.packet.memory import load16, load16be, load64, shift_right, store64, wrap64
from wirebrick.ports.pcap.layout import (
    BAD_BLOCK,
    BAD_CAPTURED,
    BAD_INTERFACE,
    BAD_TRAILER,
    BILLION,
    DESCRIPTION,
    ENHANCED_BLOCK,
    I_DIVIDE,
    I_LINK,
    I_MULTIPLY,
    I_OFFSET,
    I_SHIFT,
    I_SNAPLEN,
    INTERFACE,
    INTERFACE_BLOCK,
    LINK_UNKNOWN,
    MAX_BLOCK,
    MAX_CAPTURED,
    NEED_MORE,
    OBSOLETE_BLOCK,
    S_BASE,
    S_FILL,
    S_INTERFACE_COUNT,
    S_INTERFACES,
    S_POSITION,
    S_RECORDS,
    S_SKIP,
    S_STATUS,
    S_SWAP,
    S_UNMAPPED,
    SECTION_BLOCK,
    SIMPLE_BLOCK,
)
from wirebrick.ports.pcap.native_place import bad, field32, place


def walk_blocks(state: int, context: int, room: int) -> int:
    """Blocks of a pcapng section: how many packets were put into frames."""
    base = load64(state + S_BASE)
    swap = load64(state + S_SWAP)
    end = load64(state + S_FILL)
    position = skip(state, load64(state + S_POSITION), end, 0)
    got = 0
    while got < room and end - position >= 12:
        block = base + position
        kind = field32(block, swap)
        size = field32(block + 4, swap)
        if kind in (SECTION_BLOCK, INTERFACE_BLOCK):
            store64(state + S_STATUS, DESCRIPTION)
            break
        if size < 12 or size & 3 != 0:
            bad(state, BAD_BLOCK, size)
            break
        if kind in (ENHANCED_BLOCK, SIMPLE_BLOCK, OBSOLETE_BLOCK):
            if size <= MAX_BLOCK and end - position < size:
                break
            got += take_block(state, context, got, block, kind, size, swap)
            if load64(state + S_STATUS) != NEED_MORE:
                break
            position += size
        else:
            position = skip(state, position, end, size)
        store64(state + S_RECORDS, load64(state + S_RECORDS) + 1)
    store64(state + S_POSITION, position)
    return got


def skip(state: int, position: int, end: int, size: int) -> int:
    """Pass ``size`` bytes and those still to be skipped; what is not in the buffer yet is kept for later."""
    wanted = load64(state + S_SKIP) + size
    there = min(wanted, end - position)
    store64(state + S_SKIP, wanted - there)
    return position + there


def take_block(state: int, context: int, got: int, block: int, kind: int, size: int, swap: int) -> int:
    """Put the packet of a whole packet block into frame ``got``: 1, or 0 where it is skipped or bad."""
    data = 12 if kind == SIMPLE_BLOCK else 28  # where the packet starts in the block
    if size < data + 4 or size > MAX_BLOCK:
        return bad(state, BAD_BLOCK, size)
    if field32(block + size - 4, swap) != size:
        return bad(state, BAD_TRAILER, field32(block + size - 4, swap))
    number = 0
    if kind == ENHANCED_BLOCK:
        number = field32(block + 8, swap)
    elif kind == OBSOLETE_BLOCK:
        number = load16(block + 8) if swap == 0 else load16be(block + 8)
    if number >= load64(state + S_INTERFACE_COUNT):
        return bad(state, BAD_INTERFACE, number)
    interface = load64(state + S_INTERFACES) + number * INTERFACE
    time = 0
    if kind == SIMPLE_BLOCK:  # no time, and a captured length that follows from the snap length
        wire = field32(block + 8, swap)
        captured = min(wire, size - data - 4)
        if load64(interface + I_SNAPLEN) != 0:
            captured = min(captured, load64(interface + I_SNAPLEN))
    else:
        captured = field32(block + 20, swap)
        wire = field32(block + 24, swap)
        time = nanoseconds(interface, field32(block + 12, swap), field32(block + 16, swap))
    if captured > min(MAX_CAPTURED, size - data - 4):
        return bad(state, BAD_CAPTURED, captured)
    if load64(interface + I_LINK) == LINK_UNKNOWN:
        store64(state + S_UNMAPPED, load64(state + S_UNMAPPED) + 1)
        return 0
    return place(state, context, got, block + data, captured, wire, time, load64(interface + I_LINK))


def nanoseconds(interface: int, high: int, low: int) -> int:
    """The time of a pcapng packet, since 1970."""
    ticks = wrap64((high << 32) + low)
    shift = load64(interface + I_SHIFT)
    offset = load64(interface + I_OFFSET)
    divide = load64(interface + I_DIVIDE)
    if divide > 1:  # an even number; ticks are unsigned, and a half of them is positive
        return wrap64(shift_right(ticks, 1) // (divide >> 1) + offset)
    if shift == 0:
        return wrap64(ticks * load64(interface + I_MULTIPLY) + offset)
    seconds = 0
    if shift < 64:
        seconds = shift_right(ticks, shift)
        ticks = wrap64(ticks - wrap64(seconds << shift))
    if shift > 33:  # 33 bits of a second are finer than a nanosecond, and the product below fits in 64
        ticks = shift_right(ticks, min(shift - 33, 63))
        shift = 33
    return wrap64(seconds * BILLION + shift_right(ticks * BILLION, shift) + offset)
