"""Maglev hashing, the native part: services by address and port, their look-up tables, and backends, in one block.

A look-up table has a prime number of places. Each backend has a permutation of them, and in turns each takes its next
place that is free, until none is left (Eisenbud et al., *Maglev: a fast and reliable software network load balancer*,
NSDI 2016, 3.4). A backend of half the weight takes a place in every second turn.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.

>>> import ctypes
>>> places = (ctypes.c_uint32 * 7)()
>>> rows = (ctypes.c_int64 * 15)(3, 4, 1, 0, 100, 0, 2, 1, 0, 101, 3, 1, 1, 0, 102)  # the paper's table 1
>>> maglev_populate(ctypes.addressof(places), 7, ctypes.addressof(rows), 3, 1)
7
>>> list(places)
[101, 100, 101, 100, 102, 102, 100]
"""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, shift_right, store32, store64, wrap64
from wirebrick.seldom import seldom

# The head of a block: words.
M_WILD = 0  # which keys with wildcards there are, of services; above them those of origins
M_MASK = 8  # places of a hash table, minus 1
M_SERVICES = 16  # offsets in the block
M_ORIGINS = 24
M_SERVICE = 32
M_BACKEND = 40
M_TABLE = 48
M_SIZE = 56  # places of a look-up table
M_BACKENDS = 64  # backends and services there is room for
M_ROOM = 72
M_OWN = 128  # the balancer's own record
M_RANDOM = 256  # eleven words
M_END = 384

WILD_PORT, WILD_PROTOCOL, WILD_ORIGIN = 1, 2, 2

# An entry of a hash table: address (high, low), protocol and port, the number. 32 bytes.
E_HIGH, E_LOW, E_KIND, E_NUMBER, ENTRY = 0, 8, 16, 24, 32
HERE = 1 << 32
OWNED = 255 << 16 | 65535  # protocol and port of the entry that says that an address is the balancer's

SERVICE = 32  # bytes of a record
BACKEND = 64
NONE = 0xFFFFFFFF  # in a look-up table without backends
KEY = 40  # bytes of a FlowKey

# A backend for maglev_populate: five words.
R_NEXT, R_SKIP, R_WEIGHT, R_CREDIT, R_NUMBER, ROW = 0, 8, 16, 24, 32, 40

ICMP, ICMPV6 = 1, 58
MIX_A = 0x9E3779B97F4A7C15 - (1 << 64)
MIX_B = 0x3C6EF372FE94F82B


def maglev_place(high: int, low: int, kind: int, mask: int) -> int:
    """Where in a hash table to begin to look."""
    word = wrap64(wrap64((high ^ kind) * MIX_A) + low)
    word = wrap64((word ^ shift_right(word, 29)) * MIX_B)
    return shift_right(word, 32) & mask


def maglev_find(block: int, table: int, high: int, low: int, kind: int) -> int:
    """The number of an address with a kind (protocol and port) in the hash table at offset ``table``, or -1."""
    mask = load64(block + M_MASK)
    place = maglev_place(high, low, kind, mask)
    entry = block + table + place * ENTRY
    found = load64(entry + E_KIND)
    if found == 0:
        return -1
    if found == kind | HERE and load64(entry + E_HIGH) == high and load64(entry + E_LOW) == low:
        return load64(entry + E_NUMBER)
    return maglev_probe(block + table, high, low, kind, mask, place)


@seldom
def maglev_probe(entries: int, high: int, low: int, kind: int, mask: int, place: int) -> int:
    """The same behind the first place, which has another."""
    place = (place + 1) & mask
    entry = entries + place * ENTRY
    while load64(entry + E_KIND) != 0:
        same = load64(entry + E_HIGH) == high and load64(entry + E_LOW) == low
        if same and load64(entry + E_KIND) == kind | HERE:
            return load64(entry + E_NUMBER)
        place = (place + 1) & mask
        entry = entries + place * ENTRY
    return -1


@seldom
def maglev_wild(block: int, table: int, wild: int, high: int, low: int, protocol: int) -> int:
    """The number for all ports, or else for all protocols; or -1."""
    found = -1
    if wild & WILD_PORT != 0:
        found = maglev_find(block, table, high, low, protocol << 16)
    if found < 0 and wild & WILD_PROTOCOL != 0 and protocol != ICMP and protocol != ICMPV6:
        found = maglev_find(block, table, high, low, 0)
    return found


def maglev_among(block: int, table: int, wild: int, high: int, low: int, protocol: int, port: int) -> int:
    """The number for the port, for all ports or for all protocols, in this order; or -1."""
    found = maglev_find(block, table, high, low, protocol << 16 | port)
    if found < 0 and wild != 0:
        return maglev_wild(block, table, wild, high, low, protocol)
    return found


def maglev_service(block: int, high: int, low: int, protocol: int, port: int) -> int:
    """The number of the service at an address, or -1."""
    wild = load64(block + M_WILD) & (WILD_PORT | WILD_PROTOCOL)
    return maglev_among(block, load64(block + M_SERVICES), wild, high, low, protocol, port)


def maglev_origin(block: int, high: int, low: int, protocol: int, port: int) -> int:
    """The number of the first backend that answers from an address, or -1."""
    wild = load64(block + M_WILD) >> WILD_ORIGIN
    return maglev_among(block, load64(block + M_ORIGINS), wild, high, low, protocol, port)


def maglev_owns(block: int, high: int, low: int) -> int:
    """1 where an address is the balancer's: of a service, or its own; else 0."""
    return 1 if maglev_find(block, load64(block + M_SERVICES), high, low, OWNED) >= 0 else 0


def maglev_own(block: int) -> int:
    """Address of the balancer's own record."""
    return block + M_OWN


def maglev_record(block: int, number: int) -> int:
    """Address of a service's record; of zeros where there is none of that number."""
    if number > load64(block + M_ROOM):
        number = load64(block + M_ROOM)
    return block + load64(block + M_SERVICE) + number * SERVICE


def maglev_backend(block: int, number: int) -> int:
    """Address of a backend's record; of zeros where there is none of that number."""
    if number > load64(block + M_BACKENDS):
        number = load64(block + M_BACKENDS)
    return block + load64(block + M_BACKEND) + number * BACKEND


def maglev_hash(block: int, key: int) -> int:
    """A number below 2**32 of a FlowKey, the same wherever the block's random words are the same.

    Multilinear (as ``table_native``), then mixed: flows whose fields count up lie as if by chance.
    """
    random = block + M_RANDOM
    total = load64(random)
    for offset in range(0, KEY, 8):
        word = load64(key + offset)
        first = load64(random + 8 + 2 * offset) + (word & 0xFFFFFFFF)
        total = wrap64(total + first * (load64(random + 16 + 2 * offset) + shift_right(word, 32)))
    word = wrap64((total ^ shift_right(total, 32)) * MIX_A)
    return shift_right(wrap64((word ^ shift_right(word, 29)) * MIX_B), 32)


@seldom
def maglev_choose(block: int, service: int, key: int) -> int:
    """The number of the backend that Maglev hashing gives a flow of a service, or -1: it has none."""
    size = load64(block + M_SIZE)
    place = maglev_hash(block, key) * size >> 32
    found = load32(block + load64(block + M_TABLE) + (service * size + place) * 4)
    return -1 if found == NONE else found


def maglev_enter(block: int, table: int, key: int, number: int) -> int:
    """Enter the address and kind at ``key`` (three words) in the hash table at offset ``table``. Returns 0."""
    high = load64(key)
    low = load64(key + 8)
    kind = load64(key + 16)
    mask = load64(block + M_MASK)
    place = maglev_place(high, low, kind, mask)
    entry = block + table + place * ENTRY
    while load64(entry + E_KIND) != 0:
        place = (place + 1) & mask
        entry = block + table + place * ENTRY
    store64(entry + E_HIGH, high)
    store64(entry + E_LOW, low)
    store64(entry + E_KIND, kind | HERE)
    store64(entry + E_NUMBER, number)
    return 0


def maglev_populate(table: int, size: int, rows: int, count: int, heaviest: int) -> int:
    """Fill the ``size`` places (u32) of a look-up table from the permutations of ``count`` backends.

    ``rows``: of each backend its next place, the step to the one behind, its weight, 0, and its number.
    ``heaviest``: the largest weight. Returns how many places are filled: none where there is no backend.
    """
    for place in range(size):
        store32(table + 4 * place, NONE)
    filled = 0
    while filled < size and count > 0:
        for number in range(count):
            row = rows + number * ROW
            credit = load64(row + R_CREDIT) + load64(row + R_WEIGHT)
            if credit >= heaviest and filled < size:
                credit -= heaviest
                place = load64(row + R_NEXT)
                skip = load64(row + R_SKIP)
                while load32(table + 4 * place) != NONE:
                    place += skip
                    if place >= size:
                        place -= size
                store32(table + 4 * place, load64(row + R_NUMBER))
                store64(row + R_NEXT, place)
                filled += 1
            store64(row + R_CREDIT, credit)
    return filled
