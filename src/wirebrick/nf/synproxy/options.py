"""TCP options as the SYN proxy reads and writes them: in 32-bit words, for user functions."""

from __future__ import annotations

from wirebrick.headers import find_option
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom

MSS, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS = 2, 3, 4, 5, 8
NO_OPERATIONS = 0x01010101
SACK_AND_TIMESTAMPS = 0x0402080A  # "SACK permitted", then timestamps, whose values follow
ONLY_TIMESTAMPS = 0x0101080A
NO_SCALE = 15
MOST_OPTIONS, LEAST_OPTIONS = 20, 4  # bytes of all options, and of the MSS alone
LARGEST_SCALE = 14
MASK = 0xFFFFFFFF


@seldom
def mss_offered(packet: Packet) -> int:
    """The MSS that a SYN offers; 536 where it says nothing (RFC 9293, 3.7.1)."""
    at = find_option(packet.header.options, MSS)
    if at < 0 or packet.header.options.u8(at + 1) != 4:
        return 536
    return int(packet.header.options.u16(at + 2))


@seldom
def scale_offered(packet: Packet) -> int:
    """The window scale that a SYN offers; NO_SCALE where it offers none."""
    at = find_option(packet.header.options, WINDOW_SCALE)
    if at < 0 or packet.header.options.u8(at + 1) != 3:
        return NO_SCALE
    return min(LARGEST_SCALE, int(packet.header.options.u8(at + 2)))


@seldom
def timestamps_at(packet: Packet) -> int:
    """Where the two timestamps are in the options (RFC 7323, 3.2), or -1."""
    at = find_option(packet.header.options, TIMESTAMPS)
    if at < 0 or packet.header.options.u8(at + 1) != 10:
        return -1
    return at + 2


@seldom
def put_options(packet: Packet, need: int, mss: int, head: int, first: int, second: int, scale: int) -> None:
    """Give a segment the options of a SYN; the last thing to be done to its header.

    Its payload is what is missing to the ``need`` bytes that they take. ``head``: the word before the timestamps
    ``first`` and ``second``; 0: there is no option but ``mss``.
    """
    size = packet.header.data_offset * 4 - 20
    at = 0
    while at < max(size, need):
        word = NO_OPERATIONS
        if at == 0:
            word = MSS << 24 | 4 << 16 | mss
        elif head != 0 and at == 4:
            word = head
        elif head != 0 and at == 8:
            word = first
        elif head != 0 and at == 12:
            word = second
        elif head != 0 and at == 16 and scale < NO_SCALE:
            word = 1 << 24 | WINDOW_SCALE << 16 | 3 << 8 | scale
        if at < size:
            packet.header.options.put_u32(at, word)
        else:
            packet.payload.put_u32(at - size, word)
        at += 4
    if need > size:
        packet.header.data_offset = 5 + need // 4


@seldom
def keep_timestamps(packet: Packet, kept: int, first: int, second: int) -> None:
    """A segment's options become padding, but for timestamps with these values if ``kept`` (they are there)."""
    size = packet.header.data_offset * 4 - 20
    at = 0
    while at < size:
        word = NO_OPERATIONS
        if kept and at == 0:
            word = ONLY_TIMESTAMPS
        elif kept and at == 4:
            word = first
        elif kept and at == 8:
            word = second
        packet.header.options.put_u32(at, word)
        at += 4


@seldom
def shift_sacks(packet: Packet, offset: int) -> None:
    """Add to the numbers of a segment's SACK option (RFC 2018, 3), which are of the other direction."""
    at = find_option(packet.header.options, SACK)
    if at < 0:
        return
    end = at + packet.header.options.u8(at + 1)
    at += 2
    while at + 4 <= end:
        packet.header.options.put_u32(at, (packet.header.options.u32(at) + offset) & MASK)
        at += 4
