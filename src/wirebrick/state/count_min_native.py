"""CountMin's native part: rows of counters, each with a hash of its own (the one of tables)."""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64, wrap64
from wirebrick.state.table_layout import table_init, table_notes
from wirebrick.state.table_native import table_hash

# The header: 64-bit words, by byte offset.
C_MASK = 0  # counters of a row - 1
C_DEPTH = 8  # rows
C_CELLS = 16  # offset of the first row's counters (i64, never negative)
C_HASH = 24  # bytes of a row's random numbers
C_TOTAL = 32  # all that was added, at most LARGEST
C_PLACES = 64  # addresses of a key's counters while they are used: DEEPEST words
DEEPEST = 16
C_HASHES = 192  # the rows' random numbers begin here

LARGEST = (1 << 63) - 1
_APART = 0x632BE59BD9B4E019  # odd; between the rows' seeds


def count_min_size(width: int, depth: int, key: int) -> int:
    """Bytes of a block; ``width`` is a power of two, ``key`` the bytes of a key."""
    return C_HASHES + depth * (table_notes(key) + 8 * width)


def count_min_init(block: int, width: int, depth: int, key: int, seed: int) -> int:
    """Make an empty sketch in a block of zeros."""
    store64(block + C_MASK, width - 1)
    store64(block + C_DEPTH, depth)
    store64(block + C_CELLS, C_HASHES + depth * table_notes(key))
    store64(block + C_HASH, table_notes(key))
    for row in range(depth):
        # The header alone of a table with as many homes as a row has counters: its hash is what is wanted.
        homes = max(1, width * 3 // 4)
        table_init(
            block + C_HASHES + row * table_notes(key), homes, key, 0, 0, 0, wrap64(seed + row * _APART)
        )
    return 0


def count_min_place(block: int, size: int, key: int, row: int) -> int:
    """Address of a key's counter in a row."""
    mask = load64(block + C_MASK)
    number = table_hash(block + C_HASHES + row * load64(block + C_HASH), key, size) - 1 & mask
    return block + load64(block + C_CELLS) + 8 * (row * (mask + 1) + number)


def count_min_estimate(block: int, size: int, key: int) -> int:
    """The least of a key's counters."""
    least = LARGEST
    for row in range(load64(block + C_DEPTH)):
        least = min(least, load64(count_min_place(block, size, key, row)))
    return least


def count_min_sum(a: int, b: int) -> int:
    """A sum of numbers that aren't negative, at most LARGEST."""
    return a + b if a <= LARGEST - b else LARGEST


def count_min_add(block: int, size: int, key: int, n: int) -> int:
    """Add ``n`` (not negative) to a key: only to those of its counters that would be too small. The new estimate."""
    depth = load64(block + C_DEPTH)
    least = LARGEST
    for row in range(depth):
        at = count_min_place(block, size, key, row)
        store64(block + C_PLACES + 8 * row, at)
        least = min(least, load64(at))
    least = count_min_sum(least, n)
    for row in range(depth):
        at = load64(block + C_PLACES + 8 * row)
        if load64(at) < least:
            store64(at, least)
    store64(block + C_TOTAL, count_min_sum(load64(block + C_TOTAL), n))
    return least


def count_min_merge(block: int, other: int) -> int:
    """Add the counters of a sketch with the same hashes: estimates are never too low then either."""
    depth = load64(block + C_DEPTH)
    for number in range(depth * (load64(block + C_MASK) + 1)):
        at = load64(block + C_CELLS) + 8 * number
        store64(block + at, count_min_sum(load64(block + at), load64(other + at)))
    store64(block + C_TOTAL, count_min_sum(load64(block + C_TOTAL), load64(other + C_TOTAL)))
    return 0
