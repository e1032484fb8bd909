"""Tunnels to backends: IP in IP (RFC 2003, RFC 4213, RFC 2473) and GRE (RFC 2784)."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import GRE, Ethernet, IPv4, IPv6
from wirebrick.nf.checksum import followed_by
from wirebrick.nf.maglev.deliver import LOW
from wirebrick.nf.maglev.ways import GRE4, GRE6, IPIP4, IPIP6, NUMBER
from wirebrick.state.maglev import Maglev
from wirebrick.stream.stream import Stream

IP_IN_IP, IP6_IN_IP, GRE_IN_IP = 4, 41, 47
TTL = 64
DONT_FRAGMENT = 2
FIRST_WORD = 0x4500  # of an IPv4 header without options


def encapsulated(packets: Stream, way: int, maglev: Maglev) -> Stream:
    """Packets with the outer headers of a way (Ethernet parsed, and IP behind it not any more)."""

    def outer4(packet: Any) -> None:
        ip = packet.header
        backend = maglev.backend(packet.metadata.verdict >> NUMBER)
        ip.src = maglev.own().address4
        ip.dst = backend.address & LOW
        ip.ttl = TTL
        ip.flags = DONT_FRAGMENT
        inner6 = packet.payload.u8(0) >> 4 == 6
        ip.protocol = (IP6_IN_IP if inner6 else IP_IN_IP) if way == IPIP4 else GRE_IN_IP
        # Of what is known here: no byte is read again. The GRE header, which is pushed next, counts already.
        length = ip.total_length + (GRE.size if way == GRE4 else 0)
        total = FIRST_WORD + length + (DONT_FRAGMENT << 13) + (TTL << 8 | ip.protocol)
        total += (ip.src >> 16) + (ip.src & 0xFFFF) + (ip.dst >> 16) + (ip.dst & 0xFFFF)
        ip.checksum = followed_by(0xFFFF, total)
        address(packet, backend.mac)

    def outer6(packet: Any) -> None:
        ip = packet.header
        backend = maglev.backend(packet.metadata.verdict >> NUMBER)
        ip.src = maglev.own().address6
        ip.dst = backend.address
        ip.hop_limit = TTL
        inner6 = packet.payload.u8(0) >> 4 == 6
        ip.next_header = (IP6_IN_IP if inner6 else IP_IN_IP) if way == IPIP6 else GRE_IN_IP
        address(packet, backend.mac)

    def address(packet: Any, mac: int) -> None:
        packet[Ethernet].dst = mac
        packet[Ethernet].src = maglev.own().mac

    outer = packets.push(IPv4, outer4) if way in (IPIP4, GRE4) else packets.push(IPv6, outer6)
    return outer.push(GRE, checksums=False) if way in (GRE4, GRE6) else outer
