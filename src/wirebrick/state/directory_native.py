"""A directory's native part: a hash table that all workers read without a lock, and change under one.

An entry is a cache line: a value, 0 where the entry is free; the time it was seen last; three words of key; three more
words for who uses it. A key lies in one of the WINDOW entries behind its home. Who enters one stores its value last,
and an entry is never moved, so a reader sees a key with its value or doesn't see it. The lock lies in the pair of cache
lines before the block.

>>> import ctypes
>>> memory = (ctypes.c_uint8 * (directory_size(4) + 256))()
>>> block = -(-ctypes.addressof(memory) // 64) * 64 + 128
>>> directory_init(block, 4, 0, 1)
0
>>> entry = directory_enter(block, 7, 8, 9, 100)
>>> store64_release(entry, 42)
>>> directory_find(block, 7, 8, 9) == entry, load64(entry), directory_find(block, 7, 8, 8)
(True, 42, 0)
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, load64_acquire, shift_right, store64, store64_release, wrap64
from wirebrick.state.lock_native import lock_release, lock_try

D_MASK = 0  # entries, less one
D_COUNT = 8  # of them in use
D_CAPACITY = 16  # the most of them
D_IDLE = 24  # nanoseconds after which an entry that wasn't seen is as good as free; 0: never
D_HAND = 32  # where the search for idle entries goes on
D_REFUSED = 40  # new keys for which there was no room
D_EXPIRED = 48  # idle entries that were freed
D_MOVED = 56  # entries that got another value
D_RANDOM = 64  # three random words
D_ENTRIES = 128  # (the window may go on behind the last one)

E_VALUE = 0
E_TIME = 8  # FOREVER: it does not age
E_KEY = 16
E_MORE = 40
ENTRY = 64

WINDOW = 16
SPARSE = 4  # entries for each key: a window that is full is rare
SWEEP = 4  # entries looked at for idle ones whenever a key is entered
FOREVER = 1 << 62
REFRESH = 500_000_000  # nanoseconds: a time is not stored again before
LOCK = 128  # bytes before the block

MIX = -0x61C8864680B583EB
MIX2 = -0x6B2FB644ECCEEE15

SAME, NEW, MOVED, REFUSED, FIXED = 0, 1, 2, 3, 4  # what came of learning


def directory_size(capacity: int) -> int:
    """Bytes of a block for ``capacity`` keys."""
    slots = 16
    while slots < SPARSE * capacity:
        slots *= 2
    return D_ENTRIES + (slots + WINDOW) * ENTRY


def directory_init(block: int, capacity: int, idle: int, seed: int) -> int:
    """Lay out a block of zeros."""
    slots = 16
    while slots < SPARSE * capacity:
        slots *= 2
    store64(block + D_MASK, slots - 1)
    store64(block + D_CAPACITY, capacity)
    store64(block + D_IDLE, idle)
    for number in range(3):
        # SplitMix64 (Steele, Lea and Flood, 2014).
        seed = wrap64(seed + MIX)
        mixed = wrap64((seed ^ shift_right(seed, 30)) * MIX2)
        store64(block + D_RANDOM + 8 * number, mixed ^ shift_right(mixed, 31))
    return 0


def directory_home(block: int, a: int, b: int, c: int) -> int:
    """Address of the first entry in which a key may lie."""
    mixed = wrap64((a ^ load64(block + D_RANDOM)) * MIX)
    mixed = wrap64(((mixed ^ shift_right(mixed, 32)) + (b ^ load64(block + D_RANDOM + 8))) * MIX2)
    mixed = wrap64(((mixed ^ shift_right(mixed, 29)) + (c ^ load64(block + D_RANDOM + 16))) * MIX)
    return block + D_ENTRIES + ((mixed ^ shift_right(mixed, 32)) & load64(block + D_MASK)) * ENTRY


def directory_has(entry: int, a: int, b: int, c: int) -> int:
    """1 where an entry has a key."""
    if load64(entry + E_KEY) == a and load64(entry + E_KEY + 8) == b and load64(entry + E_KEY + 16) == c:
        return 1
    return 0


def directory_find(block: int, a: int, b: int, c: int) -> int:
    """Address of the entry of a key, or 0."""
    entry = directory_home(block, a, b, c)
    for _ in range(WINDOW):
        if directory_has(entry, a, b, c) != 0 and load64_acquire(entry + E_VALUE) != 0:
            return entry
        entry += ENTRY
    return 0


def directory_enter(block: int, a: int, b: int, c: int, now: int) -> int:
    """Address of an entry for a key, found or made (its value is 0 then); 0: there is no room. The lock is held."""
    directory_sweep(block, now)
    idle = load64(block + D_IDLE)
    entry = directory_home(block, a, b, c)
    free = 0
    for _ in range(WINDOW):
        value = load64(entry + E_VALUE)
        if value != 0 and directory_has(entry, a, b, c) != 0:
            return entry
        if value != 0 and idle != 0 and now - load64(entry + E_TIME) > idle:
            directory_remove(block, entry)
            store64(block + D_EXPIRED, load64(block + D_EXPIRED) + 1)
            value = 0
        if value == 0 and free == 0:
            free = entry
        entry += ENTRY
    if free == 0 or load64(block + D_COUNT) >= load64(block + D_CAPACITY):
        store64(block + D_REFUSED, load64(block + D_REFUSED) + 1)
        return 0
    store64(free + E_KEY, a)
    store64(free + E_KEY + 8, b)
    store64(free + E_KEY + 16, c)
    store64(free + E_TIME, now)
    for word in range(E_MORE, ENTRY, 8):
        store64(free + word, 0)
    store64(block + D_COUNT, load64(block + D_COUNT) + 1)
    return free


def directory_remove(block: int, entry: int) -> int:
    """Free an entry. The lock is held."""
    store64_release(entry + E_VALUE, 0)
    store64(block + D_COUNT, load64(block + D_COUNT) - 1)
    return 0


def directory_sweep(block: int, now: int) -> int:
    """Free idle ones of the next few entries. The lock is held."""
    idle = load64(block + D_IDLE)
    if idle == 0:
        return 0
    hand = load64(block + D_HAND)
    for _ in range(SWEEP):
        entry = block + D_ENTRIES + hand * ENTRY
        if load64(entry + E_VALUE) != 0 and now - load64(entry + E_TIME) > idle:
            directory_remove(block, entry)
            store64(block + D_EXPIRED, load64(block + D_EXPIRED) + 1)
        hand += 1
        if hand >= load64(block + D_MASK) + WINDOW:
            hand = 0
    store64(block + D_HAND, hand)
    return 0


def directory_word(key: int, size: int, at: int) -> int:
    """A word of a key record of ``size`` bytes, 0 behind its end."""
    if at < size:
        return load64(key + at)
    return 0


def directory_get(block: int, now: int, size: int, key: int) -> int:
    """The number that was learned for a key, or -1."""
    entry = directory_find(
        block, directory_word(key, size, 0), directory_word(key, size, 8), directory_word(key, size, 16)
    )
    if entry == 0:
        return -1
    idle = load64(block + D_IDLE)
    if idle != 0 and now - load64(entry + E_TIME) > idle:
        return -1
    return load64_acquire(entry + E_VALUE) - 1


def directory_learn(block: int, now: int, size: int, key: int, number: int) -> int:
    """Remember a number for a key: SAME, NEW, MOVED, REFUSED (no room), or FIXED: it has another one that stays."""
    a = directory_word(key, size, 0)
    b = directory_word(key, size, 8)
    c = directory_word(key, size, 16)
    entry = directory_find(block, a, b, c)
    if entry != 0:
        time = load64(entry + E_TIME)
        idle = load64(block + D_IDLE)
        if load64_acquire(entry + E_VALUE) == number + 1 and (idle == 0 or now - time <= idle):
            if now - time > REFRESH:
                store64(entry + E_TIME, now)
            return SAME
        if time == FOREVER:
            return FIXED
    if lock_try(block - LOCK) == 0:
        return SAME  # another worker learns right now: the next packet will do
    entry = directory_enter(block, a, b, c, now)
    if entry == 0:
        lock_release(block - LOCK)
        return REFUSED
    known = load64(entry + E_VALUE)
    store64(entry + E_TIME, now)
    store64_release(entry + E_VALUE, number + 1)
    if known != 0:
        store64(block + D_MOVED, load64(block + D_MOVED) + 1)
    lock_release(block - LOCK)
    return NEW if known == 0 else MOVED


def directory_put(block: int, a: int, b: int, c: int, number: int) -> int:
    """Enter a number that stays, for a key (the lock is held): 1, or 0 where there is no room."""
    entry = directory_enter(block, a, b, c, 0)
    if entry == 0:
        return 0
    store64(entry + E_TIME, FOREVER)
    store64_release(entry + E_VALUE, number + 1)
    return 1
