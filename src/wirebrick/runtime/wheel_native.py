"""Entries (a time, and a number that breaks ties) that come in any order and leave in that of their times.

A timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987) in front of a heap: what is due
soon is in the heap, so the order is exact; what is later waits in the bucket of its time, a list; what lies beyond the
last bucket waits in a second heap. When the heap is empty the next bucket is poured into it. So an entry costs the same
however many wait behind it, as long as they don't share a bucket.

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import apart, load32, load64, shift_right, store32, store64, trailing_zeros

E_TIME = 0
E_ORDER = 8  # the number; its lower SLOT_BITS bits say whose entry it is, and find its link
ENTRY = 16  # bytes

SLOT_BITS = 20
SLOT_MASK = (1 << SLOT_BITS) - 1

# The wheel: 64-bit words, by byte offset.
T_HEAP = 0  # address of the heap: entries before FLOOR; it is empty only where all is
T_HEAPED = 8  # entries in it
T_FAR = 16  # address of the heap of entries behind the last bucket
T_FARS = 24
T_FLOOR = 32  # where the first bucket begins: a multiple of WIDTH
T_HEADS = 40  # address of the buckets: u32, the slot of the first entry and 1 more; 0: none
T_BITS = 48  # address of a bit for each bucket that has entries
T_TURNING = 56  # entries in buckets
T_LINKS = 64  # address of the link of slot 0
T_STEP = 72  # bytes from one link to the next
WHEEL = 128  # bytes

WIDTH_BITS = 13  # a bucket is 8 microseconds wide
BUCKETS = 4096  # so the wheel reaches 33 milliseconds ahead
BITS = BUCKETS // 8  # bytes
LINK = 24  # bytes: time, number, and the next one's slot and 1 more


def entry_before(a: int, b: int) -> int:
    """Whether the entry at ``a`` comes before the one at ``b``."""
    first = load64(a + E_TIME)
    second = load64(b + E_TIME)
    if first != second:
        return 1 if first < second else 0
    return 1 if load64(a + E_ORDER) < load64(b + E_ORDER) else 0


def heap_push(heap: int, at: int, time: int, order: int) -> int:
    """Put an entry into the heap of ``at`` entries at address ``heap``; returns 0."""
    while at > 0:
        parent = heap + ((at - 1) >> 1) * ENTRY
        above = load64(parent + E_TIME)
        if above < time or (above == time and load64(parent + E_ORDER) < order):
            break
        store64(heap + at * ENTRY + E_TIME, above)
        store64(heap + at * ENTRY + E_ORDER, load64(parent + E_ORDER))
        at = (at - 1) >> 1
    store64(heap + at * ENTRY + E_TIME, time)
    store64(heap + at * ENTRY + E_ORDER, order)
    return 0


def heap_pop(heap: int, size: int) -> int:
    """Take the first entry out of a heap, which has ``size`` entries behind it then; returns 0."""
    last = heap + size * ENTRY
    time = load64(last + E_TIME)
    order = load64(last + E_ORDER)
    at = 0
    child = 1
    while child < size:
        if child + 1 < size and entry_before(heap + (child + 1) * ENTRY, heap + child * ENTRY) != 0:
            child += 1
        below = heap + child * ENTRY
        first = load64(below + E_TIME)
        if time < first or (time == first and order < load64(below + E_ORDER)):
            break
        store64(heap + at * ENTRY + E_TIME, first)
        store64(heap + at * ENTRY + E_ORDER, load64(below + E_ORDER))
        at = child
        child = 2 * at + 1
    store64(heap + at * ENTRY + E_TIME, time)
    store64(heap + at * ENTRY + E_ORDER, order)
    return 0


def soon(wheel: int, time: int, order: int) -> int:
    """Put an entry into the heap of what is due soon; returns 0."""
    size = load64(wheel + T_HEAPED)
    heap_push(load64(wheel + T_HEAP), size, time, order)
    store64(wheel + T_HEAPED, size + 1)
    return 0


@apart
def wheel_put(wheel: int, time: int, order: int) -> int:
    """Put an entry in; returns 0."""
    if load64(wheel + T_HEAPED) == 0:  # all is empty
        store64(wheel + T_FLOOR, ((time >> WIDTH_BITS) + 1) << WIDTH_BITS)
        return soon(wheel, time, order)
    floor = load64(wheel + T_FLOOR)
    if time < floor:
        return soon(wheel, time, order)
    if (time - floor) >> WIDTH_BITS >= BUCKETS:
        size = load64(wheel + T_FARS)
        heap_push(load64(wheel + T_FAR), size, time, order)
        store64(wheel + T_FARS, size + 1)
        return 0
    bucket = (time >> WIDTH_BITS) & (BUCKETS - 1)
    head = load64(wheel + T_HEADS) + 4 * bucket
    slot = order & SLOT_MASK
    link = load64(wheel + T_LINKS) + slot * load64(wheel + T_STEP)
    store64(link, time)
    store64(link + 8, order)
    store32(link + 16, load32(head))
    store32(head, slot + 1)
    word = load64(wheel + T_BITS) + (bucket >> 6) * 8
    store64(word, load64(word) | (1 << (bucket & 63)))
    store64(wheel + T_TURNING, load64(wheel + T_TURNING) + 1)
    return 0


@apart
def wheel_take(wheel: int) -> int:
    """Take the first entry out, which is the heap's; returns 0."""
    size = load64(wheel + T_HEAPED) - 1
    store64(wheel + T_HEAPED, size)
    heap_pop(load64(wheel + T_HEAP), size)
    if size == 0 and load64(wheel + T_TURNING) + load64(wheel + T_FARS) != 0:
        turn(wheel)
    return 0


def turn(wheel: int) -> int:
    """The heap is empty and more is there: pour the next entries into it. Returns 0."""
    far = load64(wheel + T_FAR)
    if load64(wheel + T_TURNING) == 0:
        number = load64(far + E_TIME) >> WIDTH_BITS
    else:
        number = next_bucket(wheel)
        if load64(wheel + T_FARS) != 0:
            number = min(number, load64(far + E_TIME) >> WIDTH_BITS)
        pour(wheel, number & (BUCKETS - 1))
    floor = (number + 1) << WIDTH_BITS
    store64(wheel + T_FLOOR, floor)
    left = load64(wheel + T_FARS)
    while left != 0 and load64(far + E_TIME) < floor:
        soon(wheel, load64(far + E_TIME), load64(far + E_ORDER))
        left -= 1
        heap_pop(far, left)
    store64(wheel + T_FARS, left)
    return 0


def next_bucket(wheel: int) -> int:
    """The number, counted from time 0, of the next bucket with entries; there is one."""
    bits = load64(wheel + T_BITS)
    first = load64(wheel + T_FLOOR) >> WIDTH_BITS
    at = first & (BUCKETS - 1)
    word = shift_right(load64(bits + (at >> 6) * 8), at & 63)
    if word != 0:
        return first + trailing_zeros(word)
    ahead = 64 - (at & 63)
    while load64(bits + (((at + ahead) & (BUCKETS - 1)) >> 6) * 8) == 0:
        ahead += 64
    return first + ahead + trailing_zeros(load64(bits + (((at + ahead) & (BUCKETS - 1)) >> 6) * 8))


def pour(wheel: int, bucket: int) -> int:
    """Move the entries of a bucket, if there are any, into the heap. Returns 0."""
    head = load64(wheel + T_HEADS) + 4 * bucket
    slot = load32(head)
    moved = 0
    while slot != 0:
        link = load64(wheel + T_LINKS) + (slot - 1) * load64(wheel + T_STEP)
        soon(wheel, load64(link), load64(link + 8))
        slot = load32(link + 16)
        moved += 1
    store32(head, 0)
    word = load64(wheel + T_BITS) + (bucket >> 6) * 8
    store64(word, load64(word) & ~(1 << (bucket & 63)))
    store64(wheel + T_TURNING, load64(wheel + T_TURNING) - moved)
    return 0
