"""The layout of frames, descriptors and the worker's context: constants that compiled code and Python share.

A *frame* is a slot of the mempool: headroom, then the packet's bytes. A *descriptor* (32 bytes) says where in its
frame a packet lies. A *burst* is an array of descriptors; a port's *transmit list* holds the positions in the burst
of the packets that leave by it, in order. The *context* is the worker's own block of 64-bit words.
"""

from __future__ import annotations

# Descriptor, 32 bytes.
DESCRIPTOR = 32
D_DATA = 0  # u64: address of the packet's first byte
D_LENGTH = 8  # u32: bytes of the packet that are in the frame
D_WIRE = 12  # u32: bytes of the packet on the wire (more than LENGTH where a capture was cut)
D_TIME = 16  # i64: nanoseconds since 1970
D_INGRESS = 24  # u16: number of the port it came from
D_EGRESS = 26  # u16: number of the port it leaves by, or NO_PORT: the default
D_FRAME = 28  # u32: number of its frame in the mempool

NO_PORT = 0xFFFF

HEADROOM = 256  # bytes before the packet: room for pushed headers
TAILROOM = 64  # bytes kept behind the largest packet a port may bring

# Transmit list: one u64 count, then u32 positions.
LIST_HEAD = 8

# The worker's context: 64-bit words, by byte offset.
W_BURST = 0  # address of the descriptors
W_COUNT = 8  # packets that came in with this burst: positions 0 .. COUNT-1
W_USED = 16  # positions in use: COUNT, and the copies made while it was processed
W_ROOM = 24  # positions there are: as many as frames; position i starts out in frame i
W_POOL = 32  # address of frame 0
W_STRIDE = 40  # bytes from one frame to the next
W_COUNTERS = 48  # address of the worker's counters (u64 each)
W_LISTS = 56  # address of a table of addresses: the transmit list of each port
W_FUEL = 64  # loop iterations a user function may make for one packet
W_FUEL_LEFT = 72  # what is left of them
W_SCRATCH = 80  # address of scratch memory for records, keys and metadata
W_STATES = 88  # address of a table of addresses: the block of each state object
W_EGRESS = 96  # address of a table: the default egress (u64) of each ingress port
W_STOP = 104  # not zero: the worker returns after this burst
W_LIMIT = 112  # packets it may still receive
W_PHASE = 120  # where it stopped, to go on from there
W_RX_PORTS = 128  # number of receiving ports of this worker
W_RX_TABLE = 136  # address of the receiving ports' entries, RX_... below
W_TX_PORTS = 144  # number of ports (transmit lists)
W_TX_TABLE = 152  # address of the ports' entries for transmitting, TX_... below
W_PROCESS = 160  # address of the fused function
W_BURST_SIZE = 168  # packets asked of a port at once
W_COPIES = 176  # packets copied by packet.copy()
W_COPIED = 184  # bytes copied by it
W_BUDGET = 192  # bursts to run before Python may look around
W_RX_NEXT = 200  # entry of the receiving port whose turn it is
W_PACKETS_IN = 208  # packets received
W_BYTES_IN = 216  # their bytes on the wire
W_BYTES_OUT = 224  # bytes on the wire of the packets that ports took
W_FILTER = 232  # address of matches(data, length, wire), or 0: all packets are received
W_STAGE = 240  # address of the descriptors that packets are received into before they are filtered
W_LENGTH = 248  # bytes of every packet of this burst, before and after the graph; 0: they differ
W_WORKER = 256  # number of this worker
W_WORKERS = 264  # how many there are
W_FRAMES = 272  # address of a table: the frame (u32) that lies at each position; 0: position i has frame i
W_ENTRY = 280  # where the packets of this burst enter the graph: 0, or the number of a shuffle
W_SPILL = 288  # address of what packets from a ring bring along
W_SPILL_SIZE = 296  # bytes of it for each position
W_RINGS = 304  # address of a table: for each shuffle and worker the address of the ring to that worker, or 0
W_RING_IN = 312  # packets that came by rings
W_RING_OUT = 320  # packets that left by rings
W_MADE = 328  # packets made: segments of packetize, packets of events
W_NOW = 336  # the packets' clock (ns): the latest time seen
W_DUE = 344  # when the next event is due (ns)
W_PAUSE = 352  # not zero: the worker waits between two bursts
W_BEAT = 360  # rounds of the worker's loop: it stands still where the worker hangs
W_FRAME = 368  # bytes of a frame, from its start: at most STRIDE
W_YIELD = 376  # address of a function that lets another thread run
W_SHUFFLES = 384  # shuffles that have rings
W_NODES = 392  # address of a table: the number of each shuffle's node; they ascend
W_STAGE_ENDED = 400  # shuffles to which this worker puts no more, and 1 more when it has nothing left to do
W_FINISHES = 408  # not zero: process is called with FINISH
W_AGAIN = 416  # what process returned: with FINISH, not zero: it is called again
W_SPIN = 424  # rounds without a packet before the worker rests
W_HOLDS = 432  # address of the head of the worker's holds, or 0
W_ASIDE = 440  # packets set aside: they came in already, and are received before others
W_ASIDES = 448  # entries of the table of where they wait
W_ASIDE_TABLE = 456  # its address: RX_..., as for receiving ports
W_CLOCK = 464  # address of clock_gettime where the packets' clock follows the wall in an idle worker, or 0
W_CLOCK_CELL = 472  # 16 bytes for it to write to
W_IDLE = 488  # cycles in which nothing came in
W_IDLE_SINCE = 496  # when they were counted last, while nothing comes in; 0: packets do
W_TAPS = 504  # address of the tap table, while packets are watched
CONTEXT = 512  # bytes

FINISH = 1 << 32  # W_ENTRY: no packets, windows give up what they have; + n: only those before shuffle n

ASIDE = 1  # W_ENTRY: packets of ports that were set aside and come again

# Receiving port, or ring from another worker, as its worker's driver knows it: 64-bit words.
RX_RECEIVE = 0  # address of the source's receive
RX_STATE = 8  # the source's state
RX_PORT = 16  # number of the port
RX_ENDED = 24  # not zero: no more will come
RX_LENGTH = 32  # bytes on the wire of each of its packets, or 0 where they differ
RX_NODE = 40  # number of the shuffle's node whose ring it is, or 0: a port
RX_NEEDS = 48  # address of a list (u64 count, addresses) of rings that must have room for a burst, or 0
RX_PACKETS = 56  # packets received here
RX_BYTES = 64  # their bytes on the wire
RX_ENTRY = 72  # bytes

# Port to transmit to.
TX_TRANSMIT = 0  # address of the sink's transmit; 0: it can't transmit, its packets are dropped
TX_STATE = 8  # the sink's state
TX_START = 16  # list position to go on from
TX_TAKEN = 24  # packets that it took (or that were dropped here)
TX_BYTES = 32  # their bytes on the wire
TX_ENTRY = 40  # bytes


def data_address(context_pool: int, stride: int, frame: int) -> int:
    """Where a packet received into a frame starts.

    >>> data_address(1 << 20, 2112, 2) - (1 << 20)
    4480
    """
    return context_pool + frame * stride + HEADROOM
