"""Longest prefix match, the native part: address ranges in order, found through an index of their upper 16 bits.

Prefixes cut the addresses into ranges that have one answer each, at most two more than twice as many as there are
prefixes: so the size is known beforehand, whatever the prefixes are. A look-up takes the range in which the address's
upper 16 bits begin, and the one behind, from the index, and searches between them without branches that depend on
the address (as DXR: Zec, Rizzo, Mikuc, ACM CCR 2012). IPv4 and IPv6 have ranges and an index of their own.

Words of IPv6 addresses are kept with their upper bit turned over: signed comparison orders them then.
"""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, opaque, shift_right, store32, store64, wrap64

L_DEFAULT = 0  # the answer where no prefix matches
L_RANGES4 = 8  # offsets in the block
L_RANGES6 = 16
L_COUNT4 = 24  # ranges in use
L_COUNT6 = 32
L_STACK = 64  # the prefixes around the one that is looked at while ranges are made: LEVELS entries
LEVELS = 130
S_LAST_HIGH = 0
S_LAST_LOW = 8
S_VALUE = 16
STACK_ENTRY = 24
L_INDEX4 = 3200  # u32 for each upper 16 bits: number of the range they begin in; one more behind the last
CHUNKS = 1 << 16
INDEX = 4 * CHUNKS + 64
L_INDEX6 = L_INDEX4 + INDEX
L_END = L_INDEX6 + INDEX  # IPv4 ranges, then IPv6 ranges begin here

# A range begins at its first address: IPv4, a word: u32 address, u32 value; IPv6: words high, low, value.
RANGE4 = 8
RANGE6 = 24
NONE = 0xFFFFFFFF  # the value where no prefix matches

# A prefix for lpm_build: first and last address, their words turned over, and the value.
P_FIRST_HIGH = 0
P_FIRST_LOW = 8
P_LAST_HIGH = 16
P_LAST_LOW = 24
P_VALUE = 32
PREFIX = 40

TURN = -(1 << 63)
TOP4 = (1 << 32) - 1 - (1 << 63)  # the last IPv4 address, turned over
TOP6 = (1 << 63) - 1  # a word of the last IPv6 address, turned over


def lpm_size(capacity: int) -> int:
    """Bytes of a block for ``capacity`` prefixes."""
    return L_END + (2 * capacity + 2) * (RANGE4 + RANGE6)


def lpm_init(block: int, capacity: int, default: int) -> int:
    """Lay out a block of zeros."""
    store64(block + L_DEFAULT, default)
    store64(block + L_RANGES4, L_END)
    store64(block + L_RANGES6, L_END + (2 * capacity + 2) * RANGE4)
    return 0


def lpm_lookup(block: int, high: int, low: int) -> int:
    """The number of the longest prefix that holds an address: IPv4 below 2**32, else IPv6; or the default."""
    is_ipv4 = high == 0 and shift_right(low, 32) == 0
    value = lpm_lookup4(block, low) if is_ipv4 else lpm_lookup6(block, high, low)
    if value == NONE:
        return load64(block + L_DEFAULT)
    return value


def lpm_lookup4(block: int, address: int) -> int:
    """The value of an IPv4 address, or NONE."""
    index = block + L_INDEX4 + 4 * (address >> 16)
    first = load32(index)
    count = load32(index + 4) - first + 1
    at = block + load64(block + L_RANGES4) + first * RANGE4
    while count > 1:
        half = count >> 1
        # -1 where the upper half begins behind the address.
        behind = opaque(address - load32(at + half * RANGE4) >> 63)
        at += half * RANGE4 & ~behind
        count -= half
    return load32(at + 4)


def lpm_lookup6(block: int, high: int, low: int) -> int:
    """The value of an IPv6 address, or NONE."""
    index = block + L_INDEX6 + 4 * shift_right(high, 48)
    first = load32(index)
    count = load32(index + 4) - first + 1
    at = block + load64(block + L_RANGES6) + first * RANGE6
    high = wrap64(high ^ TURN)
    low = wrap64(low ^ TURN)
    while count > 1:
        half = count >> 1
        middle = at + half * RANGE6
        word = load64(middle)
        if word < high or (word == high and load64(middle + 8) <= low):
            at = middle
        count -= half
    return load64(at + 16)


def lpm_build(block: int, version: int, prefixes: int, count: int) -> int:
    """Make the ranges of ``count`` prefixes (of IP version 4 or 6), which come in order of first address, then length.

    Returns how many ranges they are.
    """
    stack = block + L_STACK - STACK_ENTRY  # entry 0 isn't there
    ranges = lpm_begin(block, version, 0, TURN, TURN, NONE)
    depth = 0
    for number in range(count):
        prefix = prefixes + number * PREFIX
        high = load64(prefix + P_FIRST_HIGH)
        low = load64(prefix + P_FIRST_LOW)
        while depth > 0 and lpm_before(stack + depth * STACK_ENTRY, high, low) != 0:
            ranges = lpm_end(block, version, ranges, depth)
            depth -= 1
        value = load64(prefix + P_VALUE)
        ranges = lpm_begin(block, version, ranges, high, low, value)
        depth += 1
        entry = stack + depth * STACK_ENTRY
        store64(entry + S_LAST_HIGH, load64(prefix + P_LAST_HIGH))
        store64(entry + S_LAST_LOW, load64(prefix + P_LAST_LOW))
        store64(entry + S_VALUE, value)
    while depth > 0:
        ranges = lpm_end(block, version, ranges, depth)
        depth -= 1
    lpm_index(block, version, ranges)
    store64(block + (L_COUNT4 if version == 4 else L_COUNT6), ranges)
    return ranges


def lpm_before(entry: int, high: int, low: int) -> int:
    """1 where a prefix on the stack ends before an address."""
    last = load64(entry + S_LAST_HIGH)
    return 1 if last < high or (last == high and load64(entry + S_LAST_LOW) < low) else 0


def lpm_end(block: int, version: int, ranges: int, depth: int) -> int:
    """The prefix on top of the stack ends: the one below it goes on. Returns the number of ranges."""
    entry = block + L_STACK + (depth - 1) * STACK_ENTRY
    high = load64(entry + S_LAST_HIGH)
    low = load64(entry + S_LAST_LOW)
    if low == TOP4 and version == 4:
        return ranges
    if low == TOP6:
        if high == TOP6:
            return ranges
        high += 1
    value = load64(entry - STACK_ENTRY + S_VALUE) if depth > 1 else NONE
    return lpm_begin(block, version, ranges, high, wrap64(low + 1), value)


def lpm_begin(block: int, version: int, ranges: int, high: int, low: int, value: int) -> int:
    """From an address on, the answer is ``value``. Returns the number of ranges."""
    if version == 4:
        at = block + load64(block + L_RANGES4) + ranges * RANGE4
        address = low ^ TURN
        if ranges > 0 and load32(at - RANGE4) == address:
            store32(at - RANGE4 + 4, value)
            return ranges
        store32(at, address)
        store32(at + 4, value)
        return ranges + 1
    at = block + load64(block + L_RANGES6) + ranges * RANGE6
    if ranges > 0 and load64(at - RANGE6) == high and load64(at - RANGE6 + 8) == low:
        store64(at - RANGE6 + 16, value)
        return ranges
    store64(at, high)
    store64(at + 8, low)
    store64(at + 16, value)
    return ranges + 1


def lpm_index(block: int, version: int, ranges: int) -> int:
    """Make the index."""
    index = block + (L_INDEX4 if version == 4 else L_INDEX6)
    at = block + load64(block + (L_RANGES4 if version == 4 else L_RANGES6))
    number = 0
    for chunk in range(CHUNKS):
        if version == 4:
            while number + 1 < ranges and load32(at + (number + 1) * RANGE4) <= chunk << 16:
                number += 1
        else:
            first = wrap64(wrap64(chunk << 48) ^ TURN)
            while number + 1 < ranges and lpm_starts(at + (number + 1) * RANGE6, first) != 0:
                number += 1
        store32(index + 4 * chunk, number)
    store32(index + 4 * CHUNKS, ranges - 1)
    return 0


def lpm_starts(at: int, high: int) -> int:
    """1 where an IPv6 range begins at or before the first address with the upper word ``high``."""
    word = load64(at)
    return 1 if word < high or (word == high and load64(at + 8) == TURN) else 0
