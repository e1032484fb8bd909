"""The native blocks of ``xdp:``: 64-bit words by byte offset. Rings are the kernel's own (linux/if_xdp.h)."""

from __future__ import annotations

# A ring as both sides see it: addresses of its indices, flags and entries.
RING_PRODUCER = 0
RING_CONSUMER = 8
RING_ENTRIES = 16
RING_FLAGS = 24
RING_MASK = 32
RING_SEEN = 40  # the other side's index when it was last looked at
RING = 48  # bytes

NEED_WAKEUP = 1
RX_ENTRY = 16  # bytes of an entry of rx and tx rings: u64 address, u32 length, u32 options
FRAME_ENTRY = 8  # bytes of an entry of fill and completion rings: u64 address

# A queue that is received from.
Q_RX = 0
Q_FILL = RING
Q_FD = 2 * RING
Q_NUMBER = Q_FD + 8  # what the owners' table says of its frames
QUEUE = Q_FD + 16

# A source: the queues of one worker, in turn.
S_QUEUES = 0  # how many
S_TABLE = 8  # address of a table of their addresses
S_NEXT = 16  # whose turn it is
S_SHIFT = 24  # a frame has 1 << SHIFT bytes
S_OWNERS = 32  # address of the owners' table: a byte for each frame of the mempool, 0: a worker's
S_CLOCK = 40  # address of clock_gettime
S_CELL = 48  # address of 16 bytes for it
S_RECEIVE = 56  # address of recv
S_REPAIR = 64  # not zero: checksums that were left partial are completed
S_REPAIRED = 72  # packets for which that was done
SOURCE = 80

# What was sent and has come back: the empty frames of a queue that is transmitted to.
E_COMPLETION = 0
E_LOCK = RING  # workers that share the queue take turns
E_COUNT = RING + 8
E_FRAMES = RING + 16  # address of their numbers (u32)
EMPTIES = RING + 24

# A sink.
T_TX = 0
T_FD = RING
T_EMPTIES = RING + 8  # address of the queue's empties
T_SHARED = RING + 16  # not zero: other workers use them too
T_NUMBER = RING + 24
T_SHIFT = RING + 32
T_OWNERS = RING + 40
T_SEND = RING + 48  # address of send
T_LONGEST = RING + 56  # bytes of the longest frame that the interface takes
T_UNSENT = RING + 64  # packets given to the ring since the kernel was last told
T_NO_ROOM = RING + 72  # packets dropped, and their bytes on the wire; so for the others
T_TOO_LONG = RING + 88
T_TOO_SHORT = RING + 104
T_CUT = RING + 120
SINK = RING + 136

DROPPED = {"no_room": T_NO_ROOM, "too_long": T_TOO_LONG, "too_short": T_TOO_SHORT, "cut_by_capture": T_CUT}
ETHERNET = 14  # bytes of the shortest frame
