"""How the connections of a worker lie in memory: the block by offsets, and how it is made.

A block is a header, a table (``table_layout``) with a slot of one cache line for each connection, the addresses of
those over IPv6, and a ring with the half-open ones. The key of a connection is the same for both directions: its ends
lie in order, the *lower* one first::

    u64  addresses: lower, upper (IPv4); a keyed hash of both (IPv6), whose addresses lie apart, by number of the slot
    u16  port of the lower end; of ICMP queries their identifier
    u16  port of the upper end
    u8   protocol
    u8   version of IP
    u8   type of ICMP queries
    u8   1: the lower end asks (ICMP queries)

Its value::

    u8   state
    u8   marks
    u8   window scales: low nibble of who began, high nibble of who answers; 15: none offered
    u8   1: both began, with SYNs that crossed
    u32  serial number: which connection the slot has, for the ring
         who began, then who answers, 12 bytes each, about the bytes it sends:
    u32    end: sequence number behind all it has sent
    u32    acked: what the other has acknowledged; before that, its initial sequence number
    u32    edge: what the other's window lets it send
    u16  largest window of who began, in steps of its scale
    u16  largest window of who answers

Where a table keeps the time of the last use (``S_LAST``) these slots have the time at which they expire, so the table's
own sweeping finds what has expired.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import shift_right, store64, wrap64
from wirebrick.state.table_layout import LINE, T_IDLE, T_SHIFT, table_homes, table_init, table_size

# The header: 64-bit words, by byte offset.
C_LOOSE = 0  # 1: TCP connections whose SYN was not seen are taken up
C_ADDRESSES = 8  # offset of the addresses of IPv6
C_RING = 16  # offset of the ring
C_ROOM = 24  # places in the ring: so many half-open connections at most
C_OLDEST = 32  # place of the oldest entry of the ring
C_USED = 40  # entries of the ring
C_SERIAL = 48  # of the latest connection, below 2**31
C_OPENED = 56  # connections that were entered
C_PUSHED = 64  # half-open connections that made room for others
C_REFUSED = 72  # connections that found no room
C_KEY = 80  # the key of the packet at hand
C_FROM_UPPER = 96  # 1: it comes from the upper end
C_ENDS = 104  # its lower and upper IPv6 address, 16 bytes each
C_VALUE = 136  # the value of the connection that it would begin
C_TIMES = 192  # steps of time after which a connection in each state expires
C_RANDOM = 320  # of the hash of IPv6 addresses
C_QUOTED = 448  # IPv6 addresses that an ICMP error quotes
C_TABLE = 512

KEY = 16  # bytes of a key
VALUE = 40
STRIDE = 64  # of a slot: table_stride(KEY, VALUE)
IPV6_ENDS = 32  # bytes of two addresses

# A FlowKey: source and destination, then ports, protocol and version in one word.
K_SRC = 0
K_DST = 16
K_LAST = 32
K_PROTOCOL = 36
K_VERSION = 37

V_STATE = 0
V_MARKS = 1
V_SCALES = 2
V_BOTH = 3
V_SERIAL = 4
V_SIDES = 8
SIDE = 12
E_END = 0
E_ACKED = 4
E_EDGE = 8
V_WINDOWS = 32

# States of a connection.
ONE_WAY, TWO_WAY = 1, 2  # UDP
QUERY, OTHER_ONE_WAY, OTHER = 3, 4, 5
SYN, SYN_ACK, ESTABLISHED, CLOSING, TIME_WAIT, RESET = 6, 7, 8, 9, 10, 11
STATES = 12
STATE_NAMES = (
    "",
    "one way",
    "two ways",
    "query",
    "one way",
    "two ways",
    "syn",
    "syn-ack",
    "established",
    "closing",
    "time-wait",
    "reset",
)

# Marks.
BEGAN_LOWER = 1  # the lower end began
HALF = 2  # half-open: nothing came back; of TCP, the handshake is not over
FIN_BEGAN, FIN_ANSWERS = 4, 8  # who has sent a FIN
ACKED_BEGAN, ACKED_ANSWERS = 16, 32  # whose SYN was acknowledged
LIBERAL = 64  # the SYN was not seen, so windows aren't known

NO_SCALE = 15

# What becomes of a packet.
PASS, NEW, UNTRACKED, INVALID, OUT_OF_WINDOW, UNRELATED = range(6)

TIME_SHIFT = 24  # a step of time has 2**24 ns, 16.8 ms
LONGEST = (1 << 28) - 1  # steps: later times can't be told from earlier ones
LOW = (1 << 32) - 1
SERIALS = (1 << 31) - 1


def connections_slots(capacity: int) -> int:
    """How many slots, with number 0, which is never taken."""
    return 1 + table_homes(capacity) + capacity


def connections_table(capacity: int) -> int:
    """Bytes of the header and the table, whole cache lines."""
    return (C_TABLE + table_size(capacity, KEY, VALUE) + LINE - 1) // LINE * LINE


def connections_size(capacity: int, half_open: int) -> int:
    """Bytes of a block."""
    return connections_table(capacity) + connections_slots(capacity) * IPV6_ENDS + half_open * 8


def connections_init(block: int, capacity: int, half_open: int, loose: int, seed: int) -> int:
    """Make the header and the table in a block of zeros, which begins with a cache line."""
    addresses = connections_table(capacity)
    store64(block + C_LOOSE, loose)
    store64(block + C_ADDRESSES, addresses)
    store64(block + C_RING, addresses + connections_slots(capacity) * IPV6_ENDS)
    store64(block + C_ROOM, half_open)
    table = block + C_TABLE
    table_init(table, capacity, KEY, VALUE, 0, 1, seed)
    store64(table + T_SHIFT, TIME_SHIFT)
    store64(table + T_IDLE, 1)  # a step behind its time a connection has expired
    for offset in range(0, 16, 8):
        # SplitMix64 (Steele, Lea and Flood, 2014), from elsewhere than the table's.
        seed = wrap64(seed + 0x61C8864680B583EB)
        mixed = wrap64((seed ^ shift_right(seed, 30)) * -0x40A7B892E31B1A47)
        mixed = wrap64((mixed ^ shift_right(mixed, 27)) * -0x6B2FB644ECCEEE15)
        store64(block + C_RANDOM + offset, mixed ^ shift_right(mixed, 31))
    return 0
