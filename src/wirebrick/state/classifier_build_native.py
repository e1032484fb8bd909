"""How the trees of a classifier are made of its rows (see ``classifier_native``).

A node's rows are given to the children by a window of key bits: that one in which they differ most (the gain: by how
many bits the number of rows that are left shrinks, summed over the rows). A row that does not fix all bits of the
window goes into a list of the node's own where it is one of few, into every child that it may concern where
that takes little memory, and else waits for the next tree. Where no window divides the rows, they become a leaf.
Nothing is ever made for which there is no room: what is pending has its room reserved, as leaves.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, fill, load8, load32, load64, store8, store32, store64
from wirebrick.state.classifier_native import CHUNK, NODE, OWN, RARE

# The job: 64-bit words, by byte offset.
J_BLOCK = 0  # address of the block that is made
J_OUT = 8  # offset of what is free in it
J_END = 16  # and where that ends
J_CHUNKS = 24
J_WORDS = 32  # words of a key that windows may lie in
J_ROWS = 40  # address of the rows' boxes
J_FIXED = 48  # address of the rows' fixed bits: for each word of the key, their values, then a mask of them
J_RARE = 56  # address of a byte for each row: whether its rarely used part counts
J_LATER = 64  # address of a byte for each row: whether it waits for the next tree
J_LOGS = 72  # address of logarithms: u32, 256 * log2(n), of 0 to the number of rows
J_COUNTS = 80  # address of COUNTS words: rows of each child
J_IDS = 88  # address of numbers of rows, u32: first those of the tree, later those of what is pending
J_IDS_END = 96  # how many there is room for
J_STACK = 104  # address of what is pending: PENDING bytes each
J_STACK_END = 112  # how many there is room for
J_DEFER = 120  # not zero: rows may wait for another tree
J_WORD = 128  # the best window
J_SHIFT = 136
J_BITS = 144
J_KIND = 152  # what is done with rows that don't fix its bits
J_RESERVED = 160  # bytes of the block that what is pending takes as leaves
J_DEPTH = 168  # how much is pending
J_NOWHERE = 176  # where an entry goes that only stands in for others
J_ROOT = 184  # the entry of the whole tree
JOB = 192

P_PLACE = 0  # address of the entry
P_FIRST = 8  # where its rows begin among the numbers
P_COUNT = 16
P_TABLE = 24  # a table in which the entry also belongs wherever UNKNOWN stands, or 0
P_SIZE = 32
PENDING = 40

MOST_BITS = 12
COUNTS = 2 * ((1 << MOST_BITS) + 2)  # rows of each child, of all and of none; and as many places of lists
STARTS = 4 * COUNTS  # offset of those
UNKNOWN = -1
LEAF = 6  # rows that aren't divided any more
OWN_LIST = 4  # rows in a list of a node's own at most
WAIT = 24  # rows from which on some may be left to another tree
COPY, DEFER = 1, 2  # what is done with rows that don't fix a window's bits
BIT = 256  # logarithms and gains are in parts of a bit


def build_tree(job: int, count: int, place: int) -> int:
    """Make the tree of ``count`` rows, whose numbers stand at J_IDS; its entry is stored at ``place``."""
    store64(job + J_RESERVED, leaf_size(job, count))
    pend(job, 0, place, 0, count, 0, 0)
    store64(job + J_DEPTH, 1)
    while load64(job + J_DEPTH) > 0:
        depth = load64(job + J_DEPTH) - 1
        store64(job + J_DEPTH, depth)
        pending = load64(job + J_STACK) + depth * PENDING
        place = load64(pending + P_PLACE)
        first = load64(pending + P_FIRST)
        count = load64(pending + P_COUNT)
        table = load64(pending + P_TABLE)
        size = load64(pending + P_SIZE)
        entry = UNKNOWN
        if count > LEAF and choose(job, first, count) != 0:
            entry = divide(job, first, count)
        if entry == UNKNOWN:
            store64(job + J_RESERVED, load64(job + J_RESERVED) - leaf_size(job, count))
            entry = make_leaf(job, first, count)
        store64(place, entry)
        for at in range(table, table + 8 * size, 8):
            if load64(at) == UNKNOWN:
                store64(at, entry)
    return 0


def pend(job: int, depth: int, place: int, first: int, count: int, table: int, size: int) -> int:
    """Put a part of the tree on the stack."""
    pending = load64(job + J_STACK) + depth * PENDING
    store64(pending + P_PLACE, place)
    store64(pending + P_FIRST, first)
    store64(pending + P_COUNT, count)
    store64(pending + P_TABLE, table)
    store64(pending + P_SIZE, size)
    return depth + 1


def leaf_size(job: int, count: int) -> int:
    """Bytes that a leaf takes at most."""
    return count * (2 * CHUNK * load64(job + J_CHUNKS) + 4) + 64


def make_leaf(job: int, first: int, count: int) -> int:
    """The entry of a new leaf."""
    if count == 0:
        return 0
    size = 2 * CHUNK * load64(job + J_CHUNKS)
    offset = load64(job + J_OUT) + 63 & -64
    at = load64(job + J_BLOCK) + offset
    numbers = at + count * size
    for index in range(count):
        row = load32(load64(job + J_IDS) + 4 * (first + index))
        copy(at + index * size, load64(job + J_ROWS) + row * size, size)
        flag = RARE if load8(load64(job + J_RARE) + row) != 0 else 0
        store32(numbers + 4 * index, row | flag)
    store64(job + J_OUT, offset + count * (size + 4))
    return offset >> 3 << 32 | count << 2


def fixed_bits(job: int, row: int, word: int, shift: int, full: int) -> int:
    """Which of a window's bits a row doesn't fix, above the values of the others."""
    at = load64(job + J_FIXED) + 8 * (2 * row * load64(job + J_WORDS) + word)
    value = load64(at) >> shift & full
    mask = load64(at + 8 * load64(job + J_WORDS)) >> shift & full
    return (mask ^ full) << MOST_BITS | value


def choose(job: int, first: int, count: int) -> int:
    """Find the window for a node's rows: 0 where none divides them well."""
    most = 1
    while most < MOST_BITS and 1 << most < 2 * count:
        most += 1
    best = 0
    store64(job + J_KIND, 0)
    for step in range(3):
        bits = most - 2 * step
        if bits > 0:
            for word in range(load64(job + J_WORDS)):
                for shift in range(65 - bits):
                    best = weigh(job, first, count, word, shift, bits, best)
    return 1 if best >= count * BIT // 2 else 0


def weigh(job: int, first: int, count: int, word: int, shift: int, bits: int, best: int) -> int:
    """Keep a window if it is better than the best one; the better one's gain."""
    full = (1 << bits) - 1
    ids = load64(job + J_IDS) + 4 * first
    counts = load64(job + J_COUNTS)
    logs = load64(job + J_LOGS)
    loose = 0
    copies = 0
    for index in range(count):
        found = fixed_bits(job, load32(ids + 4 * index), word, shift, full)
        free = found >> MOST_BITS
        if free == 0:
            store64(counts + 8 * found, 0)
        else:
            loose += 1
            copies += children(free)
    if loose == count:
        return best
    for index in range(count):
        found = fixed_bits(job, load32(ids + 4 * index), word, shift, full)
        if found >> MOST_BITS == 0:
            store64(counts + 8 * found, load64(counts + 8 * found) + 1)
    kind = COPY
    more = 0  # rows that come into each child as copies
    if loose > OWN_LIST:
        more = copies >> bits
        if copies > count:
            if load64(job + J_DEFER) == 0 or count < WAIT:
                return best
            kind = DEFER
            more = 0
    gain = 0
    whole = load32(logs + 4 * count)
    for index in range(count):
        found = fixed_bits(job, load32(ids + 4 * index), word, shift, full)
        if found >> MOST_BITS == 0:
            gain += whole - load32(logs + 4 * min(count, load64(counts + 8 * found) + more))
    gain -= 16 << bits
    if kind == DEFER:
        gain -= gain >> 2
    if gain <= best:
        return best
    store64(job + J_WORD, word)
    store64(job + J_SHIFT, shift)
    store64(job + J_BITS, bits)
    store64(job + J_KIND, kind)
    return gain


def children(free: int) -> int:
    """How many children a row concerns that leaves these bits free."""
    number = 1
    while free != 0:
        free &= free - 1
        number += number
    return number


def divide(job: int, first: int, count: int) -> int:
    """Make a node of the window that was chosen, and let its children pend: its entry, or UNKNOWN without room."""
    word = load64(job + J_WORD)
    shift = load64(job + J_SHIFT)
    bits = load64(job + J_BITS)
    size = 1 << bits
    full = size - 1
    ids = load64(job + J_IDS)
    counts = load64(job + J_COUNTS)
    starts = counts + STARTS
    fill(counts, 0, 8 * (size + 2))
    loose = 0
    for index in range(first, first + count):
        found = fixed_bits(job, load32(ids + 4 * index), word, shift, full)
        if found >> MOST_BITS == 0:
            store64(counts + 8 * found, load64(counts + 8 * found) + 1)
        else:
            loose += 1
    own = loose if loose <= OWN_LIST else 0
    copied = load64(job + J_KIND) == COPY and own == 0
    waiting = loose if load64(job + J_KIND) == DEFER else 0
    every = 0  # rows that concern all children
    if copied:
        for index in range(first, first + count):
            found = fixed_bits(job, load32(ids + 4 * index), word, shift, full)
            free = found >> MOST_BITS
            if free == full:
                every += 1
            elif free != 0:
                spread(counts, found & full, free, 1)
    # Lists of children behind the node's own one; that of those which have nothing but `every`, and the node's own.
    start = first + count
    room = load64(job + J_RESERVED) - leaf_size(job, count) + 8 * size + 72 + leaf_size(job, own)
    room += leaf_size(job, waiting)
    parts = 0
    rest = 0
    for child in range(size):
        number = load64(counts + 8 * child)
        if number == 0:
            rest += 1
        else:
            store64(starts + 8 * child, start)
            store64(counts + 8 * child, number + every)
            start += number + every
            room += leaf_size(job, number + every)
            parts += 1
            if number + every == count:
                return UNKNOWN
    if rest != 0 and every != 0:
        store64(counts + 8 * size, every)
        store64(starts + 8 * size, start)
        start += every
        room += leaf_size(job, every)
        parts += 1
    store64(starts + 8 * size + 8, start)
    end = load64(job + J_OUT) + room > load64(job + J_END) or start + own > load64(job + J_IDS_END)
    depth = load64(job + J_DEPTH)
    if end or depth + parts > load64(job + J_STACK_END):
        return UNKNOWN
    share(job, first, count, own, copied)
    table = load64(job + J_OUT) + 63 & -64
    entry = table >> 3 << 32 | bits << 11 | word << 8 | shift << 2 | NODE
    at = load64(job + J_BLOCK) + table
    store64(job + J_OUT, table + 8 * size)
    if own != 0:
        store64(job + J_OUT, table + 8 * size + 8)
        store64(at, make_leaf(job, start, own))
        entry |= OWN
        at += 8
    total = start - first - count
    copy(ids + 4 * first, ids + 4 * (first + count), 4 * total)
    reserved = load64(job + J_RESERVED) - leaf_size(job, count) + leaf_size(job, waiting)
    for child in range(size):
        number = load64(counts + 8 * child)
        store64(at + 8 * child, UNKNOWN if number == 0 and every != 0 else 0)
        if number != 0:
            depth = pend(job, depth, at + 8 * child, begin(job, child, count, number), number, 0, 0)
            reserved += leaf_size(job, number)
    if rest != 0 and every != 0:
        depth = pend(job, depth, job + J_NOWHERE, begin(job, size, count, every), every, at, size)
        reserved += leaf_size(job, every)
    store64(job + J_RESERVED, reserved)
    store64(job + J_DEPTH, depth)
    return entry


def begin(job: int, child: int, count: int, number: int) -> int:
    """Where a child's list, which was filled up to its end and moved by ``count``, begins."""
    return load64(load64(job + J_COUNTS) + STARTS + 8 * child) - count - number


def spread(counts: int, value: int, free: int, step: int) -> int:
    """Add ``step`` to the words of all children that a row concerns."""
    part = free
    while True:
        at = counts + 8 * (value & ~free | part)
        store64(at, load64(at) + step)
        if part == 0:
            break
        part = part - 1 & free
    return 0


def put(job: int, child: int, row: int) -> int:
    """Put a row at the end of a child's list."""
    start = load64(job + J_COUNTS) + STARTS + 8 * child
    store32(load64(job + J_IDS) + 4 * load64(start), row)
    store64(start, load64(start) + 1)
    return 0


def share(job: int, first: int, count: int, own: int, copied: int) -> int:
    """Put a node's rows into the lists of the children that they concern, in their order."""
    word = load64(job + J_WORD)
    shift = load64(job + J_SHIFT)
    size = 1 << load64(job + J_BITS)
    full = size - 1
    counts = load64(job + J_COUNTS)
    for index in range(first, first + count):
        row = load32(load64(job + J_IDS) + 4 * index)
        found = fixed_bits(job, row, word, shift, full)
        free = found >> MOST_BITS
        value = found & full
        if free == 0:
            put(job, value, row)
        elif own != 0:
            put(job, size + 1, row)
        elif not copied:
            store8(load64(job + J_LATER) + row, 1)
        elif free == full:
            for child in range(size):
                if load64(counts + 8 * child) != 0:
                    put(job, child, row)
            if load64(counts + 8 * size) != 0:
                put(job, size, row)
        else:
            part = free
            while True:
                put(job, value & ~free | part, row)
                if part == 0:
                    break
                part = part - 1 & free
    return 0
