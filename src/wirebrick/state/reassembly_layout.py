"""Where everything lies in a block of reassembly: the header, and the record (slot) of each stream.

A block is a header, the buckets of the index by flow, slots, as many buffers, and one window's scratch
memory. ``R_`` are byte offsets in the header, ``F_`` in a slot; all words have 64 bits. A stream is one
direction of a flow. *Offsets* of bytes in it count from 0, its first byte, and never wrap.
"""

from __future__ import annotations

# What the user's function is called with, at the address that reassembly_ready was asked about.
F_DATA = 0  # address of the window's first byte
F_SIZE = 8  # bytes of the window
F_OFFSET = 16  # of its first byte in the stream
F_CLOSED = 24  # 1: the last call for this stream
F_GAP = 32  # bytes that are missing right before it
F_NEXT_SEQ = 40  # sequence number (32 bits) of its first byte
F_BUFFERED = 48  # bytes held in the buffer between packets
F_STATE = 56
F_KEY = 64  # the FlowKey: 40 bytes

# The stream.
F_START = 104  # sequence number of offset 0
F_BASE = 112  # offset of the first byte that was not consumed
F_REACHED = 120  # offset behind the last byte in order
F_SEEN = 128  # offset behind the last byte that the function was given; size 0: that it waits with
F_TOP = 136  # offset behind the last byte that came
F_FIN = 144  # offset of the FIN, or -1
F_COUNT = 152  # runs of bytes out of order
F_HEAD = 160  # position of F_BASE in the buffer
F_SKIPPED = 168  # bytes missing right before F_BASE
F_LAST = 176  # time (ns) of the last packet that brought something
F_USED = 184  # time of the last packet that belonged to it

# The packet at hand, as far as its bytes were neither consumed nor stored.
F_PACKET_DATA = 192
F_PACKET_SIZE = 200
F_PACKET_OFFSET = 208
F_PACKET_WHOLE = 216  # offset behind it, with the bytes that the capture cut off; 0: none were
F_PACKET_OVERLAPS = 224  # 1: counted as overlapping

F_FLUSH = 232  # 1: give what there is, and go over holes
F_PARTIAL = 240  # 1: the window is smaller than it should be
F_DIRECT = 248  # 1: the window lies in the packet
F_AFTER = 256  # what comes after the last call: AFTER_...
F_NEW_START = 264  # F_START of the incarnation that follows
F_STRAY_SEQ = 272  # sequence number that would continue the segments outside of the window
F_STRAYS = 280  # how many of them in a row continued each other
F_MIDSTREAM = 288  # 1: began without SYN
F_EMBRYO = 296  # 1: no byte came yet
F_NUMBER = 304  # of the slot, from 1
F_CHAIN = 312  # number of the next slot in the bucket, or in the list of free ones
F_HASH = 320
F_BUFFER = 328  # number of its buffer, from 1; 0: it has none, as nothing is kept
F_USE = 336  # links: previous and next in R_OPEN, R_EMBRYOS or R_PAST
F_WAIT = 352  # links in R_WAITING; 0: not in it
F_RUNS = 368  # begin and end of each run out of order: sorted, neither touching nor overlapping
MOST_RUNS = 32
F_META = F_RUNS + 16 * (MOST_RUNS + 1)  # the user's record (one run more while runs are joined)

# F_STATE
FREE, OPEN, CLOSING, PAST = 0, 1, 2, 3

# F_AFTER: remember the stream for a while, begin a new incarnation, or free the slot.
AFTER_REMEMBER, AFTER_RESTART, AFTER_FREE = 0, 1, 2

R_KEY0 = 0  # of the hash
R_KEY1 = 8
R_MASK = 16  # buckets - 1
R_SLOTS = 24  # offset in the block of slot number 0, which isn't there
R_SLOT = 32  # bytes of a slot
R_BUFFERS = 40  # offset of buffer number 0, which isn't there
R_STRIDE = 48  # bytes from buffer to buffer
R_BUFFER = 56  # bytes of a buffer that are used: the most that is kept of a stream
R_SIZE = 64  # bytes of a window; 0: as they come
R_SLIDE = 72
R_TIMEOUT = 80  # ns; 0: none
R_HOLES = 88  # 1: missing bytes may be skipped
R_META = 96  # bytes of the user's record
R_SCRATCH = 104  # offset of the memory for windows that the buffer has in two parts
R_FLOWS = 112  # streams at most
R_FREE = 120  # number of a free slot that was used before, or 0
R_FRESH = 128  # slots that were ever used
R_EMBRYO_COUNT = 136
R_OPEN = 144  # lists, each a pair of links: streams by last use,
R_EMBRYOS = 160  # those that have no byte yet,
R_PAST = 176  # closed ones that are remembered,
R_WAITING = 192  # those with something to give, by F_LAST
R_MEMORY = 208  # ns for which a closed stream is remembered
R_FREE_BUFFER = 216  # number of a buffer that was used before, or 0: its first word has the next one's
R_FRESH_BUFFERS = 224  # buffers that were ever used
R_COUNTERS = 256
R_BUCKETS = 512

COUNTERS = (
    "streams",  # streams that began
    "midstream",  # of them, without SYN
    "restarted",  # ended by a SYN with another sequence number
    "closed",  # last calls
    "evicted",  # streams that gave way to new ones
    "old",  # segments of bytes that were consumed or skipped already
    "duplicate",  # segments of bytes that are in the buffer already
    "overlapping",  # segments some of whose bytes were there already
    "out_of_order",  # segments that came before others they follow
    "out_of_window",  # segments too far from what is expected
    "after_close",  # segments behind the FIN, or of a closed stream
    "bad_flags",  # SYN with FIN; FIN before bytes that came
    "bad_reset",  # RST outside of the window
    "buffer_full",  # how often bytes did not fit: holes were skipped or bytes refused
    "too_many_holes",  # how often a segment would have made one hole too many
    "gaps",  # holes skipped
    "gap_bytes",
    "given_up_bytes",  # bytes given up while the function waited for more
    "discarded_bytes",  # bytes behind a hole when their stream ended
    "no_room",  # packets refused as no slot was free
    "timeouts",  # streams given what there was as nothing more came
)
(
    C_STREAMS,
    C_MIDSTREAM,
    C_RESTARTED,
    C_CLOSED,
    C_EVICTED,
    C_OLD,
    C_DUPLICATE,
    C_OVERLAPPING,
    C_OUT_OF_ORDER,
    C_OUT_OF_WINDOW,
    C_AFTER_CLOSE,
    C_BAD_FLAGS,
    C_BAD_RESET,
    C_BUFFER_FULL,
    C_TOO_MANY_HOLES,
    C_GAPS,
    C_GAP_BYTES,
    C_GIVEN_UP,
    C_DISCARDED,
    C_NO_ROOM,
    C_TIMEOUTS,
) = (R_COUNTERS + 8 * number for number in range(len(COUNTERS)))
