"""The hash table's native part: functions over a block of memory, run in CPython and compiled.

A block is a header, the buckets, the entries and a scratch value. A bucket is a u32: the number (from 1) of
its first entry, or 0. An entry is u32 number of the next one, u32 tag (31 bits of hash under a bit that says
"taken"; 0: free), i64 time of last use, key, value. Entries never move, so a value's address is good until
its key is removed or gives way to another. Free entries are a list through ``next``; those never used yet lie
behind ``FRESH`` and need no list: a new block is all zeros but for its header, and its pages are touched only
as it fills.

Integers alone, and the memory primitives. A key is the address of a record: words of 8 bytes, padding zero.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, fill, load32, load64, shift_right, store32, store64, wrap64

# The header: 64-bit words, by byte offset. What every look-up needs lies in the first cache line.
T_SEED = 0
T_KEY = 8  # bytes of a key
T_MASK = 16  # number of buckets - 1
T_ENTRIES = 24  # offset in the block of entry number 0, which isn't there: they count from 1
T_ENTRY = 32  # bytes of an entry
T_VALUE = 40  # offset of the value in an entry
T_FREE = 48  # number of the first free entry that was used before, or 0
T_FRESH = 56  # entries that were ever used
T_COUNT = 64  # entries that are taken
T_CAPACITY = 72
T_HAND = 80  # number of the entry looked at last when room was needed, or 0
T_IDLE = 88  # nanoseconds after which an unused entry may be reclaimed, or 0: never
T_REFUSES = 96  # 1: a full table refuses new keys; 0: it evicts
T_SCRATCH = 104  # offset of the scratch value
T_VALUE_SIZE = 112
T_EVICTED = 120
T_REFUSED = 128
T_EXPIRED = 136
T_BUCKETS = 192  # the buckets begin here

E_NEXT = 0
E_TAG = 4
E_LAST = 8
E_KEY = 16

SAMPLE = 32  # entries looked at to find one that can go
TAKEN = 1 << 31
SEED = 0x2545F4914F6CDD1D
MOST = 1 << 30  # the largest capacity: bucket numbers are 31 bits of a tag

# Odd multipliers without a pattern: digits of the golden ratio and of the square roots of 2 and 3.
_MIX_A = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_B = 0x6A09E667F3BCC909
_MIX_C = 0xBB67AE8584CAA73B - (1 << 64)


def table_buckets(capacity: int) -> int:
    """How many buckets: a power of two, 3/8 to 3/4 of them taken when the table is full."""
    buckets = 2
    while buckets * 3 < capacity * 4:
        buckets *= 2
    return buckets


def table_size(capacity: int, key_size: int, value_size: int) -> int:
    """Bytes of a block."""
    entries = capacity * (E_KEY + key_size + value_size)
    return T_BUCKETS + 4 * table_buckets(capacity) + entries + value_size


def table_init(block: int, capacity: int, key: int, value: int, idle: int, refuses: int, seed: int) -> int:
    """Make a table in a block of zeros; ``key`` and ``value`` are sizes in bytes, multiples of 8."""
    buckets = table_buckets(capacity)
    entry_size = E_KEY + key + value
    entries = T_BUCKETS + 4 * buckets
    store64(block + T_SEED, seed)
    store64(block + T_KEY, key)
    store64(block + T_MASK, buckets - 1)
    store64(block + T_ENTRIES, entries - entry_size)
    store64(block + T_ENTRY, entry_size)
    store64(block + T_VALUE, E_KEY + key)
    store64(block + T_CAPACITY, capacity)
    store64(block + T_IDLE, idle)
    store64(block + T_REFUSES, refuses)
    store64(block + T_SCRATCH, entries + capacity * entry_size)
    store64(block + T_VALUE_SIZE, value)
    return 0


def table_tag(block: int, key: int) -> int:
    """31 bits of hash of the key, under the bit TAKEN."""
    a = load64(block + T_SEED)
    b = ~a
    at = key
    end = key + load64(block + T_KEY)
    # Two words at a time in two lanes: the processor multiplies in both at once.
    while at + 16 <= end:
        a = wrap64((a ^ load64(at)) * _MIX_A)
        b = wrap64((b ^ load64(at + 8)) * _MIX_B)
        a = a ^ shift_right(a, 32)
        b = b ^ shift_right(b, 32)
        at += 16
    if at < end:
        a = wrap64((a ^ load64(at)) * _MIX_A)
        a = a ^ shift_right(a, 32)
    # Of a product the upper bits depend on all bits of its factors.
    return shift_right(wrap64((a ^ b) * _MIX_C), 33) | TAKEN


def table_entry(block: int, number: int) -> int:
    """Address of an entry."""
    return block + load64(block + T_ENTRIES) + number * load64(block + T_ENTRY)


def table_bucket(block: int, tag: int) -> int:
    """Address of the bucket of a tag."""
    return block + T_BUCKETS + 4 * (tag & load64(block + T_MASK))


def table_same(a: int, b: int, size: int) -> int:
    """1 where two keys are equal, else 0."""
    at = 0
    while at < size:
        if load64(a + at) != load64(b + at):
            return 0
        at += 8
    return 1


def table_link(block: int, key: int, tag: int) -> int:
    """Address of the u32 (a bucket, or the ``next`` of an entry) that names the key's entry, or 0."""
    size = load64(block + T_KEY)
    link = table_bucket(block, tag)
    number = load32(link)
    while number != 0:
        entry = table_entry(block, number)
        if load32(entry + E_TAG) == tag and table_same(entry + E_KEY, key, size) != 0:
            return link
        link = entry + E_NEXT
        number = load32(link)
    return 0


def table_unlink(block: int, number: int) -> int:
    """Take an entry out of its bucket's list; it is in no list then. Returns its address."""
    entry = table_entry(block, number)
    link = table_bucket(block, load32(entry + E_TAG))
    while load32(link) != number:
        link = table_entry(block, load32(link)) + E_NEXT
    store32(link, load32(entry + E_NEXT))
    store32(entry + E_TAG, 0)
    store64(block + T_COUNT, load64(block + T_COUNT) - 1)
    return entry


def table_reclaim(block: int, now: int) -> int:
    """Make one entry of a full table free, counted as expired or evicted. Returns its number, or 0: refused.

    The hand moves over at most SAMPLE entries, to the first one that is idle. If none is, the least recently
    used of them goes, unless the table refuses.
    """
    capacity = load64(block + T_CAPACITY)
    idle = load64(block + T_IDLE)
    hand = load64(block + T_HAND)
    oldest = oldest_last = expired = looked = 0
    while looked < SAMPLE and looked < capacity and expired == 0:
        hand += 1
        if hand > capacity:
            hand = 1
        last = load64(table_entry(block, hand) + E_LAST)
        if idle != 0 and wrap64(now - last) >= idle:
            expired = 1
        if expired != 0 or oldest == 0 or last < oldest_last:
            oldest = hand
            oldest_last = last
        looked += 1
    store64(block + T_HAND, hand)
    if expired != 0:
        store64(block + T_EXPIRED, load64(block + T_EXPIRED) + 1)
    elif load64(block + T_REFUSES) != 0:
        return 0
    else:
        store64(block + T_EVICTED, load64(block + T_EVICTED) + 1)
    table_unlink(block, oldest)
    return oldest


def table_insert(block: int, key: int, tag: int, now: int) -> int:
    """Give a key that isn't in the table an entry, its value zero. Returns its address, or 0 (refused)."""
    number = load64(block + T_FREE)
    if number != 0:
        store64(block + T_FREE, load32(table_entry(block, number) + E_NEXT))
    elif load64(block + T_FRESH) < load64(block + T_CAPACITY):
        number = load64(block + T_FRESH) + 1
        store64(block + T_FRESH, number)
    else:
        number = table_reclaim(block, now)
        if number == 0:
            return 0
    entry = table_entry(block, number)
    # The key goes first: it may lie in the value of the very entry that gave way.
    copy(entry + E_KEY, key, load64(block + T_KEY))
    fill(entry + load64(block + T_VALUE), 0, load64(block + T_VALUE_SIZE))
    bucket = table_bucket(block, tag)
    store32(entry + E_NEXT, load32(bucket))
    store32(entry + E_TAG, tag)
    store32(bucket, number)
    store64(block + T_COUNT, load64(block + T_COUNT) + 1)
    return entry


def table_find(block: int, key: int) -> int:
    """Address of the key's value, or 0. Changes nothing."""
    link = table_link(block, key, table_tag(block, key))
    if link == 0:
        return 0
    return table_entry(block, load32(link)) + load64(block + T_VALUE)


def table_touch(block: int, key: int, now: int) -> int:
    """Address of the key's value, used at time ``now`` (ns). A new key gets a value of zeros.

    Where a full table refuses it, the address is that of the scratch value, made zero.
    """
    tag = table_tag(block, key)
    link = table_link(block, key, tag)
    if link != 0:
        entry = table_entry(block, load32(link))
    else:
        entry = table_insert(block, key, tag, now)
        if entry == 0:
            store64(block + T_REFUSED, load64(block + T_REFUSED) + 1)
            scratch = block + load64(block + T_SCRATCH)
            fill(scratch, 0, load64(block + T_VALUE_SIZE))
            return scratch
    store64(entry + E_LAST, now)
    return entry + load64(block + T_VALUE)


def table_remove(block: int, key: int) -> int:
    """Remove a key: 1, or 0 where it isn't there."""
    link = table_link(block, key, table_tag(block, key))
    if link == 0:
        return 0
    number = load32(link)
    entry = table_unlink(block, number)
    store32(entry + E_NEXT, load64(block + T_FREE))
    store64(block + T_FREE, number)
    return 1
