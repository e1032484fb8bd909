"""Static mappings' native part: a hash table of words by words, that is built once and then read.

A block has a header and the slots, 16 bytes each: key and value; a key of 0 is none. It has room for twice as many.
Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import fill, load64, shift_right, store64, wrap64
from wirebrick.state.table_layout import MIX

M_DOWN = 0  # bits that a product is shifted down by
M_COUNT = 8
M_SLOTS = 64
SLOT = 16

BY_EXTERNAL, BY_INSIDE, OWNED = 1, 2, 3  # what a key is about
ANY = 3  # for a protocol: all, with all ports


def static_size(entries: int) -> int:
    """Bytes of a block with room for so many entries."""
    return M_SLOTS + (SLOT << static_bits(entries))


def static_bits(entries: int) -> int:
    """The slots are 2 to this."""
    bits = 1
    while 1 << bits < 2 * entries:
        bits += 1
    return bits


def static_init(block: int, entries: int) -> int:
    """Make a block empty."""
    fill(block, 0, static_size(entries))
    store64(block + M_DOWN, 64 - static_bits(entries))
    return 0


def static_key(about: int, protocol: int, address: int, port: int) -> int:
    """The key of an endpoint."""
    return about << 52 | protocol << 48 | address << 16 | port


def static_find(block: int, key: int) -> int:
    """Address of the slot that has the key, or that of the free one where it belongs."""
    down = load64(block + M_DOWN)
    number = shift_right(wrap64(key * MIX), down)
    last = (1 << (64 - down)) - 1
    at = block + M_SLOTS + number * SLOT
    while load64(at) != key and load64(at) != 0:
        number = (number + 1) & last
        at = block + M_SLOTS + number * SLOT
    return at


def static_put(block: int, key: int, value: int) -> int:
    """Give a key a value, unless it has one."""
    at = static_find(block, key)
    if load64(at) == key:
        return 0
    store64(at, key)
    store64(at + 8, value)
    store64(block + M_COUNT, load64(block + M_COUNT) + 1)
    return 0


def static_value(block: int, about: int, protocol: int, address: int, port: int) -> int:
    """The other endpoint of one, or 0: there is none."""
    if load64(block + M_COUNT) == 0:
        return 0
    found = load64(static_find(block, static_key(about, protocol, address, port)) + 8)
    if found == 0:
        found = load64(static_find(block, static_key(about, ANY, address, 0)) + 8)
        if found != 0:
            found = found | port
    return found


def static_inside(block: int, protocol: int, address: int, port: int) -> int:
    """The inside endpoint of an external one, or 0."""
    return static_value(block, BY_EXTERNAL, protocol, address, port)


def static_external(block: int, protocol: int, address: int, port: int) -> int:
    """The external endpoint of an inside one, or 0."""
    return static_value(block, BY_INSIDE, protocol, address, port)


def static_owns(block: int, address: int) -> int:
    """1 where an address is the external one of some static mapping."""
    if load64(block + M_COUNT) == 0:
        return 0
    return load64(static_find(block, static_key(OWNED, 0, address, 0)) + 8)
