"""The key of a packet's connection, the same in both directions.

Which end is the lower one is found without a branch: of random flows it would be guessed wrong every other time.
Functions run as they are in CPython, and compiled; the key is left in the block (``C_KEY``).
"""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, shift_right, store64, wrap64
from wirebrick.state.connections_layout import (
    C_ENDS,
    C_FROM_UPPER,
    C_KEY,
    C_RANDOM,
    C_TABLE,
    LOW,
    STRIDE,
)
from wirebrick.state.table_layout import LINK, S_KEY, S_NEXT, T_HOMES, TAKEN
from wirebrick.state.table_native import table_place, table_slot, table_term

SPREAD = 0x9E3779B97F4A7C15 - (1 << 64)  # odd, without a pattern: the golden ratio's fraction
MOST_END = (1 << 62) - 1


def key_v4(block: int, src: int, dst: int, ports: int, rest: int) -> int:
    """Of IPv4 addresses; ``ports``: source port, and 16 bits higher the destination's; ``rest``: of the last word."""
    one = src << 16 | (ports & 0xFFFF)
    two = dst << 16 | (ports >> 16)
    upper = (two - one) >> 63  # all bits where the source is the upper end
    change = (one ^ two) & upper
    low = one ^ change
    high = two ^ change
    store64(block + C_KEY, wrap64((low >> 16) | (high >> 16) << 32))
    store64(block + C_KEY + 8, (low & 0xFFFF) | (high & 0xFFFF) << 16 | rest)
    store64(block + C_FROM_UPPER, upper & 1)
    return 0


def key_v6(
    block: int, src_high: int, src_low: int, dst_high: int, dst_low: int, ports: int, rest: int
) -> int:
    """Of IPv6 addresses, each as two words."""
    one = end_hash(block, src_high, src_low)
    two = end_hash(block, dst_high, dst_low)
    order = two - one
    if order == 0:
        order = (ports >> 16) - (ports & 0xFFFF)
    upper = order >> 63
    change = (one ^ two) & upper
    store64(block + C_KEY, wrap64((one ^ change) * SPREAD + (two ^ change)))
    turned = (ports & 0xFFFF) << 16 | ports >> 16
    store64(block + C_KEY + 8, (ports ^ ((ports ^ turned) & upper)) | rest)
    store64(block + C_FROM_UPPER, upper & 1)
    change = (src_high ^ dst_high) & upper
    store64(block + C_ENDS, src_high ^ change)
    store64(block + C_ENDS + 16, dst_high ^ change)
    change = (src_low ^ dst_low) & upper
    store64(block + C_ENDS + 8, src_low ^ change)
    store64(block + C_ENDS + 24, dst_low ^ change)
    return 0


def key_home(block: int) -> int:
    """Address of the home of the connection that C_KEY names: as ``table_home``, without a loop."""
    table = block + C_TABLE
    total = table_term(table, 0, load64(block + C_KEY)) + table_term(table, 8, load64(block + C_KEY + 8))
    return table_slot(table, table_place(table, total), STRIDE)


def key_slot(block: int) -> int:
    """Address of the slot that has the connection that C_KEY names, or 0."""
    table = block + C_TABLE
    slot = key_home(block)
    link = load32(slot + S_NEXT)
    if link >= TAKEN and has_key(slot, block) != 0:
        return slot
    homes = load64(table + T_HOMES)
    number = link & LINK
    while number > homes:
        slot = table_slot(table, number, STRIDE)
        if has_key(slot, block) != 0:
            return slot
        number = load32(slot + S_NEXT) & LINK
    return 0


def has_key(slot: int, block: int) -> int:
    """1 if a slot has the key that C_KEY names."""
    first = load64(slot + S_KEY) == load64(block + C_KEY)
    return 1 if first and load64(slot + S_KEY + 8) == load64(block + C_KEY + 8) else 0


def end_hash(block: int, high: int, low: int) -> int:
    """An IPv6 address as 62 bits that nobody can choose: two hashes of 31 bits (Multilinear-HM, see table_native)."""
    one = half_hash(block + C_RANDOM, high, low)
    two = half_hash(block + C_RANDOM + 40, high, low)
    return (one << 31 | two) & MOST_END


def half_hash(random: int, high: int, low: int) -> int:
    """31 bits of a keyed hash."""
    total = wrap64((load64(random) + (high & LOW)) * (load64(random + 8) + shift_right(high, 32)))
    more = wrap64((load64(random + 16) + (low & LOW)) * (load64(random + 24) + shift_right(low, 32)))
    return shift_right(wrap64(total + more + load64(random + 32)), 33)
