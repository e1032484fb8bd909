"""Going through a table slot by slot: to remove what is idle, and to see what there is.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, store64
from wirebrick.state.table_layout import (
    S_KEY,
    S_NEXT,
    T_CURSOR,
    T_EXPIRED,
    T_FRESH,
    T_HOMES,
    T_IDLE,
    T_KEY,
    T_STRIDE,
    TAKEN,
)
from wirebrick.state.table_native import table_age, table_release, table_slot, table_tell


def table_expire(block: int, now: int, most: int) -> int:
    """Remove idle keys: how many. Looks at ``most`` slots, from where it stopped before; at each once at most."""
    stride = load64(block + T_STRIDE)
    idle = load64(block + T_IDLE)
    slots = load64(block + T_HOMES) + load64(block + T_FRESH)
    cursor = load64(block + T_CURSOR)
    gone = 0
    if idle == 0:
        return 0
    for _ in range(min(most, slots)):
        cursor += 1
        if cursor > slots:
            cursor = 1
        slot = table_slot(block, cursor, stride)
        if load32(slot + S_NEXT) >= TAKEN and table_age(block, slot, now) >= idle:
            table_tell(block, slot)
            table_release(block, slot, stride)
            gone += 1
    store64(block + T_CURSOR, cursor)
    store64(block + T_EXPIRED, load64(block + T_EXPIRED) + gone)
    return gone


def table_next(block: int, cursor: int) -> int:
    """Number of the first slot with a key behind number ``cursor`` (0: the first of all), or 0: there is none."""
    stride = load64(block + T_STRIDE)
    slots = load64(block + T_HOMES) + load64(block + T_FRESH)
    for number in range(cursor + 1, slots + 1):
        if load32(table_slot(block, number, stride) + S_NEXT) >= TAKEN:
            return number
    return 0


def table_slot_key(block: int, number: int) -> int:
    """Address of the key in a slot."""
    return table_slot(block, number, load64(block + T_STRIDE)) + S_KEY


def table_slot_value(block: int, number: int) -> int:
    """Address of the value in a slot."""
    return table_slot_key(block, number) + load64(block + T_KEY)
