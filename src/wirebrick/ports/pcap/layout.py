"""The state blocks of captures: what native functions and Python share. 64-bit words, by byte offset."""

from __future__ import annotations

MAX_CAPTURED = 262144  # bytes of a packet: what libpcap takes for the most there can be
MAX_BLOCK = 524288  # bytes of a pcapng block that has to be in the buffer as a whole
BUFFER = 1 << 20  # bytes of a buffer: any record or block fits, many records are read or written at once
BILLION = 1_000_000_000
ETHERNET = 14  # bytes of the header put in front of packets that have none
RECORD = 16  # bytes of a classic record header
UNKNOWN_TYPE = 0xFFFF  # ethertype that stands for nothing (reserved by IANA)

# A source.
S_BASE = 0  # address of the buffer
S_FILL = 8  # bytes in it
S_POSITION = 16  # of the next record in it
S_BLOCKS = 24  # 1: pcapng, 0: classic
S_SWAP = 32  # 1: the fields are big-endian
S_HEAD = 40  # bytes of a classic record header: 16, or 24 in the variant of old Red Hat systems
S_SKIP = 48  # bytes of a skipped block still to come
S_STATUS = 56  # why it asks for a refill: one of the statuses below
S_CLAIM = 64  # the impossible number of a damaged record
S_FINISHED = 72  # 1: no more will come
S_RECORDS = 80  # records or blocks passed
S_PACKETS = 88  # packets put into frames
S_COPIED = 96  # bytes copied into frames
S_CUT = 104  # packets larger than a frame
S_UNMAPPED = 112  # packets skipped: their link type can't be made Ethernet
S_INTERFACES = 120  # address of the interface table
S_INTERFACE_COUNT = 128  # entries in it (classic: 1)
SOURCE_STATE = 136  # bytes

# An interface: how to read its packets. A time in nanoseconds is OFFSET + ticks // DIVIDE where that is above
# 1, OFFSET + ticks / 2**SHIFT * 10**9 where SHIFT is not 0, and else OFFSET + ticks * MULTIPLY.
I_LINK = 0  # one of the LINK_ values
I_MULTIPLY = 8
I_DIVIDE = 16
I_SHIFT = 24
I_OFFSET = 32
I_SNAPLEN = 40  # bytes; 0: no limit
INTERFACE = 48  # bytes

# Statuses.
NEED_MORE = 0  # the next record is not complete
DESCRIPTION = 1  # a section header or an interface description comes next
BAD_CAPTURED = 2  # a packet longer than any packet, or longer than its block
BAD_BLOCK = 3  # a block length that can't be
BAD_TRAILER = 4  # the two lengths of a block differ
BAD_INTERFACE = 5  # a packet of an interface nobody described

# pcapng block types.
SECTION_BLOCK = 0x0A0D0D0A
INTERFACE_BLOCK = 1
OBSOLETE_BLOCK = 2
SIMPLE_BLOCK = 3
ENHANCED_BLOCK = 6

# How a link type becomes Ethernet.
LINK_ETHERNET = 0
LINK_IP = 1  # raw IP of either version
LINK_IPV4 = 2
LINK_IPV6 = 3
LINK_FAMILY = 4  # 4 bytes of address family, of either byte order
LINK_COOKED = 5
LINK_COOKED2 = 6
LINK_UNKNOWN = 7  # not at all

# A sink.
T_BASE = 0  # address of the buffer
T_FILL = 8  # bytes in it
T_CAPACITY = 16  # bytes it holds
T_DIVIDE = 24  # nanoseconds of a tick: 1 or 1000
T_PACKETS = 32  # packets in the buffer
T_COPIED = 40  # bytes copied out of frames
SINK_STATE = 48  # bytes
