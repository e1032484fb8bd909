"""The key of a packet's connection, the same in both directions; and the slot that has it.

Which end is the lower one is found without a branch: of random flows it would be guessed wrong every other time. A key
is given as its two words and whether the packet comes from the upper end. Functions run as they are in CPython, and
compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import fold_multiply, load32, load64, load64be, store64, wrap64
from wirebrick.state.connections_layout import (
    C_ADDRESSES,
    C_ENDS,
    C_FROM_UPPER,
    C_KEY,
    C_QUOTED,
    C_RANDOM,
    C_TABLE,
    IPV6_ENDS,
    K_DST,
    K_SRC,
    STRIDE,
)
from wirebrick.state.flow_prefetch_native import NOTES_MASK, NOTES_SHIFT
from wirebrick.state.table_layout import LINK, S_KEY, S_NEXT, T_HOMES, T_SLOTS, TAKEN
from wirebrick.state.table_native import table_pair, table_place, table_slot

SPREAD = 0x9E3779B97F4A7C15 - (1 << 64)  # odd, without a pattern: the golden ratio's fraction
MOST_END = (1 << 62) - 1


def key_v4(src: int, dst: int, last: int) -> tuple[int, int, int]:
    """Of IPv4 addresses, and the last word of a FlowKey: ports, protocol, version."""
    return key_ends(src << 16 | (last & 0xFFFF), dst << 16 | (last >> 16 & 0xFFFF), last >> 32 << 32)


def key_ends(src: int, dst: int, kind: int) -> tuple[int, int, int]:
    """Of ends over IPv4, each an address and a port; ``kind``: the upper half of the last word of a FlowKey."""
    upper = (dst - src) >> 63  # all bits where the source is the upper end
    change = (src ^ dst) & upper
    low, high = src ^ change, dst ^ change
    return wrap64(low >> 16 | high >> 16 << 32), (low & 0xFFFF) | (high & 0xFFFF) << 16 | kind, upper & 1


def key_v6(
    block: int, src_high: int, src_low: int, dst_high: int, dst_low: int, last: int
) -> tuple[int, int, int]:
    """Of IPv6 addresses, each as two words."""
    src = end_hash(block, src_high, src_low)
    dst = end_hash(block, dst_high, dst_low)
    order = dst - src
    if order == 0:
        order = (last >> 16 & 0xFFFF) - (last & 0xFFFF)
    upper = order >> 63
    change = (src ^ dst) & upper
    return wrap64((src ^ change) * SPREAD + (dst ^ change)), ordered(last, upper), upper & 1


def ordered(last: int, upper: int) -> int:
    """The last word of a FlowKey with its ports in the order of the ends; ``upper``: all bits, or none."""
    change = ((last >> 16) ^ last) & 0xFFFF & upper
    return last ^ (change | change << 16)


def end_hash(block: int, high: int, low: int) -> int:
    """An IPv6 address as 62 bits that nobody can choose: a keyed hash (see table_native)."""
    random = block + C_RANDOM
    return fold_multiply(high ^ load64(random), low ^ load64(random + 8)) & MOST_END


def key_home(block: int, first: int, second: int) -> int:
    """Address of a key's home: as ``table_home``, without a loop."""
    table = block + C_TABLE
    return table_slot(table, table_place(table, table_pair(table, 0, first, second)), STRIDE)


def has_key(slot: int, first: int, second: int) -> bool:
    """Whether a slot has a key, or had it last."""
    return load64(slot + S_KEY) == first and load64(slot + S_KEY + 8) == second


def key_slot(block: int, first: int, second: int) -> int:
    """Address of the slot that has a key, or 0."""
    table = block + C_TABLE
    slot = key_home(block, first, second)
    link = load32(slot + S_NEXT)
    if link >= TAKEN and has_key(slot, first, second):
        return slot
    homes = load64(table + T_HOMES)
    number = link & LINK
    while number > homes:
        slot = table_slot(table, number, STRIDE)
        if has_key(slot, first, second):
            return slot
        number = load32(slot + S_NEXT) & LINK
    return 0


def noted_slot(block: int, notes: int, descriptor: int, first: int, second: int) -> int:
    """The same for a packet: the slot that was found ahead (``notes``, or 0), if it has the key."""
    if notes != 0:
        slot = block + load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
        if load32(slot + S_NEXT) >= TAKEN and has_key(slot, first, second):
            return slot
    return key_slot(block, first, second)


def slot_ends(block: int, slot: int) -> int:
    """Where the IPv6 addresses of the connection in a slot are."""
    number = (slot - block - C_TABLE - load64(block + C_TABLE + T_SLOTS)) // STRIDE
    return block + load64(block + C_ADDRESSES) + number * IPV6_ENDS


def same_ends(ends: int, key: int, from_upper: int) -> bool:
    """Whether the IPv6 addresses of a FlowKey are these ends."""
    lower = key + (K_DST if from_upper != 0 else K_SRC)
    upper = key + (K_SRC if from_upper != 0 else K_DST)
    return (
        load64(ends) == load64(lower)
        and load64(ends + 8) == load64(lower + 8)
        and load64(ends + 16) == load64(upper)
        and load64(ends + 24) == load64(upper + 8)
    )


def key_keep(block: int, key: int, first: int, second: int, from_upper: int) -> int:
    """Keep the key of the packet at hand, with the addresses of its FlowKey."""
    store64(block + C_KEY, first)
    store64(block + C_KEY + 8, second)
    store64(block + C_FROM_UPPER, from_upper)
    lower = key + (K_DST if from_upper != 0 else K_SRC)
    upper = key + (K_SRC if from_upper != 0 else K_DST)
    store64(block + C_ENDS, load64(lower))
    store64(block + C_ENDS + 8, load64(lower + 8))
    store64(block + C_ENDS + 16, load64(upper))
    store64(block + C_ENDS + 24, load64(upper + 8))
    return 0


def quote_v6(block: int, ip: int) -> int:
    """The addresses of the IPv6 header at ``ip`` as in a FlowKey: its address."""
    quoted = block + C_QUOTED
    for offset in range(0, 32, 8):
        store64(quoted + offset, load64be(ip + 8 + offset))
    return quoted
