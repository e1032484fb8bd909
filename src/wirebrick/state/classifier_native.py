"""Packet classification, the native part: the first of many rows that covers a key, found in cut trees.

A row is a box: for each 16-bit lane of the key a lowest and a highest value, the lowest ones first. Whether a key is
in it is one comparison of a vector for each 16 bytes. Rows lie back to back in leaves, in their order, and behind
them their numbers (u32, with RARE where the rarely used part of the key counts too).

A tree leads to a leaf by bits of the key: an entry, one word, says which (a window of up to 15 bits, in any word of
the key) and where the table of the entries below lies. So a step is one load. Rows that don't fix the
bits of a node lie in a list of its own, that is looked through on the way, or in another tree. (After HyperCuts:
Singh et al., SIGCOMM 2003; several trees: EffiCuts, Vamanan et al., SIGCOMM 2010; bits from anywhere: BitCuts, Liu et
al., INFOCOM 2019.)

    entry of a leaf   63 offset/8 32 | 31 rows 2 | 0 0
    entry of a node   63 offset/8 32 | 14 bits 11 | 10 word 8 | 7 shift 2 | own list 1 | 1
"""

from __future__ import annotations

from wirebrick.packet.memory import inlined, lanes_within, load32, load64

# The header: 64-bit words, by byte offset.
C_TREES = 0  # trees, in the order of their least rows
C_ASKS = 8  # not zero: some row looks at the rarely used part of the key
C_VALUES = 16  # offset of the rows' values: u32 by number
C_RARE = 24  # offset of the boxes of the rarely used part, by number
C_ROWS = 32  # rows
C_ROOTS = 64  # for each tree, ROOT bytes apart:
R_ENTRY = 0
R_LEAST = 8  # the first of its rows
ROOT = 16
MOST_TREES = 12
C_DATA = C_ROOTS + MOST_TREES * ROOT  # values, boxes and trees begin here

CHUNK = 16  # bytes compared in one step
NODE = 1
OWN = 2
RARE = 1 << 31  # beside a row's number
NONE = 1 << 32  # more than any number


def classifier_asks(block: int) -> int:
    """1 where some row looks at the rarely used part of keys: it must be filled in then."""
    return load64(block + C_ASKS)


@inlined
def classifier_find(block: int, chunks: int, rare: int, key: int) -> int:
    """The value of the first row that covers a key, or -1.

    ``chunks`` of the key, CHUNK bytes each, are compared always, and ``rare`` ones behind them with rows that ask.
    """
    best = NONE
    root = block + C_ROOTS
    for _ in range(load64(block + C_TREES)):
        if load64(root + R_LEAST) >= best:
            break
        entry = load64(root + R_ENTRY)
        while entry & NODE != 0:
            table = block + (entry >> 32) * 8
            if entry & OWN != 0:
                best = classifier_scan(block, chunks, rare, key, load64(table), best)
                table += 8
            child = load64(key + (entry >> 5 & 0x38)) >> (entry >> 2 & 63) & (1 << (entry >> 11 & 15)) - 1
            entry = load64(table + 8 * child)
        best = classifier_scan(block, chunks, rare, key, entry, best)
        root += ROOT
    return load32(block + load64(block + C_VALUES) + 4 * best) if best != NONE else -1


@inlined
def classifier_scan(block: int, chunks: int, rare: int, key: int, entry: int, best: int) -> int:
    """The least of ``best`` and the number of the first row of a leaf that covers a key."""
    at = block + (entry >> 32) * 8
    count = entry >> 2 & 0x3FFFFFFF
    numbers = at + count * chunks * (2 * CHUNK)
    for index in range(count):
        if classifier_covers(at, chunks, key) != 0:
            number = load32(numbers + 4 * index)
            if number & RARE == 0:
                return min(best, number)
            number -= RARE
            box = block + load64(block + C_RARE) + number * rare * (2 * CHUNK)
            if classifier_covers(box, rare, key + chunks * CHUNK) != 0:
                return min(best, number)
        at += chunks * (2 * CHUNK)
    return best


@inlined
def classifier_covers(box: int, chunks: int, key: int) -> int:
    """1 where a key is in a box of so many chunks."""
    inside = 1
    for chunk in range(chunks):
        low = box + chunk * CHUNK
        part = key + chunk * CHUNK
        inside &= lanes_within(low, low + chunks * CHUNK, load64(part), load64(part + 8))
    return inside
