"""The hash table's native part: functions over a block of memory (``table_layout``), run in CPython and compiled.

The hash multiplies pairs of words, each with a random number xored in, and folds the products (the way of wyhash, by
Wang Yi, 2019). Nobody is known to find keys that collide more often than chance has them do without knowing the seed.

Integers alone, and the memory primitives. A key is the address of a record: words of 8 bytes, padding zero. ``size``
is that of the key and ``stride`` that of a slot, in bytes: callers know them as constants, so that compiled code needs
no loop for a key; they are those of the header.

>>> import ctypes
>>> from wirebrick.state.table_layout import table_init, table_size, table_stride
>>> memory = (ctypes.c_uint8 * (table_size(3, 8, 8) + 64))()
>>> block = -(-ctypes.addressof(memory) // 64) * 64
>>> key = ctypes.addressof(ctypes.c_uint64(7))
>>> stride = table_stride(8, 8)
>>> table_init(block, 3, 8, 8, 0, 0, 1), table_find(block, key, 8, stride)
(0, 0)
>>> store64(table_touch(block, key, 0, 8, stride), 42)
>>> load64(table_find(block, key, 8, stride)), load64(block + T_COUNT)
(42, 1)
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    copy,
    fill,
    fold_multiply,
    load32,
    load64,
    shift_right,
    store32,
    store64,
    wrap64,
)
from wirebrick.packet.words import same_words
from wirebrick.state.log_native import log_note
from wirebrick.state.table_layout import (
    BACKWARDS,
    LINK,
    LOW,
    MIX,
    S_KEY,
    S_LAST,
    S_NEXT,
    SAMPLE,
    T_CAPACITY,
    T_COUNT,
    T_DOWN,
    T_EVICTED,
    T_EXPIRED,
    T_FREE,
    T_FRESH,
    T_GONE,
    T_HAND,
    T_HOMES,
    T_IDLE,
    T_RANDOM,
    T_REFUSED,
    T_REFUSES,
    T_SCRATCH,
    T_SHIFT,
    T_SLOTS,
    T_VALUE,
    TAKEN,
)


def table_pair(block: int, offset: int, one: int, other: int) -> int:
    """What two words of a key add to the hash's sum; ``offset`` is that of the first one."""
    random = block + T_RANDOM + offset
    return fold_multiply(one ^ load64(random), other ^ load64(random + 8))


def table_place(block: int, total: int) -> int:
    """The number of a home, of the pairs' sum. Of keys in a row it has a pattern; mixed, they lie as if by chance."""
    return shift_right(wrap64(total * MIX), load64(block + T_DOWN)) + 1


def table_hash(block: int, key: int, size: int) -> int:
    """The number of the key's home. A last word without another one goes with zero."""
    total = 0
    for offset in range(0, size & ~15, 16):
        total = wrap64(total + table_pair(block, offset, load64(key + offset), load64(key + offset + 8)))
    if size & 8 != 0:
        total = wrap64(total + table_pair(block, size & ~15, load64(key + size - 8), 0))
    return table_place(block, total)


def table_slot(block: int, number: int, stride: int) -> int:
    """Address of a slot."""
    return block + load64(block + T_SLOTS) + number * stride


def table_home(block: int, key: int, size: int, stride: int) -> int:
    """Address of the home of a key."""
    return table_slot(block, table_hash(block, key, size), stride)


def table_seek(block: int, key: int, size: int, stride: int) -> int:
    """Address of the slot that has the key; or, negative, that of its home."""
    home = table_home(block, key, size, stride)
    if load32(home + S_NEXT) >= TAKEN and same_words(home + S_KEY, key, size) != 0:
        return home
    return table_follow(block, home, key, size, stride)


def table_follow(block: int, home: int, key: int, size: int, stride: int) -> int:
    """The same of a key that its home doesn't have."""
    number = load32(home + S_NEXT) & LINK
    homes = load64(block + T_HOMES)
    while number > homes:
        slot = table_slot(block, number, stride)
        if same_words(slot + S_KEY, key, size) != 0:
            return slot
        number = load32(slot + S_NEXT) & LINK
    return -home


def table_age(block: int, slot: int, now: int) -> int:
    """Steps since a slot was used."""
    age = ((now >> load64(block + T_SHIFT)) - load32(slot + S_LAST)) & LOW
    return age if age < BACKWARDS else 0


def table_release(block: int, slot: int, stride: int) -> int:
    """Take the key out of a slot; what it has written of it stays until the slot is used again."""
    store64(block + T_COUNT, load64(block + T_COUNT) - 1)
    link = load32(slot + S_NEXT) & LINK
    homes = load64(block + T_HOMES)
    if slot <= table_slot(block, homes, stride):
        store32(slot + S_NEXT, link)
        return 0
    before = table_slot(block, link, stride)
    number = load32(before + S_NEXT) & LINK
    at = table_slot(block, number, stride)
    while at != slot:
        before = at
        number = load32(before + S_NEXT) & LINK
        at = table_slot(block, number, stride)
    if link <= homes and table_slot(block, link, stride) == before:
        link = 0
    store32(before + S_NEXT, (load32(before + S_NEXT) & TAKEN) | link)
    store32(slot + S_NEXT, load64(block + T_FREE))
    store64(block + T_FREE, number)
    return 0


def table_tell(block: int, slot: int) -> int:
    """Note the key and the value of a slot that will be without them, where that is asked for; returns 0."""
    log = load64(block + T_GONE)
    if log != 0:
        log_note(log, slot + S_KEY)
    return 0


def table_reclaim(block: int, now: int, stride: int) -> int:
    """Take a key out of a full table, counted as expired or evicted: 1, or 0 where it refuses.

    The hand moves over at most SAMPLE keys, to the first one that is idle. If none is, the least recently used of
    them goes, unless the table refuses. Slots without a key are passed over: at least a third of them have one when
    the table is full, so on average there are few.
    """
    keys = min(SAMPLE, load64(block + T_CAPACITY))
    slots = load64(block + T_HOMES) + load64(block + T_FRESH)
    idle = load64(block + T_IDLE)
    hand = load64(block + T_HAND)
    chosen = oldest = expired = looked = 0
    while looked < keys and expired == 0:
        hand += 1
        if hand > slots:
            hand = 1
        slot = table_slot(block, hand, stride)
        if load32(slot + S_NEXT) >= TAKEN:
            looked += 1
            age = table_age(block, slot, now)
            if idle != 0 and age >= idle:
                expired = 1
            if expired != 0 or chosen == 0 or age > oldest:
                chosen = slot
                oldest = age
    store64(block + T_HAND, hand)
    if expired != 0:
        store64(block + T_EXPIRED, load64(block + T_EXPIRED) + 1)
    elif load64(block + T_REFUSES) != 0:
        return 0
    else:
        store64(block + T_EVICTED, load64(block + T_EVICTED) + 1)
    table_tell(block, chosen)
    table_release(block, chosen, stride)
    return 1


def table_insert(block: int, home: int, key: int, now: int, size: int, stride: int) -> int:
    """Give a key that isn't in the table a slot, its value zero. Returns its address, or 0 (refused)."""
    if load64(block + T_COUNT) >= load64(block + T_CAPACITY) and table_reclaim(block, now, stride) == 0:
        return 0
    slot = home
    link = load32(home + S_NEXT)
    if link < TAKEN:
        store32(home + S_NEXT, link | TAKEN)
    else:
        number = load64(block + T_FREE)
        if number != 0:
            store64(block + T_FREE, load32(table_slot(block, number, stride) + S_NEXT))
        else:
            fresh = load64(block + T_FRESH) + 1
            store64(block + T_FRESH, fresh)
            number = load64(block + T_HOMES) + fresh
        slot = table_slot(block, number, stride)
        if link == TAKEN:
            link = TAKEN | (home - table_slot(block, 0, stride)) // stride
        store32(slot + S_NEXT, link)
        store32(home + S_NEXT, TAKEN | number)
    # The key goes first: it may lie in the value of the very key that gave way.
    copy(slot + S_KEY, key, size)
    fill(slot + S_KEY + size, 0, load64(block + T_VALUE))
    store64(block + T_COUNT, load64(block + T_COUNT) + 1)
    return slot


def table_use(block: int, key: int, now: int, size: int, stride: int) -> int:
    """Address of the key's value, used at time ``now`` (ns); or, negative, that of its home."""
    slot = table_home(block, key, size, stride)
    if load32(slot + S_NEXT) < TAKEN or same_words(slot + S_KEY, key, size) == 0:
        slot = table_follow(block, slot, key, size, stride)
        if slot < 0:
            return slot
    store32(slot + S_LAST, now >> load64(block + T_SHIFT))
    return slot + S_KEY + size


def table_enter(block: int, home: int, key: int, now: int, size: int, stride: int) -> int:
    """Address of a value of zeros for a key that isn't in the table, used at time ``now`` (ns).

    ``home``: of the key, negative. Where a full table refuses it, the scratch value is made zero and given.
    """
    slot = table_insert(block, -home, key, now, size, stride)
    if slot == 0:
        store64(block + T_REFUSED, load64(block + T_REFUSED) + 1)
        scratch = block + load64(block + T_SCRATCH)
        fill(scratch, 0, load64(block + T_VALUE))
        return scratch
    store32(slot + S_LAST, now >> load64(block + T_SHIFT))
    return slot + S_KEY + size


def table_touch(block: int, key: int, now: int, size: int, stride: int) -> int:
    """Address of the key's value, entered on first sight."""
    value = table_use(block, key, now, size, stride)
    return value if value > 0 else table_enter(block, value, key, now, size, stride)


def table_find(block: int, key: int, size: int, stride: int) -> int:
    """Address of the key's value, or 0. Changes nothing."""
    slot = table_seek(block, key, size, stride)
    return slot + S_KEY + size if slot > 0 else 0


def table_remove(block: int, key: int, size: int, stride: int) -> int:
    """Remove a key: 1, or 0 where it isn't there."""
    slot = table_seek(block, key, size, stride)
    if slot < 0:
        return 0
    table_release(block, slot, stride)
    return 1
