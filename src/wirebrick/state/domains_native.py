"""Domains' native part: the names in a DNS message, looked up label by label from the root.

Listed names are a tree of labels; its edges are a hash table (from node, label: to node). A name is followed down the
tree as far as it goes, which ends at once for most. Labels are compared in small letters (RFC 4343), byte by byte.
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load16be, load32, load64, store32, store64

D_BITS = 0  # of the table of edges
D_EDGES = 8  # offsets of it, of the nodes, of the labels
D_NODES = 16
D_TEXTS = 24
D_SEED = 32
D_END = 64

E_FROM = 0  # u32: the node plus one, or 0: no edge
E_TO = 4
E_LABEL = 8  # offset of the label: its length, its bytes
EDGE = 16

N_EXACT = 0  # u32: the number of a listed name, plus one
N_BELOW = 4  # of the one that stands for all names below
NODE = 8

W_QUESTION_END = 0  # where the first question of the last message ended, or 0
W_LABELS = 64  # u32: where the labels of a name are
W_END = W_LABELS + 4 * 128

NOT_LISTED, MALFORMED = -1, -2
HEADER = 12
MOST_QUESTIONS = 8
MOST_ANSWERS = 64
MOST_HOPS = 32  # pointers of one name
LONGEST = 255
POINTER = 0xC0
CNAME, DNAME = 5, 39
PRIME = 0x01000193
MASK32 = 0xFFFFFFFF


def domains_find(block: int, own: int, data: int, size: int) -> int:
    """The number of the first listed name in a message, NOT_LISTED, or MALFORMED."""
    store64(own + W_QUESTION_END, 0)
    if size < HEADER or load16be(data + 4) > MOST_QUESTIONS:
        return MALFORMED
    at = HEADER
    for _ in range(load16be(data + 4)):
        stop = domains_labels(own, data, size, at)
        if stop < 0 or stop + 4 > size:
            return MALFORMED
        if at == HEADER:
            store64(own + W_QUESTION_END, stop + 4)
        number = domains_listed(block, own, data)
        if number >= 0:
            return number
        at = stop + 4
    if load8(data + 2) & 0x80 == 0:
        return NOT_LISTED
    for _ in range(min(load16be(data + 6), MOST_ANSWERS)):
        stop = domains_labels(own, data, size, at)
        if stop < 0 or stop + 10 > size:
            return MALFORMED
        number = domains_listed(block, own, data)
        if number >= 0:
            return number
        kind = load16be(data + stop)
        at = stop + 10 + load16be(data + stop + 8)
        if at > size:
            return MALFORMED
        if kind in (CNAME, DNAME):
            if domains_labels(own, data, size, stop + 10) < 0:
                return MALFORMED
            number = domains_listed(block, own, data)
            if number >= 0:
                return number
    return NOT_LISTED


def domains_labels(own: int, data: int, size: int, at: int) -> int:
    """Note where the labels of the name at an offset are, 0 behind the last; where the name ends, or -1.

    A pointer leads back, before the labels that it ends and before every pointer that was followed: so this ends.
    """
    stop = -1
    lowest = at
    count = 0
    hops = 0
    length = 1
    while True:
        if at >= size:
            return -1
        byte = load8(data + at)
        if byte == 0:
            store32(own + W_LABELS + 4 * count, 0)
            return stop if stop >= 0 else at + 1
        if byte >= POINTER:
            if at + 2 > size:
                return -1
            if stop < 0:
                stop = at + 2
            at = load16be(data + at) & 0x3FFF
            hops += 1
            if at >= lowest or at < HEADER or hops > MOST_HOPS:
                return -1
            lowest = at
            continue
        length += 1 + byte
        if byte > 63 or length > LONGEST or at + 1 + byte > size:
            return -1
        store32(own + W_LABELS + 4 * count, at)
        count += 1
        at += 1 + byte


def domains_listed(block: int, own: int, data: int) -> int:
    """The number of a listed name that covers the name that was noted, or NOT_LISTED."""
    labels = own + W_LABELS
    count = 0
    while load32(labels + 4 * count) != 0:
        count += 1
    nodes = block + load64(block + D_NODES)
    node = 0
    while count > 0:
        count -= 1
        node = domains_edge(block, node, data + load32(labels + 4 * count))
        if node == 0:
            return NOT_LISTED
        found = load32(nodes + node * NODE + (N_EXACT if count == 0 else N_BELOW))
        if found != 0:
            return found - 1
    return NOT_LISTED


def domains_edge(block: int, node: int, label: int) -> int:
    """The node that a label (its length, its bytes) leads to, or 0."""
    bits = load64(block + D_BITS)
    edges = block + load64(block + D_EDGES)
    texts = block + load64(block + D_TEXTS)
    at = domains_hash(load64(block + D_SEED), node, label) >> (32 - bits)
    while True:
        edge = edges + at * EDGE
        start = load32(edge + E_FROM)
        if start == 0:
            return 0
        if start == node + 1 and domains_same(texts + load32(edge + E_LABEL), label) != 0:
            return load32(edge + E_TO)
        at = at + 1 & (1 << bits) - 1


def domains_hash(seed: int, node: int, label: int) -> int:
    """32 bits of a node and a label in small letters, its length with it (FNV-1a, from a random start)."""
    value = (seed ^ node * 0x9E3779B1) & MASK32
    for at in range(load8(label) + 1):
        value = ((value ^ domains_small(load8(label + at))) * PRIME) & MASK32
    return (value ^ value >> 15) * 0x85EBCA6B & MASK32


def domains_small(byte: int) -> int:
    """A byte as a small letter, if it is a letter."""
    return byte | 32 if byte >= 65 and byte <= 90 else byte


def domains_same(text: int, label: int) -> int:
    """1 where a label is a listed one, which has small letters."""
    for at in range(load8(text) + 1):
        if load8(text + at) != domains_small(load8(label + at)):
            return 0
    return 1


def domains_question_end(block: int, own: int) -> int:
    """Where the first question of the last message ended, or 0."""
    return load64(own + W_QUESTION_END)


def domains_build(block: int, given: int, count: int) -> int:
    """Enter edges (u32: node, the node they lead to, offset of the label), no two of which are the same."""
    bits = load64(block + D_BITS)
    edges = block + load64(block + D_EDGES)
    texts = block + load64(block + D_TEXTS)
    for number in range(count):
        row = given + 12 * number
        node = load32(row)
        label = load32(row + 8)
        at = domains_hash(load64(block + D_SEED), node, texts + label) >> (32 - bits)
        while load32(edges + at * EDGE + E_FROM) != 0:
            at = at + 1 & (1 << bits) - 1
        store32(edges + at * EDGE + E_FROM, node + 1)
        store32(edges + at * EDGE + E_TO, load32(row + 4))
        store32(edges + at * EDGE + E_LABEL, label)
    return 0
