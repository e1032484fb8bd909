"""How bindings lie in memory: the block of a worker, by offsets, and how it is made.

A block begins with the header of a table (``table_layout``), whose hash is used, then come the header's own words, a
wheel of timers, a ring of news, the external addresses, and for each address and protocol the ports. Then come records
of four kinds, numbered from 1; each kind has an index, a power of two of heads of chains, and a list of free numbers.

*Session*, 64 bytes, one cache line: what is between an inside and an outside endpoint. It is in two indexes, for each
direction one. *Mapping*, 32 bytes: an inside endpoint and its external one, for as long as it has sessions (RFC 6146
calls the two tables "session table" and "binding information base"). *Host*, 32 bytes: an inside address. *Peer*, 32
bytes: an outside address that a mapping has sessions with (only where filtering asks for it).

A set of ports is an array of numbers of which the first are free, and an array of the place of each number in it: to
take a given port, one at random, or to give one back, is a few loads and stores. Both hold a number's difference to
its index, so zeros are the beginning. There are four sets for each address and protocol: even and odd ports, from 1024
on and below. Pages that are never used cost nothing.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import store64
from wirebrick.state.table_layout import LINE, NOTES, table_homes, table_init, table_notes

HASHED = 80  # bytes of all keys: each word has random numbers of its own
WORDS = table_notes(HASHED)  # the header's own words begin here

B_CAPACITY = WORDS
B_SESSIONS = WORDS + 8  # offsets of the first byte of record 0, which is never used
B_MAPPINGS = WORDS + 16
B_HOSTS = WORDS + 24
B_PEERS = WORDS + 32
B_OUT = WORDS + 40  # offsets of the heads: sessions by inside endpoint, by external endpoint; the others
B_IN = WORDS + 48
B_BY_INSIDE = WORDS + 56
B_BY_HOST = WORDS + 64
B_BY_PEER = WORDS + 72
B_COUNT = WORDS + 80  # sessions there are
B_WHEEL = WORDS + 88  # offset of the wheel
B_NEXT = WORDS + 96  # the number of the turn that is looked at next
B_HAND = WORDS + 104  # session looked at last when room was needed
B_ADDRESSES = WORDS + 112  # how many external addresses
B_LIST = WORDS + 120  # offset of their list: u32, ascending
B_PORTS = WORDS + 128  # offset of the ports
B_PAIRED = WORDS + 136  # 1: all mappings of a host have one external address
B_FILTER = WORDS + 144  # FILTER_...
B_PRESERVE = WORDS + 152  # 1: the external port is the inside one where it is free
B_PARITY = WORDS + 160  # 1: even stays even
B_LIMIT = WORDS + 168  # mappings of a host
B_MOST = WORDS + 176  # sessions of a host
B_MIDSTREAM = WORDS + 184  # 1: TCP sessions may begin in their middle
B_RANDOM = WORDS + 192  # state of the generator
B_NEWS = WORDS + 200  # offset of the ring of news, or 0: nobody wants any
B_WRITTEN = WORDS + 208  # news ever written and read
B_READ = WORDS + 216
B_LOST = WORDS + 224  # news that found the ring full
B_LOWEST = WORDS + 232  # the first and the last external address
B_HIGHEST = WORDS + 240
B_TIMEOUT = WORDS + 256  # six words: ticks, by class
B_STRIDE = WORDS + 304  # which ports are this worker's: of pairs (even, odd) each STRIDE-th
B_SETS = WORDS + 320  # eight words: for each set the first pair and how many
B_FREE = WORDS + 384  # by kind two words: a free number or 0, how many were ever used
B_STATS = WORDS + 448  # counters, ST_...
B_NOTES = WORDS + 640  # memory for those who look ahead: a word for each packet of a burst
B_END = B_NOTES + 8 * NOTES

# Counters.
ST_CREATED = 0  # mappings made: TCP, UDP, ICMP
ST_ENDED = 24
ST_SESSIONS = 48  # sessions made
ST_EVICTED = 56  # sessions without an answer that made room
ST_LIVE = 64  # mappings there are: TCP, UDP, ICMP
ST_PEAK = 88  # most sessions at once
ST_ADDRESSES = 96  # how often an arbitrary address was used because the host's had no port

TCP, UDP, ICMP = 0, 1, 2  # protocols, by their number here

FILTER_NONE, FILTER_ADDRESS, FILTER_PORT = 0, 1, 2

# Classes of timeouts.
C_UDP, C_DNS, C_ICMP, C_TCP, C_TRANSITORY = 0, 1, 2, 3, 4

# A session.
S_OUT = 0  # inside address (high half) and outside address
S_OUT_PORTS = 8  # inside port, outside port (16 bits each), protocol (the low 32)
S_IN = 16  # outside address and external address, as packets from outside have them
S_IN_PORTS = 24  # outside port, external port, protocol
S_LAST = 32  # u32: last use, in ticks
S_CLASS = 36  # u8
S_FLAGS = 37  # u8: F_...
S_MAPPING = 40  # u32: number
S_OUT_NEXT = 44  # u32: chains
S_IN_NEXT = 48
S_BEFORE = 52  # u32: the list of a turn of the wheel
S_AFTER = 56
S_TURN = 60  # u32: the place in the wheel, or FREE_TURN: this is no session
SESSION = 64

F_SYN_OUT, F_SYN_IN, F_FIN_OUT, F_FIN_IN, F_RST, F_ANSWERED, F_HAIRPIN = 1, 2, 4, 8, 16, 32, 64

# A mapping.
M_KEY = 0  # inside address (32 bits), port (16), protocol (8), static (8)
M_EXTERNAL = 8  # external address and port (48 bits)
M_NEXT = 16
M_SESSIONS = 20
M_HOST = 24
M_ADDRESS = 28  # u32: number of the external address
MAPPING = 32

# A host.
H_KEY = 0  # its address
H_NEXT = 8
H_MAPPINGS = 12
H_SESSIONS = 16
H_ADDRESS = 20  # number of its external address
HOST = 32

# A peer.
P_KEY = 0  # number of the mapping, outside address
P_NEXT = 8
P_SESSIONS = 12
PEER = 32

KIND_SESSION, KIND_MAPPING, KIND_HOST, KIND_PEER = 0, 16, 32, 48  # offsets in B_FREE

# News: a mapping begins or ends.
N_TIME, N_INSIDE, N_EXTERNAL, N_WHAT = (
    0,
    8,
    16,
    24,
)  # inside and external: address and port; protocol and event
NEWS = 32
RING = 1 << 13  # entries: more than one look at the wheel gives

TICK = 20  # a tick has 2**TICK nanoseconds
TURN = 9  # a turn of the wheel has 2**TURN ticks
TURNS = 1 << 14
FREE_TURN = 0xFFFFFFFF

# Of an address and protocol: how many ports of each set are taken, the sets, the mapping of each port.
A_TAKEN = 0
A_DENSE = 64
A_PLACE = A_DENSE + (1 << 17)
A_MAPPING = A_PLACE + (1 << 17)
A_SIZE = A_MAPPING + (1 << 18)
LOW_PAIRS = 512  # pairs of ports below 1024
PAIRS = 1 << 15

MOST = 1 << 26  # the largest capacity


def bindings_offset(what: int, capacity: int, addresses: int, news: int) -> int:
    """Offset of a part: 0 the wheel, 1 news, 2 the addresses, 3 ports, 4 .. 8 indexes, 9 .. 12 records, 13 the end."""
    heads = (table_homes(2 * capacity) + 1) * 4
    at = B_END
    for part in range(what):
        size = heads
        if part == 0:
            size = TURNS * 4
        elif part == 1:
            size = news * NEWS
        elif part == 2:
            size = addresses * 4
        elif part == 3:
            size = addresses * 3 * A_SIZE
        elif part == 9:
            size = (capacity + 1) * SESSION
        elif part == 10:
            size = (capacity + 1) * MAPPING
        elif part == 11:
            size = (capacity + 1) * HOST
        elif part == 12:
            size = (capacity + 1) * PEER
        at += (size + LINE - 1) // LINE * LINE
    return at


def bindings_init(block: int, capacity: int, addresses: int, news: int, seed: int) -> int:
    """Make the header in a block of zeros. The settings and the list of addresses are the caller's."""
    table_init(block, 2 * capacity, HASHED, 0, 0, 0, seed)
    store64(block + B_CAPACITY, capacity)
    store64(block + B_WHEEL, bindings_offset(0, capacity, addresses, news))
    store64(block + B_NEWS, bindings_offset(1, capacity, addresses, news) if news != 0 else 0)
    store64(block + B_LIST, bindings_offset(2, capacity, addresses, news))
    store64(block + B_PORTS, bindings_offset(3, capacity, addresses, news))
    for part in range(5):
        store64(block + B_OUT + 8 * part, bindings_offset(4 + part, capacity, addresses, news))
    for part in range(4):
        store64(block + B_SESSIONS + 8 * part, bindings_offset(9 + part, capacity, addresses, news))
    store64(block + B_ADDRESSES, addresses)
    store64(block + B_RANDOM, seed | 1)
    return 0


def bindings_ports(block: int, low: int, high: int, worker: int, workers: int) -> int:
    """Say which ports there are: the pairs from ``low`` (even) to ``high`` (odd) that are the worker's.

    A pair (even port, odd port) number q is that of worker q modulo ``workers``.
    """
    store64(block + B_STRIDE, workers)
    for part in range(2):
        first = max(low >> 1, LOW_PAIRS if part == 0 else 0)
        last = min(high >> 1, PAIRS - 1 if part == 0 else LOW_PAIRS - 1)
        first += (worker - first) % workers
        count = (last - first) // workers + 1 if last >= first else 0
        store64(block + B_SETS + 16 * part, first)
        store64(block + B_SETS + 16 * part + 8, count)
    return 0
