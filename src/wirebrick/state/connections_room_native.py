"""Room for connections: who gives way to a new one.

Half-open connections have a room of their own, a ring in the order in which they began. An entry is the number of a
slot, and the serial number of the connection that it had then: one that was established or is gone since then has left
the ring without a word. So a flood of SYNs can only push out half-open connections, the oldest first; what is
established goes when it has expired, never before. Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, load8, load32, load64, store32, store64
from wirebrick.state.connections_key_native import key_home, slot_ends
from wirebrick.state.connections_layout import (
    C_ENDS,
    C_KEY,
    C_OLDEST,
    C_OPENED,
    C_PUSHED,
    C_REFUSED,
    C_RING,
    C_ROOM,
    C_SERIAL,
    C_TABLE,
    C_USED,
    C_VALUE,
    HALF,
    IPV6_ENDS,
    KEY,
    SERIALS,
    STRIDE,
    V_MARKS,
    V_SERIAL,
    VALUE,
)
from wirebrick.state.table_layout import S_KEY, S_NEXT, T_CAPACITY, T_COUNT, TAKEN
from wirebrick.state.table_native import table_insert, table_reclaim, table_release, table_slot

LOOKS = 4  # entries looked at to find one that is no longer half-open


def half_open_slot(block: int, entry: int) -> int:
    """The slot of an entry of the ring, if it still has that connection, half-open; else 0."""
    slot = table_slot(block + C_TABLE, entry & 0xFFFFFFFF, STRIDE)
    value = slot + S_KEY + KEY
    if (
        load32(slot + S_NEXT) >= TAKEN
        and load32(value + V_SERIAL) == entry >> 32
        and load8(value + V_MARKS) & HALF != 0
    ):
        return slot
    return 0


def ring_place(block: int, number: int) -> int:
    """Address of a place in the ring."""
    return block + load64(block + C_RING) + 8 * (number % load64(block + C_ROOM))


def ring_take(block: int) -> int:
    """Take the oldest entry out of the ring, which is not empty."""
    oldest = load64(block + C_OLDEST)
    entry = load64(ring_place(block, oldest))
    store64(block + C_OLDEST, (oldest + 1) % load64(block + C_ROOM))
    store64(block + C_USED, load64(block + C_USED) - 1)
    return entry


def ring_add(block: int, entry: int) -> int:
    """Put an entry into the ring, which is not full, as the latest."""
    used = load64(block + C_USED)
    store64(ring_place(block, load64(block + C_OLDEST) + used), entry)
    store64(block + C_USED, used + 1)
    return 0


def push_out(block: int, entry: int) -> int:
    """The half-open connection of an entry gives way: 1; 0 where it isn't half-open."""
    slot = half_open_slot(block, entry)
    if slot == 0:
        return 0
    table_release(block + C_TABLE, slot, STRIDE)
    store64(block + C_PUSHED, load64(block + C_PUSHED) + 1)
    return 1


def ring_room(block: int) -> int:
    """Make room for an entry in the full ring: one of the oldest that is half-open no more goes, else the oldest."""
    oldest = load64(block + C_OLDEST)
    for ahead in range(min(LOOKS, load64(block + C_ROOM))):
        if half_open_slot(block, load64(ring_place(block, oldest + ahead))) == 0:
            for back in range(ahead, 0, -1):
                store64(ring_place(block, oldest + back), load64(ring_place(block, oldest + back - 1)))
            ring_take(block)
            return 0
    push_out(block, ring_take(block))
    return 0


def table_room(block: int, now: int) -> int:
    """Make room for a connection in the table: 1. An expired one goes, else the oldest half-open one, else 0."""
    table = block + C_TABLE
    if load64(table + T_COUNT) < load64(table + T_CAPACITY) or table_reclaim(table, now, STRIDE) != 0:
        return 1
    while load64(block + C_USED) != 0:
        if push_out(block, ring_take(block)) != 0:
            return 1
    return 0


def connection_enter(block: int, now: int) -> int:
    """Enter the connection that the packet at hand begins (C_KEY, C_VALUE): its slot, or 0: there is no room."""
    if load64(block + C_USED) == load64(block + C_ROOM):
        ring_room(block)
    if table_room(block, now) == 0:
        store64(block + C_REFUSED, load64(block + C_REFUSED) + 1)
        return 0
    table = block + C_TABLE
    slot = table_insert(
        table,
        key_home(block, load64(block + C_KEY), load64(block + C_KEY + 8)),
        block + C_KEY,
        now,
        KEY,
        STRIDE,
    )
    number = (slot - table_slot(table, 0, STRIDE)) // STRIDE
    serial = (load64(block + C_SERIAL) + 1) & SERIALS
    store64(block + C_SERIAL, serial)
    value = slot + S_KEY + KEY
    copy(value, block + C_VALUE, VALUE)
    store32(value + V_SERIAL, serial)
    if load8(block + C_KEY + 13) == 6:
        copy(slot_ends(block, slot), block + C_ENDS, IPV6_ENDS)
    ring_add(block, serial << 32 | number)
    store64(block + C_OPENED, load64(block + C_OPENED) + 1)
    return slot
