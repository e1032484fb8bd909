"""Translating whole TCP, UDP and ICMP query packets: the user functions of both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.headers import IPv4
from wirebrick.nf.nat.icmp_error import error_functions
from wirebrick.nf.nat.reasons import refuse
from wirebrick.nf.nat.tables import Tables
from wirebrick.packet.packet import Packet
from wirebrick.state.bindings_layout import ICMP, TCP, UDP
from wirebrick.state.bindings_native import HAIRPIN

QUERIES = (0, 8, 13, 14, 15, 16, 17, 18)  # ICMP types with an identifier: echo, timestamp, information, mask
ERRORS = (3, 4, 11, 12)  # with the packet they are about
ADDRESS = 0xFFFFFFFF

Work = Callable[[Packet], None]


@dataclass(frozen=True)
class Direction:
    """What is done with parsed packets of each protocol."""

    tcp: Work
    udp: Work
    icmp: Work


def outward_functions(tables: Tables) -> Direction:
    """From inside: the source becomes an external endpoint. A packet to one of these comes back inside (hairpin)."""
    ask, onward = tables.outward, tables.onward
    error, _ = error_functions(tables)

    def leave_tcp(packet: Packet) -> None:
        ip, tcp = packet[IPv4], packet.header
        found = ask(TCP, ip.src, tcp.src_port, ip.dst, tcp.dst_port, tcp.flags)
        if found < 0:
            refuse(packet, found)
            return
        ip.src = found >> 16 & ADDRESS
        tcp.src_port = found & 0xFFFF
        onward(packet, found >= HAIRPIN)

    def leave_udp(packet: Packet) -> None:
        ip, udp = packet[IPv4], packet.header
        found = ask(UDP, ip.src, udp.src_port, ip.dst, udp.dst_port, 0)
        if found < 0:
            refuse(packet, found)
            return
        ip.src = found >> 16 & ADDRESS
        udp.src_port = found & 0xFFFF
        onward(packet, found >= HAIRPIN)

    def leave_icmp(packet: Packet) -> None:
        ip, icmp = packet[IPv4], packet.header
        if icmp.type in ERRORS:
            error(packet)
            return
        if icmp.type not in QUERIES:
            packet.drop("icmp_type")
            return
        found = ask(ICMP, ip.src, icmp.identifier, ip.dst, 0, 0)
        if found < 0:
            refuse(packet, found)
            return
        ip.src = found >> 16 & ADDRESS
        icmp.identifier = found & 0xFFFF
        onward(packet, found >= HAIRPIN)

    return Direction(leave_tcp, leave_udp, leave_icmp)


def inward_functions(tables: Tables) -> Direction:
    """From outside: the destination, an external endpoint, becomes the inside one."""
    ask, inside = tables.inward, tables.inside
    _, error = error_functions(tables)

    def arrive_tcp(packet: Packet) -> None:
        ip, tcp = packet[IPv4], packet.header
        found = ask(TCP, ip.src, tcp.src_port, ip.dst, tcp.dst_port, tcp.flags)
        if found < 0:
            refuse(packet, found)
            return
        ip.dst = found >> 16
        tcp.dst_port = found & 0xFFFF
        packet.egress = inside

    def arrive_udp(packet: Packet) -> None:
        ip, udp = packet[IPv4], packet.header
        found = ask(UDP, ip.src, udp.src_port, ip.dst, udp.dst_port, 0)
        if found < 0:
            refuse(packet, found)
            return
        ip.dst = found >> 16
        udp.dst_port = found & 0xFFFF
        packet.egress = inside

    def arrive_icmp(packet: Packet) -> None:
        ip, icmp = packet[IPv4], packet.header
        if icmp.type in ERRORS:
            error(packet)
            return
        if icmp.type not in QUERIES:
            packet.drop("icmp_type")
            return
        found = ask(ICMP, ip.src, 0, ip.dst, icmp.identifier, 0)
        if found < 0:
            refuse(packet, found)
            return
        ip.dst = found >> 16
        icmp.identifier = found & 0xFFFF
        packet.egress = inside

    return Direction(arrive_tcp, arrive_udp, arrive_icmp)
