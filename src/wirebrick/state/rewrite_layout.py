"""The block of a Rewrite: offsets that its native functions and Python share.

A block is a header, hash buckets, graves, pairs and rings. A *pair* is a connection: its key and two *directions*,
each a record and a ring of output. A direction counts bytes from 0 in two spaces: *in*, as its sender numbers them,
and *out*, as the receiver does; number 0 has the same sequence number (``R_BASE``) in both. A FIN counts as a byte.
"""

from __future__ import annotations

# The header: 64-bit words, by byte offset.
B_SEED = 0
B_MASK = 8  # number of buckets - 1
B_PAIRS = 16  # offset in the block of pair number 1
B_RINGS = 24  # offset of the first ring
B_GRAVES = 32  # offset of the graves
B_GRAVE_MASK = 40  # number of graves - 1
B_CAPACITY = 48  # pairs there are
B_RING = 56  # bytes of a ring, a power of two
B_FRESH = 64  # pairs in use: from then on, one goes where one comes
B_DATAGRAM = 72  # offset of the record that holds the output of a datagram
B_LISTS = 96  # numbers of the newest and the oldest pair of each list
B_COUNTERS = 128  # u64 each, in the order of COUNTERS
B_BUCKETS = 384  # u32 each: the number of the first pair, or 0

# Lists by last use: who has to go first is in the first of them.
YOUNG = 0  # only one side was heard, or it is over
GROWN = 1  # both sides were heard

# What is counted, in this order.
COUNTERS = (
    "connections",
    "midstream",
    "evicted",
    "evicted_changed",
    "challenged",
    "probes",
    "segments",
    "retransmitted",
    "unplaced",
    "stale_output",
    "no_room",
    "narrowed",
    "shrunk",
)
(
    C_CONNECTIONS,  # connections met
    C_MIDSTREAM,  # of them, without their SYN
    C_EVICTED,  # connections that made room for others
    C_EVICTED_CHANGED,  # of them, those whose numbers were changed: the rest of them is dropped
    C_CHALLENGED,  # SYNs in a living connection, left to the receiver to judge (RFC 5961, 4)
    C_PROBES,  # packets sent only to have them acknowledged
    C_SEGMENTS,  # segments made beyond the packets that came
    C_RETRANSMITTED,  # bytes of output sent again
    C_UNPLACED,  # times that output had to wait for a free frame
    C_STALE_OUTPUT,  # bytes emitted for a stream that is no more
    C_NO_ROOM,  # times that a function emitted more than fits
    C_NARROWED,  # windows that were larger than what fits
    C_SHRUNK,  # pieces of the map put together for want of room
) = range(B_COUNTERS, B_COUNTERS + 8 * len(COUNTERS), 8)

# A pair.
P_NEXT = 0  # u32: number of the next pair of the bucket
P_HASH = 8  # the same for both directions, never 0
P_KEY = 16  # FlowKey of direction 0, 40 bytes
P_STATE = 56
P_LIST = 64  # YOUNG or GROWN
P_NEWER = 72
P_OLDER = 80
P_NUMBER = 88
P_ASKED = 96  # sequence number of the SYN that the receiver was left to judge, or -1
P_TIME = 104  # of its last packet
P_DIRECTIONS = 128

# P_STATE
OPENING = 0  # only one side was heard
OPEN = 1
OVER = 2  # reset, or both FINs are sent: the next SYN begins a new connection

# A direction.
R_PAIR = 0  # bytes from the pair to here
R_OTHER = 8  # bytes from here to the other direction
R_RING = 16  # offset in the block of its ring
R_STARTED = 24  # NOT_YET, ...
R_BASE = 32  # sequence number of byte 0, in both spaces
R_SEEN = 40  # in: end of what came
R_CONSUMED = 48  # in: end of what the function consumed
R_END = 56  # out: end of what it emitted for that
R_EMIT = 64  # out: end of what it emitted, for input not committed yet too
R_SENT = 72  # out: end of what was sent
R_OUT_ACKED = 80  # out: what the receiver acknowledged
R_IN_ACKED = 88  # in: what the sender was told of that
R_EDGE = 96  # out: end of what the receiver has a window for, or NO_EDGE
R_FIN_IN = 104  # in: the FIN, or -1
R_FIN_OUT = 112  # out: the FIN, or -1: its turn has not come
R_MSS = 120  # largest segment that the receiver takes, or 0: it did not say
R_LARGEST = 128  # largest payload that the sender sent
R_WINDOW_MOST = 136  # largest window of the receiver, in bytes
R_STALE = 144  # the last byte that was acknowledged, or -1: none was
R_MAP_IN = 152  # in: where the first piece of the map begins
R_MAP_OUT = 160  # out: the same
R_PIECE = 168  # number of the first piece
R_PIECES = 176  # how many there are
R_LIMIT = 184  # bytes that the function is given at once
R_ASKED = 192  # 1: the receiver was asked what it has, and did not answer yet
# What the sender's own packets say.
R_SCALE = 200  # shift of its windows as its SYN said, or SCALE_NONE, SCALE_UNKNOWN
R_RAW_ACK = 208  # acknowledgement of its last packet, as it was
R_RAW_WINDOW = 216  # window of that, as it was
R_ACK = 224  # acknowledgement of its last packet, as it leaves
R_WINDOW = 232  # window of that, as it leaves
# The packet between rewrite_arrive and rewrite_leave.
R_NOW = 240  # in: its first byte
R_SIZE = 248  # its payload
R_FLAGS = 256
R_BEFORE = 264  # in: R_CONSUMED before it
R_NEWS = 272  # 1: its acknowledgement or window says what was not said before
R_HELD = 280  # in: end of what the function was given, consumed or not
R_REFUSED = 288  # 1: there was no room for what the function makes of it
R_REACHED = 296  # in: end of what came in order
R_MAP = 304  # PIECES pieces of two words: bytes in, bytes out

PIECES = 64
PIECE = 16
DIRECTION = R_MAP + PIECES * PIECE + 16  # a multiple of 64
PAIR = P_DIRECTIONS + 2 * DIRECTION

# R_STARTED
NOT_YET = 0
BY_SYN = 1
MIDSTREAM = 2
DATAGRAM = 3  # no stream: the payload of one datagram

NO_EDGE = 1 << 62
SCALE_UNKNOWN = -1
SCALE_NONE = -2

# What rewrite_arrive and rewrite_leave return for a packet that has to be dropped.
DROP_FLAGS = -1
DROP_CHECKSUM = -2
DROP_LENGTH = -3
DROP_FRAGMENT = -4
DROP_WINDOW = -5
DROP_ACK = -6
DROP_SYN = -7
DROP_EVICTED = -8
DROP_ABSORBED = -9
DROP_FRAME = -10
DROP_RESET = -11

REASONS = {
    DROP_FLAGS: "tcp_flags",
    DROP_CHECKSUM: "checksum",
    DROP_LENGTH: "length",
    DROP_FRAGMENT: "fragment",
    DROP_WINDOW: "out_of_window",
    DROP_ACK: "wrong_ack",
    DROP_SYN: "unexpected_syn",
    DROP_EVICTED: "evicted_connection",
    DROP_ABSORBED: "absorbed",
    DROP_FRAME: "no_room_in_frame",
    DROP_RESET: "doubtful_reset",
}

MEANINGS = {
    DROP_FLAGS: "flags that no TCP sends: SYN with FIN or RST, or data without ACK",
    DROP_CHECKSUM: "a wrong checksum: the receiver would drop it",
    DROP_LENGTH: "lengths in the headers that are not the packet's",
    DROP_FRAGMENT: "a fragment: without the others it can't be rewritten",
    DROP_WINDOW: "a sequence number outside of the window",
    DROP_ACK: "it acknowledges what was never sent, or what is long gone",
    DROP_SYN: "a SYN-ACK that answers no SYN of this connection",
    DROP_EVICTED: "its connection was changed, then forgotten for want of room: its numbers can't be right",
    DROP_ABSORBED: "the user function kept all of it, and it says nothing else that is new",
    DROP_FRAME: "headers that leave no room for payload in a frame",
    DROP_RESET: "a reset with a number that the receiver would doubt, too (RFC 5961, 3)",
}
