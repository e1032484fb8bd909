"""Where things lie in DPDK's structures (ABI 23, DPDK 22.11), and in our own blocks: constants, by byte offset.

The structures are those that DPDK's inline functions work on (rte_mbuf_core.h, rte_mempool.h, rte_ethdev_core.h)
and those that its control functions take (rte_ethdev.h).
"""

from __future__ import annotations

ABI = 23
VERSION = "22.11"

# struct rte_mbuf: one packet's head; its buffer lies behind it.
M_BUFFER = 0  # u64: address of the buffer
M_REARM = 16  # u64: data offset, reference count, segments, port: 16 bits each
M_FLAGS = 24  # u64: offload flags
M_TYPE = 32  # u64: packet type, bytes of the whole packet
M_PACKET = 36  # u32: bytes of the whole packet
M_DATA = 40  # u32: bytes in this segment, VLAN tag
MBUF = 128  # bytes

# M_REARM of a packet to send, but for the data offset: 1 reference, 1 segment, port 0 (it is not looked at).
REARM = 1 << 16 | 1 << 32

# struct rte_mempool, its element's header, and a thread's cache of elements.
MP_CACHE_SIZE = 68  # u32
MP_OPS = 88  # i32: index of the functions that store elements
MP_CACHES = 96  # u64: address of the caches, one for each thread that DPDK knows
ELEMENT_HEADER = 64
CACHE = 8256  # bytes of a cache
CACHE_FLUSH = 4  # u32: elements at which it is emptied
CACHE_LENGTH = 8  # u32
CACHE_OBJECTS = 64
CACHED = 512  # elements of a cache: the most there may be
OPS_TABLE = 64  # offset of the first entry of rte_mempool_ops_table
OPS = 128  # bytes of an entry
OPS_ENQUEUE = 48
OPS_DEQUEUE = 56
NO_SPREAD, NO_IOVA_CONTIG = 0x01, 0x20  # flags of a mempool

# struct rte_memzone.
Z_IOVA = 32
Z_ADDRESS = 40
IOVA_CONTIG = 0x0010_0000

# struct rte_eth_fp_ops: what a burst calls, one for each port.
F_RECEIVE = 0  # address of rx_pkt_burst
F_RECEIVE_QUEUES = 24  # address of a table: the data of each queue
F_TRANSMIT = 64  # address of tx_pkt_burst
F_TRANSMIT_QUEUES = 88
FP_OPS = 128  # bytes

# struct rte_eth_dev_info.
I_DEVICE = 0
I_DRIVER = 8
I_LEAST_BUFFER = 32  # u32
I_RECEIVE_QUEUES = 44  # u16: how many it can have
I_TRANSMIT_QUEUES = 46
I_TRANSMIT_OFFLOADS = 80  # u64
I_KEY_SIZE = 106  # u8: bytes of the key of RSS
I_RSS = 112  # u64: what it can be computed of
INFO = 376

# struct rte_eth_conf.
E_MODE = 8  # u32: how packets are shared out over queues
E_TRANSMIT_OFFLOADS = 72  # u64
E_KEY = 128  # u64: address of the key of RSS
E_KEY_SIZE = 136  # u8
E_RSS = 144  # u64: what it is computed of
CONF = 2272
RSS_MODE = 1
RSS_FLOWS = 0xA38C | 0x10410 | 0x20820 | 0x1040  # addresses of IPv4 and IPv6, and ports of TCP, UDP, SCTP
FAST_FREE = 1 << 16  # all packets sent are of one mempool, and referred to once

# struct rte_eth_stats.
STATISTICS = {"imissed": 32, "ierrors": 40, "oerrors": 48, "rx_nombuf": 56}
STATS = 704

# struct rte_eth_link, as one u64: the bit that says that it is up.
LINK_UP = 1 << 34

# The stash of a worker: empty frames, between those that packets brought and those that they take along.
ST_COUNT = 0  # frames in it
ST_CACHE = 8  # address of the thread's cache in the mempool, or 0
ST_MEMPOOL = 16
ST_ENQUEUE = 24  # functions that store elements, and give them
ST_DEQUEUE = 32
ST_FIRST = 40  # address of mbuf 0
ST_STRIDE = 48  # bytes from one mbuf to the next: 64 times an odd number
ST_INVERSE = 56  # the inverse of that number modulo 2**32
ST_FREE = 64  # address of rte_pktmbuf_free_bulk
ST_MBUFS = 128  # BATCH addresses of mbufs, on their way
BATCH = 256  # frames that go to the mempool, or come from it, at once; and the largest burst
ST_FRAMES = ST_MBUFS + 8 * BATCH  # numbers of frames, u32
FULL = 3 * BATCH  # frames beyond which some are given back
STASH = ST_FRAMES + 4 * (FULL + 2 * BATCH)

# The state of a source or sink: 64-bit words, by byte offset.
S_STASH = 0  # address of the worker's stash
S_OPERATIONS = 8  # address of the device's struct rte_eth_fp_ops
S_QUEUE = 16  # number of the queue
S_LOCK = 24  # address of the lock of a queue that workers share, or 0
S_CLOCK = 32  # address of clock_gettime
S_CELLS = 40  # its struct timespec
S_LOST = 56  # packets received in several segments, or sent without room for them
S_LOST_BYTES = S_LOST + 8  # bytes of those on the wire
S_LONGEST = 72  # bytes of the largest packet that can be sent, or 0: any can
S_TOO_LONG = 80  # packets larger than that, and (at + 8) their bytes on the wire
S_CUT = 96  # the same for those that were cut when they were captured
S_MBUFS = 128  # BATCH addresses of mbufs
STATE = S_MBUFS + 8 * BATCH
