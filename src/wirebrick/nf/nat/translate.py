"""Translating whole TCP, UDP and ICMP query packets: the user functions of both directions.

An address and a port change together, so of TCP and UDP each checksum is updated once, for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.addresses import IPv4Address
from wirebrick.headers import IPv4
from wirebrick.nf.nat.checksum import followed, followed_udp
from wirebrick.nf.nat.icmp_error import error_functions
from wirebrick.nf.nat.reasons import refuse
from wirebrick.nf.nat.tables import Tables
from wirebrick.packet.packet import Packet
from wirebrick.state.bindings_layout import ICMP, TCP, UDP
from wirebrick.state.bindings_native import HAIRPIN

REQUESTS = (8, 13, 15, 17)  # ICMP types with an identifier: echo, timestamp, information, mask
REPLIES = (0, 14, 16, 18)
ERRORS = (3, 4, 11, 12)  # with the packet they are about
ADDRESS = 0xFFFFFFFF
ENDPOINT = (1 << 48) - 1  # the bits of an address and a port

Work = Callable[[Packet], None]


@dataclass(frozen=True)
class Direction:
    """What is done with parsed packets of each protocol."""

    tcp: Work
    udp: Work
    icmp: Work


def outward_functions(tables: Tables) -> Direction:
    """From inside: the source becomes an external endpoint. A packet to one of these comes back inside (hairpin)."""
    ask, onward, bindings, forwards = tables.outward, tables.onward, tables.bindings, tables.forwards
    error, _ = error_functions(tables)

    def leave_tcp(packet: Packet) -> None:
        ip, tcp = packet[IPv4], packet.header
        found = ask(TCP, ip.src, tcp.src_port, ip.dst, tcp.dst_port, tcp.flags)
        if found < 0:
            refuse(packet, found)
            return
        new = found & ENDPOINT
        old = ip.src << 16 | tcp.src_port
        ip.checksum = followed(ip.checksum, old >> 16, new >> 16)
        tcp.checksum = followed(tcp.checksum, old, new)
        ip.src = IPv4Address(new >> 16)
        tcp.src_port = new & 0xFFFF
        onward(packet, found >= HAIRPIN)

    def leave_udp(packet: Packet) -> None:
        ip, udp = packet[IPv4], packet.header
        found = ask(UDP, ip.src, udp.src_port, ip.dst, udp.dst_port, 0)
        if found < 0:
            refuse(packet, found)
            return
        new = found & ENDPOINT
        old = ip.src << 16 | udp.src_port
        ip.checksum = followed(ip.checksum, old >> 16, new >> 16)
        udp.checksum = followed_udp(udp.checksum, old, new)
        ip.src = IPv4Address(new >> 16)
        udp.src_port = new & 0xFFFF
        onward(packet, found >= HAIRPIN)

    def answer(packet: Packet) -> None:
        # To a request that came in: only static mappings let these pass.
        ip = packet[IPv4]
        found = forwards.external(ICMP, ip.src, packet.header.identifier)
        if found == 0:
            packet.drop("no_session")
            return
        ip.src = IPv4Address(found >> 16)
        packet.header.identifier = found & 0xFFFF
        onward(packet, bindings.owns(ip.dst) or forwards.owns(ip.dst))

    def leave_icmp(packet: Packet) -> None:
        ip, icmp = packet[IPv4], packet.header
        if icmp.type in ERRORS:
            error(packet)
            return
        if icmp.type in REPLIES:
            answer(packet)
            return
        if icmp.type not in REQUESTS:
            packet.drop("icmp_type")
            return
        found = ask(ICMP, ip.src, icmp.identifier, ip.dst, 0, 0)
        if found < 0:
            refuse(packet, found)
            return
        ip.src = IPv4Address(found >> 16 & ADDRESS)
        icmp.identifier = found & 0xFFFF
        onward(packet, found >= HAIRPIN)

    return Direction(leave_tcp, leave_udp, leave_icmp)


def inward_functions(tables: Tables) -> Direction:
    """From outside: the destination, an external endpoint, becomes the inside one."""
    ask, inside, forwards = tables.inward, tables.inside, tables.forwards
    _, error = error_functions(tables)

    def arrive_tcp(packet: Packet) -> None:
        ip, tcp = packet[IPv4], packet.header
        found = ask(TCP, ip.src, tcp.src_port, ip.dst, tcp.dst_port, tcp.flags)
        if found < 0:
            refuse(packet, found)
            return
        old = ip.dst << 16 | tcp.dst_port
        ip.checksum = followed(ip.checksum, old >> 16, found >> 16)
        tcp.checksum = followed(tcp.checksum, old, found)
        ip.dst = IPv4Address(found >> 16)
        tcp.dst_port = found & 0xFFFF
        packet.egress = inside

    def arrive_udp(packet: Packet) -> None:
        ip, udp = packet[IPv4], packet.header
        found = ask(UDP, ip.src, udp.src_port, ip.dst, udp.dst_port, 0)
        if found < 0:
            refuse(packet, found)
            return
        old = ip.dst << 16 | udp.dst_port
        ip.checksum = followed(ip.checksum, old >> 16, found >> 16)
        udp.checksum = followed_udp(udp.checksum, old, found)
        ip.dst = IPv4Address(found >> 16)
        udp.dst_port = found & 0xFFFF
        packet.egress = inside

    def question(packet: Packet) -> None:
        ip = packet[IPv4]
        found = forwards.inside(ICMP, ip.dst, packet.header.identifier)
        if found == 0:
            packet.drop("no_binding")
            return
        ip.dst = IPv4Address(found >> 16)
        packet.header.identifier = found & 0xFFFF
        packet.egress = inside

    def arrive_icmp(packet: Packet) -> None:
        ip, icmp = packet[IPv4], packet.header
        if icmp.type in ERRORS:
            error(packet)
            return
        if icmp.type in REQUESTS:
            question(packet)
            return
        if icmp.type not in REPLIES:
            packet.drop("icmp_type")
            return
        found = ask(ICMP, ip.src, 0, ip.dst, icmp.identifier, 0)
        if found < 0:
            refuse(packet, found)
            return
        ip.dst = IPv4Address(found >> 16)
        icmp.identifier = found & 0xFFFF
        packet.egress = inside

    return Direction(arrive_tcp, arrive_udp, arrive_icmp)
