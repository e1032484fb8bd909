"""HeavyHitters' native part: counters in a heap, the least on top, and a table that finds the counter of a key.

Counters are numbered from 1 and never move; the heap is an array of their numbers.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, load32, load64, store32, store64
from wirebrick.state.table_layout import table_init, table_size
from wirebrick.state.table_native import table_find, table_remove, table_touch

# The header: 64-bit words, by byte offset.
H_CAPACITY = 0
H_USED = 8  # counters in use
H_TOTAL = 16  # all that was added, at most LARGEST
H_COUNTERS = 24  # offset of counter number 0, which isn't there
H_HEAP = 32  # offset of the heap's place 0, which isn't there: u32 numbers of counters
H_TABLE = 40  # offset of the table: by key, the number of its counter
H_END = 64

# A counter.
N_COUNT = 0
N_ERROR = 8
N_PLACE = 16  # its place in the heap
N_KEY = 24

NUMBER = 8  # bytes of the table's values
LARGEST = (1 << 63) - 1


def hitters_table(capacity: int, key: int) -> int:
    """Offset of the table: it begins with a pair of cache lines."""
    return (H_END + capacity * (N_KEY + key) + 4 * (capacity + 1) + 127) // 128 * 128


def hitters_size(capacity: int, key: int) -> int:
    """Bytes of a block."""
    return hitters_table(capacity, key) + table_size(capacity, key, NUMBER)


def hitters_init(block: int, capacity: int, key: int, seed: int) -> int:
    """Make a block of zeros one without keys."""
    store64(block + H_CAPACITY, capacity)
    store64(block + H_COUNTERS, H_END - (N_KEY + key))
    store64(block + H_HEAP, H_END + capacity * (N_KEY + key))
    store64(block + H_TABLE, hitters_table(capacity, key))
    return table_init(block + hitters_table(capacity, key), capacity, key, NUMBER, 0, 0, seed)


def hitters_counter(block: int, size: int, number: int) -> int:
    """Address of a counter."""
    return block + load64(block + H_COUNTERS) + number * (N_KEY + size)


def hitters_at(block: int, size: int, place: int) -> int:
    """Address of the counter at a place of the heap."""
    return hitters_counter(block, size, load32(block + load64(block + H_HEAP) + 4 * place))


def hitters_put(block: int, size: int, number: int, place: int) -> int:
    """Put a counter at a place of the heap."""
    store32(block + load64(block + H_HEAP) + 4 * place, number)
    store64(hitters_counter(block, size, number) + N_PLACE, place)
    return 0


def hitters_sink(block: int, size: int, number: int) -> int:
    """A counter has grown: let it sink to where the heap is in order."""
    counter = hitters_counter(block, size, number)
    count = load64(counter + N_COUNT)
    place = load64(counter + N_PLACE)
    used = load64(block + H_USED)
    below = 2 * place
    while below <= used:
        other = hitters_at(block, size, below)
        if below < used:
            beside = hitters_at(block, size, below + 1)
            if load64(beside + N_COUNT) < load64(other + N_COUNT):
                below += 1
                other = beside
        if count <= load64(other + N_COUNT):
            break
        hitters_put(block, size, load32(block + load64(block + H_HEAP) + 4 * below), place)
        place = below
        below = 2 * place
    return hitters_put(block, size, number, place)


def hitters_rise(block: int, size: int, number: int) -> int:
    """A new counter is in the last place: let it rise to where the heap is in order."""
    counter = hitters_counter(block, size, number)
    count = load64(counter + N_COUNT)
    place = load64(counter + N_PLACE)
    while place > 1 and load64(hitters_at(block, size, place >> 1) + N_COUNT) > count:
        above = place >> 1
        hitters_put(block, size, load32(block + load64(block + H_HEAP) + 4 * above), place)
        place = above
    return hitters_put(block, size, number, place)


def hitters_sum(a: int, b: int) -> int:
    """A sum of numbers that aren't negative, at most LARGEST."""
    return a + b if a <= LARGEST - b else LARGEST


def hitters_add(block: int, size: int, stride: int, key: int, n: int) -> int:
    """Add ``n`` (not negative) for a key; its count, which may be too high.

    ``size`` is that of a key and ``stride`` that of a slot of the table, in bytes.
    """
    table = block + load64(block + H_TABLE)
    store64(block + H_TOTAL, hitters_sum(load64(block + H_TOTAL), n))
    value = table_find(table, key, size, stride)
    if value != 0:
        number = load64(value)
        counter = hitters_counter(block, size, number)
        count = hitters_sum(load64(counter + N_COUNT), n)
        store64(counter + N_COUNT, count)
        hitters_sink(block, size, number)
        return count
    used = load64(block + H_USED)
    if used < load64(block + H_CAPACITY):
        number = used + 1
        store64(block + H_USED, number)
        counter = hitters_counter(block, size, number)
        store64(counter + N_COUNT, n)
        store64(counter + N_PLACE, number)
        copy(counter + N_KEY, key, size)
        hitters_rise(block, size, number)
    else:  # the least counter gets the key, and what it had counts as an error
        counter = hitters_at(block, size, 1)
        number = load32(block + load64(block + H_HEAP) + 4)
        table_remove(table, counter + N_KEY, size, stride)
        store64(counter + N_ERROR, load64(counter + N_COUNT))
        store64(counter + N_COUNT, hitters_sum(load64(counter + N_COUNT), n))
        copy(counter + N_KEY, key, size)
        hitters_sink(block, size, number)
    store64(table_touch(table, counter + N_KEY, 0, size, stride), number)
    return load64(counter + N_COUNT)


def hitters_least(block: int, size: int) -> int:
    """What a key that has no counter may have at most."""
    if load64(block + H_USED) < load64(block + H_CAPACITY):
        return 0
    return load64(hitters_at(block, size, 1) + N_COUNT)


def hitters_estimate(block: int, size: int, stride: int, key: int) -> int:
    """The count of a key: it may be too high, but never is too low."""
    value = table_find(block + load64(block + H_TABLE), key, size, stride)
    if value == 0:
        return hitters_least(block, size)
    return load64(hitters_counter(block, size, load64(value)) + N_COUNT)
