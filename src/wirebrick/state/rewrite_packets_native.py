"""Packets that a Rewrite sends: payload, lengths and checksums put in; further ones made at free positions."""

from __future__ import annotations

from wirebrick.packet.checksum import fold, sum_words, swap
from wirebrick.packet.edit import copy_head, frame_start
from wirebrick.packet.frame import (
    D_DATA,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    W_BURST,
    W_FRAME,
    W_MADE,
)
from wirebrick.packet.memory import (
    fill,
    load8,
    load16,
    load16be,
    load64,
    store16,
    store16be,
    store32,
    store64,
)

# Headers, by byte offset.
IPV4_LENGTH = 2
IPV4_IDENTIFICATION = 4
IPV4_FRAGMENT = 6
IPV4_CHECKSUM = 10
IPV4_ADDRESSES = 12
IPV6_LENGTH = 4
IPV6_ADDRESSES = 8
IPV6_HEADER = 40
UDP_LENGTH = 4
UDP_CHECKSUM = 6
UDP_HEADER = 8
TCP_SEQ = 4
TCP_ACK = 8
TCP_OFFSET = 12
TCP_FLAGS = 13
TCP_WINDOW = 14
TCP_CHECKSUM = 16
TCP_URGENT = 18
TCP_OPTIONS = 20

FIN = 1
SYN = 2
RST = 4
PSH = 8
ACK = 16
URG = 32
CWR = 128

PROTOCOL_TCP = 6
PROTOCOL_UDP = 17

# Options of TCP that can't survive: what they say is about numbers or bytes that change.
OPTION_END = 0
OPTION_NOP = 1
OPTION_MSS = 2
OPTION_SCALE = 3
SACK_PERMITTED = 4
SACK = 5
MULTIPATH = 30  # RFC 8684: its own numbers and checksum over the payload
FAST_OPEN = 34  # RFC 7413: payload with the SYN, which is not sent on

LARGEST_SCALE = 14  # RFC 7323, 2.3


def is_ipv4(ip: int) -> int:
    """1 for IPv4, 0 for IPv6."""
    return 1 if load8(ip) >> 4 == 4 else 0


def is_fragment(ip: int) -> int:
    """1 where the packet is a part of an IPv4 datagram."""
    return 1 if is_ipv4(ip) != 0 and load16be(ip + IPV4_FRAGMENT) & 0x3FFF != 0 else 0


def ip_end(ip: int) -> int:
    """Where the packet ends, as its IP header says."""
    if is_ipv4(ip) != 0:
        return ip + load16be(ip + IPV4_LENGTH)
    return ip + IPV6_HEADER + load16be(ip + IPV6_LENGTH)


def pseudo_sum(ip: int, protocol: int, size: int) -> int:
    """The sum of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1)."""
    total = swap(protocol) + swap(size)
    if is_ipv4(ip) != 0:
        return total + sum_words(ip + IPV4_ADDRESSES, 8)
    return total + sum_words(ip + IPV6_ADDRESSES, 32)


def is_intact(ip: int, header: int, protocol: int, size: int) -> int:
    """1 where the checksum of the TCP or UDP header, over ``size`` bytes from there, is right, or there is none.

    Or where only the sum of the pseudo-header stands there: so it does in packets of this machine whose sums its
    network card would have completed.
    """
    found = load16(header + (TCP_CHECKSUM if protocol == PROTOCOL_TCP else UDP_CHECKSUM))
    if protocol == PROTOCOL_UDP and found == 0:
        return 1
    pseudo = pseudo_sum(ip, protocol, size)
    if fold(pseudo + sum_words(header, size)) == 0xFFFF:
        return 1
    return 1 if found == fold(pseudo) else 0


def next_option(at: int, end: int) -> int:
    """Address of the first option at ``at`` or behind it that has a length, and has it whole before ``end``; or 0."""
    while at + 1 < end:
        kind = load8(at)
        if kind != OPTION_NOP:
            size = load8(at + 1)
            return at if kind != OPTION_END and size >= 2 and at + size <= end else 0
        at += 1
    return 0


def blank_options(tcp: int, header: int) -> int:
    """Make options that can't survive no-operations. ``header``: bytes of the TCP header."""
    end = tcp + header
    at = next_option(tcp + TCP_OPTIONS, end)
    while at != 0:
        size = load8(at + 1)
        if load8(at) in (SACK_PERMITTED, SACK, MULTIPATH, FAST_OPEN):
            fill(at, OPTION_NOP, size)
        at = next_option(at + size, end)
    return 0


def find_tcp_option(tcp: int, header: int, wanted: int, least: int) -> int:
    """Address of the data of an option with at least so many bytes of it, or 0."""
    end = tcp + header
    at = next_option(tcp + TCP_OPTIONS, end)
    while at != 0:
        size = load8(at + 1)
        if load8(at) == wanted and size >= least + 2:
            return at + 2
        at = next_option(at + size, end)
    return 0


def finish_ip(w: int, descriptor: int, ip_offset: int, size: int) -> int:
    """The packet is ``size`` bytes long now: descriptor, IP length and IPv4 checksum. Returns the IP's address."""
    ip = load64(descriptor + D_DATA) + ip_offset
    store32(descriptor + D_LENGTH, size)
    store32(descriptor + D_WIRE, size)
    if is_ipv4(ip) != 0:
        store16be(ip + IPV4_LENGTH, size - ip_offset)
        store16(ip + IPV4_CHECKSUM, 0)
        store16(ip + IPV4_CHECKSUM, ~fold(sum_words(ip, (load8(ip) & 15) * 4)))
    else:
        store16be(ip + IPV6_LENGTH, size - ip_offset - IPV6_HEADER)
    return ip


def finish_tcp(w: int, descriptor: int, ip_offset: int, tcp_offset: int, size: int) -> int:
    """The same, and the TCP checksum."""
    ip = finish_ip(w, descriptor, ip_offset, size)
    tcp = ip - ip_offset + tcp_offset
    length = size - tcp_offset
    store16(tcp + TCP_CHECKSUM, 0)
    store16(tcp + TCP_CHECKSUM, ~fold(pseudo_sum(ip, PROTOCOL_TCP, length) + sum_words(tcp, length)))
    return 0


def finish_udp(w: int, descriptor: int, ip_offset: int, udp_offset: int, size: int) -> int:
    """The same for UDP: its length, and its checksum; where there was none (IPv4 only), none."""
    ip = finish_ip(w, descriptor, ip_offset, size)
    udp = ip - ip_offset + udp_offset
    length = size - udp_offset
    store16be(udp + UDP_LENGTH, length)
    if is_ipv4(ip) != 0 and load16(udp + UDP_CHECKSUM) == 0:
        return 0
    store16(udp + UDP_CHECKSUM, 0)
    checksum = ~fold(pseudo_sum(ip, PROTOCOL_UDP, length) + sum_words(udp, length)) & 0xFFFF
    store16(udp + UDP_CHECKSUM, checksum if checksum != 0 else 0xFFFF)
    return 0


def payload_room(w: int, descriptor: int, begin: int) -> int:
    """Bytes of payload that the frame has room for."""
    end = frame_start(w, descriptor) + load64(w + W_FRAME)
    return end - load64(descriptor + D_DATA) - begin


def next_packet(w: int, position: int, ip_offset: int, begin: int, number: int) -> int:
    """A packet at the next free position with the headers (``begin`` bytes) of that at ``position``; -1: none is free.

    ``number`` tells it from the first in its IPv4 identification.
    """
    burst = load64(w + W_BURST)
    free = copy_head(w, burst + position * DESCRIPTOR, begin)
    if free < 0:
        return -1
    ip = load64(burst + free * DESCRIPTOR + D_DATA) + ip_offset
    if is_ipv4(ip) != 0:
        identification = ip + IPV4_IDENTIFICATION
        store16be(identification, load16be(identification) + number)
    store64(w + W_MADE, load64(w + W_MADE) + 1)
    return free
