"""Numbers of packet sockets and their rings (linux/if_packet.h, packet(7)), and of the port's state blocks."""

from __future__ import annotations

# Socket options of SOL_PACKET.
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_COPY_THRESH = 7
PACKET_VERSION = 10
PACKET_TX_RING = 13
PACKET_LOSS = 14
PACKET_VNET_HDR = 15
PACKET_FANOUT = 18
PACKET_QDISC_BYPASS = 20
PACKET_IGNORE_OUTGOING = 23
PACKET_MR_PROMISC = 1
TPACKET_V2, TPACKET_V3 = 1, 2
FANOUT_HASH = 0  # by flow, both directions alike
FANOUT_UNIQUE = 0x2000  # a new group, whose number the kernel chooses
FANOUT_IGNORE_OUTGOING = 0x4000  # newer kernels: what PACKET_IGNORE_OUTGOING says counts for no group

# A frame's header in a ring, by TPACKET version: offsets of what is used.
V2_STATUS, V2_LENGTH, V2_CAPTURED, V2_MAC = 0, 4, 8, 12
V2_SECONDS, V2_NANOSECONDS, V2_TCI, V2_TPID = 16, 20, 24, 26
V2_HEADER = 32  # bytes; in a transmit ring the frame follows
V3_NEXT, V3_SECONDS, V3_NANOSECONDS, V3_CAPTURED, V3_LENGTH = 0, 4, 8, 12, 16
V3_STATUS, V3_MAC, V3_TCI, V3_TPID = 20, 24, 32, 36
BLOCK_STATUS, BLOCK_PACKETS, BLOCK_FIRST = 8, 12, 16  # the header of a block

# Status of what is in a receive ring.
KERNEL, USER, COPY = 0, 1, 2
TAGGED, TPID_VALID = 0x10, 0x40
# Of a slot of a transmit ring.
AVAILABLE, SEND_REQUEST = 0, 1

# What stands before each frame: struct virtio_net_hdr.
VNET = 10  # bytes
VNET_FLAGS, VNET_GSO, VNET_GSO_SIZE, VNET_START, VNET_OFFSET = 0, 1, 4, 6, 8
NEEDS_CHECKSUM = 1

MSG_DONTWAIT = 0x40
LARGEST = 65536 + 18  # bytes of the largest joined frame

# A source's state: 64-bit words, by byte offset.
S_HEADER = 0  # address of the next frame's header, or slot
S_LEFT = 8  # V3: frames left in the block; 0: no block is open
S_BLOCK = 16  # V3: address of the block
S_STEP = 24  # bytes from one block or slot to the next
S_FIRST = 32  # address of the first block or slot
S_END = 40  # address behind the last
S_FD = 48  # V2: the socket
S_RECV = 56  # V2: address of recv(2)
S_STAGE = 64  # V2: address of LARGEST + VNET bytes for frames larger than a slot
S_COPIED = 72  # bytes copied into frames
S_TRUNCATED = 80  # frames dropped: the kernel had no room for all of them
S_TOO_LONG = 88  # frames dropped: too long for a frame of the mempool
S_JOINED = 96  # frames dropped: joined segments of a kind that can't be cut
S_CUT = 104  # joined frames that were cut
S_DATA = 112  # the joined frame that is being cut: its address, or 0
S_LENGTH = 120  # bytes of it
S_HEADERS = 128  # bytes of headers of each segment
S_SIZE = 136  # bytes of payload of each segment
S_DONE = 144  # bytes of payload that are out
S_TAG = 152  # the VLAN tag to put back, or 0
S_TIME = 160  # its time stamp
SOURCE = 168  # bytes

# A sink's state.
T_NEXT = 0  # address of the next slot to fill
T_UNSENT = 8  # address of the first slot that the kernel may not have taken
T_WAITING = 16  # slots from there to NEXT
T_STEP = 24  # bytes from one slot to the next
T_FIRST = 32  # address of the first slot
T_END = 40  # address behind the last
T_FD = 48  # the socket
T_SEND = 56  # address of send(2)
T_LARGEST = 64  # bytes of the largest frame without a VLAN tag
T_COPIED = 72  # bytes copied into the ring
T_DROPS = 80  # what was dropped, by reason: packets, bytes on the wire
NO_ROOM, TOO_LONG, TOO_SHORT, NOT_SENT, CUT_BY_CAPTURE = 0, 16, 32, 48, 64
REASONS = {
    "no_room": NO_ROOM,
    "too_long": TOO_LONG,
    "too_short": TOO_SHORT,
    "not_sent": NOT_SENT,
    "cut_by_capture": CUT_BY_CAPTURE,
}
SINK = T_DROPS + 80  # bytes
