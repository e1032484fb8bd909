"""Patterns' native part: every place where one of many literals stands, found by windows of a few bytes.

Of each literal, four of its bytes (its *window*; two or one of a short literal) are in a bitmap, by hash and with
letters folded to one case. A scan looks at the window that begins at each byte: a load, a multiplication, a bit. Where
the bit is set, the literals with such a window are looked up and compared with what stands there. (Wu and Manber,
"A fast algorithm for multi-pattern searching", 1994, without the shifts.)
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    fill,
    load8,
    load16,
    load32,
    load64,
    store32,
    store64,
)
from wirebrick.state.patterns_layout import (
    BITS4,
    F_COUNT,
    F_EPOCH,
    F_LOST,
    F_MATCHES,
    F_MOST,
    F_ONCE,
    FOLD,
    MASK32,
    MATCH,
    MULTIPLIER,
    P_BITMAP1,
    P_BITMAP2,
    P_BITMAP4,
    P_LONG,
    P_SHORT,
    P_SINGLE,
    R_BEHIND,
    R_KEY,
    R_NUMBER,
    R_SIZE,
    R_TEXT,
    RECORD,
    T_COUNT,
    T_RECORDS,
    T_SHIFT,
    T_SLOTS,
)

SHIFT4 = 32 - BITS4


def patterns_begin(found: int) -> int:
    """Empty the list."""
    store64(found + F_COUNT, 0)
    seen = load64(found + F_ONCE)
    if seen != 0:
        epoch = load64(found + F_EPOCH) + 1
        if epoch > MASK32:
            fill(found + F_MATCHES + load64(found + F_MOST) * MATCH, 0, seen)
            epoch = 1
        store64(found + F_EPOCH, epoch)
    return 0


def patterns_search(block: int, found: int, data: int, size: int) -> int:
    """Add all matches that lie in the data, by the tables of this module."""
    if load64(block + P_LONG + T_COUNT) != 0:
        patterns_long(block, found, data, size)
    if load64(block + P_SHORT + T_COUNT) != 0:
        patterns_short(block, found, data, size)
    if load64(block + P_SINGLE + T_COUNT) != 0:
        patterns_single(block, found, data, size)
    return 0


def patterns_long(block: int, found: int, data: int, size: int) -> int:
    """Literals of four bytes and more."""
    bitmap = block + P_BITMAP4
    stop = size - 3
    at = patterns_next(bitmap, data, 0, stop)
    while at < stop:
        patterns_at(block, found, data, size, at)
        at = patterns_next(bitmap, data, at + 1, stop)
    return 0


def patterns_next(bitmap: int, data: int, at: int, stop: int) -> int:
    """The next place where a window may begin, or where none can any more."""
    while at + 4 <= stop:  # four at a time: half of the work is in the loop
        if patterns_bit(bitmap, data + at) != 0:
            return at
        if patterns_bit(bitmap, data + at + 1) != 0:
            return at + 1
        if patterns_bit(bitmap, data + at + 2) != 0:
            return at + 2
        if patterns_bit(bitmap, data + at + 3) != 0:
            return at + 3
        at += 4
    while at < stop:
        if patterns_bit(bitmap, data + at) != 0:
            return at
        at += 1
    return at


def patterns_bit(bitmap: int, at: int) -> int:
    """1 where a window may begin."""
    bit = ((load32(at) | FOLD) * MULTIPLIER & MASK32) >> SHIFT4
    return load64(bitmap + (bit >> 6 << 3)) >> (bit & 63) & 1


def patterns_at(block: int, found: int, data: int, size: int, at: int) -> int:
    """A window of four bytes begins here, as it seems."""
    return patterns_compare(block, block + P_LONG, found, data, size, load32(data + at) | FOLD, at + 4)


def patterns_short(block: int, found: int, data: int, size: int) -> int:
    """Literals of two and three bytes."""
    bitmap = block + P_BITMAP2
    for at in range(size - 1):
        key = load16(data + at)
        if load8(bitmap + (key >> 3)) >> (key & 7) & 1 != 0:
            patterns_compare(block, block + P_SHORT, found, data, size, key | (FOLD & 0xFFFF), at + 2)
    return 0


def patterns_single(block: int, found: int, data: int, size: int) -> int:
    """Literals of one byte."""
    bitmap = block + P_BITMAP1
    for at in range(size):
        key = load8(data + at)
        if load8(bitmap + (key >> 3)) >> (key & 7) & 1 != 0:
            patterns_compare(block, block + P_SINGLE, found, data, size, key | (FOLD & 0xFF), at + 1)
    return 0


def patterns_compare(block: int, table: int, found: int, data: int, size: int, key: int, stop: int) -> int:
    """Add the literals with a certain window, which ends at ``stop``, that stand here."""
    hash = (key * MULTIPLIER & MASK32) >> load64(table + T_SHIFT)
    slot = block + load64(table + T_SLOTS) + 4 * hash
    first = load32(slot)
    record = block + load64(table + T_RECORDS) + first * RECORD
    for _ in range(load32(slot + 4) - first):
        if load32(record + R_KEY) == key:
            end = stop + load32(record + R_BEHIND)
            length = load32(record + R_SIZE)
            text = block + load32(record + R_TEXT)
            if end >= length and end <= size and patterns_same(data + end - length, text, length) != 0:
                patterns_add(found, load32(record + R_NUMBER), end)
        record += RECORD
    return 0


def patterns_same(at: int, text: int, length: int) -> int:
    """1 where a literal stands at an address."""
    masks = text + (length + 7 & -8)
    done = 0
    while done + 8 <= length:
        if (load64(at + done) | load64(masks + done)) != load64(text + done):
            return 0
        done += 8
    if length & 4 != 0:
        if (load32(at + done) | load32(masks + done)) != load32(text + done):
            return 0
        done += 4
    while done < length:
        if (load8(at + done) | load8(masks + done)) != load8(text + done):
            return 0
        done += 1
    return 1


def patterns_add(found: int, number: int, end: int) -> int:
    """Put a match into the list, if there is room and it is to be there."""
    count = load64(found + F_COUNT)
    most = load64(found + F_MOST)
    if load64(found + F_ONCE) != 0:
        seen = found + F_MATCHES + most * MATCH + 4 * number
        epoch = load64(found + F_EPOCH)
        if load32(seen) == epoch:
            return 0
        store32(seen, epoch)
    if count >= most:
        store64(found + F_LOST, load64(found + F_LOST) + 1)
        return 0
    store64(found + F_MATCHES + count * MATCH, end << 32 | number)
    store64(found + F_COUNT, count + 1)
    return 0


def patterns_match(block: int, found: int, at: int) -> int:
    """The literal of a match, or -1 where there is none."""
    if at < load64(found + F_COUNT):
        return load32(found + F_MATCHES + at * MATCH)
    return -1


def patterns_end(block: int, found: int, at: int) -> int:
    """The end of a match, or -1 where there is none."""
    if at < load64(found + F_COUNT):
        return load32(found + F_MATCHES + at * MATCH + 4)
    return -1
