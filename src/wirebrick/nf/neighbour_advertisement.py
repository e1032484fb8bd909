"""neighbour_advertisement: a neighbour solicitation becomes the answer to it. Shared by NFs with IPv6 addresses."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import Ethernet, ICMPv6, IPv6
from wirebrick.packet.packet import Packet

SOLICITATION, ADVERTISEMENT = 135, 136
SOURCE_MAC, TARGET_MAC = 1, 2  # options (RFC 4861, 4.6)
ROUTER, SOLICITED, OVERRIDE = 0x8000, 0x4000, 0x2000
SIZE = 8  # bytes behind the target: the option with its MAC address
SOLICITED_NODES = 0xFF02_0000_0000_0000_0000_0001_FF  # and 24 bits of the target
ALL_NODES = 0xFF02_0000_0000_0000_0000_0000_0000_0001
ALL_NODES_MAC = 0x3333_0000_0001


def is_solicitation(packet: Packet) -> bool:
    """Whether a packet (parsed up to NeighbourTarget) is a valid neighbour solicitation (RFC 4861, 7.1.1).

    The hop limit is 255, the target no multicast address, no option has length 0. One that comes from the
    unspecified address asks whether the target is in use (duplicate address detection): it goes to a
    solicited-node multicast address, and says no MAC address of its own. The checksum is not looked at.
    """
    ip, target = packet[IPv6], packet.header.target
    if packet[ICMPv6].type != SOLICITATION or ip.hop_limit != 255 or target >> 120 == 0xFF:
        return False
    if not options_fit(packet):
        return False
    if ip.src != 0:
        return True
    return ip.dst >> 24 == SOLICITED_NODES and mac_option(packet, SOURCE_MAC) < 0


def options_fit(packet: Packet) -> bool:
    """Whether the options behind the target fill the payload, none of them empty."""
    at = 0
    size = len(packet.payload)
    while at + 2 <= size:
        length = packet.payload.u8(at + 1) * 8
        if length == 0:
            return False
        at += length
    return at == size


def mac_option(packet: Packet, kind: int) -> int:
    """The MAC address in the option ``kind`` behind the target, or -1. The options must fit."""
    at = 0
    size = len(packet.payload)
    while at + 8 <= size:
        if packet.payload.u8(at) == kind and packet.payload.u8(at + 1) == 1:
            return packet.payload.u16(at + 2) << 32 | packet.payload.u32(at + 4)
        at += packet.payload.u8(at + 1) * 8
    return -1


def neighbour_advertisement(packet: Packet, mac: int, flags: int = OVERRIDE) -> None:
    """Turn a solicitation (``is_solicitation``) into the advertisement that its target is at ``mac`` (RFC 4861, 7.2.4).

    For user functions, which give the payload its size before, ``packet.payload.resize(SIZE)``, and send it
    back afterwards, with ``packet.egress = packet.ingress``. ``flags``: ROUTER, OVERRIDE; SOLICITED comes with
    them where somebody asked; who was probing hears it with all others.

    >>> import wirebrick
    >>> from wirebrick.addresses import IPv6Address
    >>> from wirebrick.headers import NeighbourTarget
    >>> @wirebrick.network_function
    ... def here(packets):
    ...     def answer(packet):
    ...         if is_solicitation(packet):
    ...             packet.payload.resize(SIZE)
    ...             neighbour_advertisement(packet, 0x02_0000_000009)
    ...     return packets.parse(Ethernet).parse(IPv6).parse(ICMPv6).parse(NeighbourTarget).transform(answer)
    >>> target = IPv6Address("2001:db8::9").to_bytes(16, "big")
    >>> ip = IPv6(src="2001:db8::1", dst="ff02::1:ff00:9", next_header=58, hop_limit=255, payload_length=24)
    >>> asks = bytes(ip) + bytes(ICMPv6(type=135)) + target
    >>> frame = bytes(Ethernet(dst="33:33:ff:00:00:09", src="02:00:00:00:00:01", ethertype=0x86DD)) + asks
    >>> answer = wirebrick.run(here, rx=[frame], interpret=True).packets[0]
    >>> answer[54:56].hex(), answer[78:].hex(" ", 2), IPv6.from_bytes(answer[14:]).dst
    ('8800', '0201 0200 0000 0009', IPv6Address('2001:db8::1'))
    """
    ethernet: Any = packet[Ethernet]
    ip: Any = packet[IPv6]
    icmp, payload = packet[ICMPv6], packet.payload
    icmp.type = ADVERTISEMENT
    icmp.sequence = 0
    if ip.src == 0:
        icmp.identifier = flags
        ip.dst = ALL_NODES
        ethernet.dst = ALL_NODES_MAC
    else:
        icmp.identifier = flags | SOLICITED
        ip.dst = ip.src
        ethernet.dst = ethernet.src
    ip.src = packet.header.target
    ethernet.src = mac
    payload.put_u8(0, TARGET_MAC)
    payload.put_u8(1, 1)
    payload.put_u16(2, mac >> 32)
    payload.put_u32(4, mac)
