"""Finding the transport header of a frame: where it begins, where it ends, what it is. Plain code, also compiled.

Ethernet, any number of VLAN tags (IEEE 802.1Q), IPv4 (RFC 791) or IPv6 with extension headers (RFC 8200).

>>> import ctypes
>>> frame = bytes(12) + bytes.fromhex("0800 4500001c00000000 40110000") + bytes(8 + 8)
>>> cells = ctypes.create_string_buffer(frame)
>>> transport(ctypes.addressof(cells), len(frame))
(14, 17, 34, 42)
"""

from __future__ import annotations

from wirebrick.packet.checksum import sum_words, swap
from wirebrick.packet.memory import load8, load16be

ETHERNET = 14
TCP = 6
UDP = 17


def transport(data: int, length: int) -> tuple[int, int, int, int]:
    """Offsets and protocol: (network header, protocol, transport header, end of its segment); protocol 0: none.

    None is also where a fragment has only a part of it, where an IPv6 packet isn't at its last destination yet
    (its addresses are not those of the pseudo-header), and where lengths don't fit the frame.
    """
    network = ETHERNET - 2
    ethertype = 0x8100
    while ethertype in (0x8100, 0x88A8):
        if network + 2 > length:
            return 0, 0, 0, 0
        ethertype = load16be(data + network)
        network += 2 if ethertype not in (0x8100, 0x88A8) else 4
    if ethertype == 0x0800 and network + 20 <= length:
        return ipv4(data, length, network)
    if ethertype == 0x86DD and network + 40 <= length:
        return ipv6(data, length, network)
    return 0, 0, 0, 0


def ipv4(data: int, length: int, network: int) -> tuple[int, int, int, int]:
    """What follows an IPv4 header."""
    header = data + network
    at = network + (load8(header) & 15) * 4
    end = network + load16be(header + 2)
    fragment = load16be(header + 6) & 0x3FFF
    if load8(header) >> 4 != 4 or at < network + 20 or at > end or end > length or fragment != 0:
        return 0, 0, 0, 0
    return network, load8(header + 9), at, end


def ipv6(data: int, length: int, network: int) -> tuple[int, int, int, int]:
    """What follows an IPv6 header and its extension headers."""
    header = data + network
    at = network + 40
    end = at + load16be(header + 4)
    kind = load8(header + 6)
    if load8(header) >> 4 != 6 or end > length:
        return 0, 0, 0, 0
    while kind in (0, 43, 51, 60):
        if at + 8 > end:
            return 0, 0, 0, 0
        if kind == 43 and load8(data + at + 3) != 0:  # segments left
            return 0, 0, 0, 0
        size = (load8(data + at + 1) + 1) * 8
        if kind == 51:
            size = (load8(data + at + 1) + 2) * 4  # RFC 4302, 2.2
        kind = load8(data + at)
        at += size
    if at > end or kind == 44:
        return 0, 0, 0, 0
    return network, kind, at, end


def pseudo_sum(data: int, network: int, protocol: int, size: int) -> int:
    """The sum (not folded) of the pseudo-header of a segment of ``size`` bytes: RFC 9293, 3.1; RFC 8200, 8.1."""
    addresses = data + network + 12
    bytes_of_them = 8
    if load8(data + network) >> 4 == 6:
        addresses = data + network + 8
        bytes_of_them = 32
    return sum_words(addresses, bytes_of_them) + (protocol << 8) + swap(size)
