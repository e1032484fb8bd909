"""How a table lies in memory: the block of a worker, by offsets, and how it is made.

A block is a header, notes for those who look ahead, the slots and a scratch value. A *slot* holds a key and its value::

    u32  next: number of the next slot of the chain, which is a ring, or 0 for none; bit 31 says "taken"
    u32  last use, in steps of 2**T_SHIFT nanoseconds
         key, value

Numbers count from 1. The first slots, a power of two of them, are *homes*: the hash of a key names its home. The
home has one key of those that hash to it; the others lie in *overflow* slots, of which there are as many as the
table has capacity, in a ring that starts and ends at the home. So most look-ups read one slot, which is one cache
line where it has 64 bytes (a FlowKey and 16 bytes of value). Keys never move: a value's address is good until its
key is removed or gives way to another. A home whose key was removed keeps its chain. A new block is all zeros but
for its header, and its pages are touched only as it fills.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import shift_right, store64, wrap64

# The header: 64-bit words, by byte offset. What every look-up needs lies in the first cache line.
T_DOWN = 0  # bits that a product is shifted down by to give the number of a home
T_SLOTS = 8  # offset in the block of slot number 0, which is never taken
T_SHIFT = 16  # a step of time has 2**T_SHIFT nanoseconds
T_COUNT = 24  # keys there are
T_CAPACITY = 32
T_FREE = 40  # number of the first overflow slot that is free again, or 0; ``next`` leads to the others
T_FRESH = 48  # overflow slots that were ever used
T_IDLE = 56  # steps after which an unused key may be reclaimed, or 0: never
T_HOMES = 64
T_HAND = 72  # number of the slot looked at last when room was needed, or 0
T_CURSOR = 80  # number of the slot that table_expire looked at last, or 0
T_REFUSES = 88  # 1: a full table refuses new keys; 0: it evicts
T_SCRATCH = 96  # offset of the scratch value
T_KEY = 104  # bytes of a key
T_VALUE = 112  # bytes of a value
T_STRIDE = 120  # bytes of a slot
T_EVICTED = 128
T_REFUSED = 136
T_EXPIRED = 144
T_NOTES = 152  # offset of memory for those who look ahead: NOTES words, each the offset of a slot or 0
T_GONE = 160  # address of the log of keys that gave way, with their values, or 0
T_RANDOM = 192  # the hash's random numbers: one for each word of a key, and one more

S_NEXT = 0
S_LAST = 4
S_KEY = 8  # the value lies behind the key

LINE = 64  # bytes of a cache line
SAMPLE = 32  # keys looked at to find one that can go
TAKEN = 1 << 31
LINK = TAKEN - 1  # the bits of ``next`` that are a number
MOST = 1 << 29  # the largest capacity: numbers have 31 bits
NOTES = 1024  # words: the number of a packet in its burst, modulo NOTES, has a note

STEPS = 1 << 26  # an idle time has fewer steps; 32 bits hold 64 idle times or more
USUAL_SHIFT = 10  # steps of a microsecond where keys don't become idle
LOW = (1 << 32) - 1  # the bits of a time
BACKWARDS = 15 << 28  # ages from here on are those of a clock that went back

# Odd, without a pattern: the fraction of the golden ratio, times 2**64.
MIX = 0x9E3779B97F4A7C15 - (1 << 64)


def table_homes(capacity: int) -> int:
    """How many homes: a power of two, for each of which there are 3/8 to 3/4 keys when the table is full."""
    homes = 2
    while homes * 3 < capacity * 4:
        homes *= 2
    return homes


def table_stride(key: int, value: int) -> int:
    """Bytes of a slot: 16, 32 or whole cache lines, so that none lies across more lines than it must.

    >>> table_stride(8, 0), table_stride(8, 8), table_stride(40, 16), table_stride(40, 24)
    (16, 32, 64, 128)
    """
    size = S_KEY + key + value
    stride = 16
    while stride < size and stride < LINE:
        stride *= 2
    while stride < size:
        stride += LINE
    return stride


def table_notes(key: int) -> int:
    """Offset of the notes, behind the random numbers."""
    return (T_RANDOM + key + 8 + LINE - 1) // LINE * LINE


def table_size(capacity: int, key: int, value: int) -> int:
    """Bytes of a block."""
    slots = 1 + table_homes(capacity) + capacity
    return table_notes(key) + NOTES * 8 + slots * table_stride(key, value) + value


def table_init(block: int, capacity: int, key: int, value: int, idle: int, refuses: int, seed: int) -> int:
    """Make a table in a block of zeros, which begins with a cache line.

    ``key`` and ``value`` are sizes in bytes, multiples of 8; ``idle`` is in nanoseconds, 0 for never.
    """
    homes = table_homes(capacity)
    stride = table_stride(key, value)
    slots = table_notes(key) + NOTES * 8
    shift = 0
    if idle == 0:
        shift = USUAL_SHIFT
    while idle >> shift >= STEPS:
        shift += 1
    down = 64
    while homes > 1 << (64 - down):
        down -= 1
    store64(block + T_DOWN, down)
    store64(block + T_HOMES, homes)
    store64(block + T_SLOTS, slots)
    store64(block + T_SHIFT, shift)
    store64(block + T_CAPACITY, capacity)
    store64(block + T_IDLE, (idle + (1 << shift) - 1) >> shift)
    store64(block + T_REFUSES, refuses)
    store64(block + T_SCRATCH, slots + (1 + homes + capacity) * stride)
    store64(block + T_KEY, key)
    store64(block + T_VALUE, value)
    store64(block + T_STRIDE, stride)
    store64(block + T_NOTES, table_notes(key))
    for offset in range(0, key + 8, 8):
        # SplitMix64 (Steele, Lea and Flood, 2014).
        seed = wrap64(seed - 0x61C8864680B583EB)
        mixed = wrap64((seed ^ shift_right(seed, 30)) * -0x40A7B892E31B1A47)
        mixed = wrap64((mixed ^ shift_right(mixed, 27)) * -0x6B2FB644ECCEEE15)
        store64(block + T_RANDOM + offset, mixed ^ shift_right(mixed, 31))
    return 0
