"""Translating whole TCP, UDP and ICMP query packets: the user functions of both directions.

An address and a port change together, so of TCP and UDP each checksum is updated once, for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.addresses import IPv4Address
from wirebrick.headers import IPv4
from wirebrick.nf.checksum import difference, followed_by, followed_udp_by, word_difference
from wirebrick.nf.nat.icmp_error import error_functions
from wirebrick.nf.nat.reasons import refuse
from wirebrick.nf.nat.tables import Tables
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.bindings_layout import ICMP, TCP, UDP
from wirebrick.state.bindings_native import HAIRPIN

REQUESTS = (8, 13, 15, 17)  # ICMP types with an identifier: echo, timestamp, information, mask
REPLIES = (0, 14, 16, 18)
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
    begin, onward, bindings, forwards = tables.begin, tables.onward, tables.bindings, tables.forwards
    error, _ = error_functions(tables)

    def leaving(protocol: int) -> Work:
        def leave(packet: Packet) -> None:
            ip, upper = packet[IPv4], packet.header
            flags = upper.flags if protocol == TCP else 0
            found = bindings.leave(protocol, ip.src, upper.src_port, ip.dst, upper.dst_port, flags)
            if found < 0:
                found = begin(protocol, ip.src, upper.src_port, ip.dst, upper.dst_port, flags)
                if found < 0:
                    refuse(packet, found)
                    return
            address, port = found >> 16 & ADDRESS, found & 0xFFFF
            change = difference(ip.src, address)
            ip.checksum = followed_by(ip.checksum, change)
            change += word_difference(upper.src_port, port)
            if protocol == TCP:
                upper.checksum = followed_by(upper.checksum, change)
            else:
                upper.checksum = followed_udp_by(upper.checksum, change)
            ip.src = IPv4Address(address)
            upper.src_port = port
            onward(packet, found >= HAIRPIN)

        return leave

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

    @seldom
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
        found = bindings.leave(ICMP, ip.src, icmp.identifier, ip.dst, 0, 0)
        if found < 0:
            found = begin(ICMP, ip.src, icmp.identifier, ip.dst, 0, 0)
            if found < 0:
                refuse(packet, found)
                return
        ip.src = IPv4Address(found >> 16 & ADDRESS)
        icmp.identifier = found & 0xFFFF
        onward(packet, found >= HAIRPIN)

    return Direction(leaving(TCP), leaving(UDP), leave_icmp)


def inward_functions(tables: Tables) -> Direction:
    """From outside: the destination, an external endpoint, becomes the inside one."""
    enter, inside, bindings, forwards = tables.enter, tables.inside, tables.bindings, tables.forwards
    _, error = error_functions(tables)

    def arriving(protocol: int) -> Work:
        def arrive(packet: Packet) -> None:
            ip, upper = packet[IPv4], packet.header
            flags = upper.flags if protocol == TCP else 0
            found = bindings.arrive(protocol, ip.src, upper.src_port, ip.dst, upper.dst_port, flags)
            if found < 0:
                found = enter(protocol, ip.src, upper.src_port, ip.dst, upper.dst_port, flags)
                if found < 0:
                    refuse(packet, found)
                    return
            address, port = found >> 16, found & 0xFFFF
            change = difference(ip.dst, address)
            ip.checksum = followed_by(ip.checksum, change)
            change += word_difference(upper.dst_port, port)
            if protocol == TCP:
                upper.checksum = followed_by(upper.checksum, change)
            else:
                upper.checksum = followed_udp_by(upper.checksum, change)
            ip.dst = IPv4Address(address)
            upper.dst_port = port
            packet.egress = inside

        return arrive

    def question(packet: Packet) -> None:
        ip = packet[IPv4]
        found = forwards.inside(ICMP, ip.dst, packet.header.identifier)
        if found == 0:
            packet.drop("no_binding")
            return
        ip.dst = IPv4Address(found >> 16)
        packet.header.identifier = found & 0xFFFF
        packet.egress = inside

    @seldom
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
        found = bindings.arrive(ICMP, ip.src, 0, ip.dst, icmp.identifier, 0)
        if found < 0:
            found = enter(ICMP, ip.src, 0, ip.dst, icmp.identifier, 0)
            if found < 0:
                refuse(packet, found)
                return
        ip.dst = IPv4Address(found >> 16)
        icmp.identifier = found & 0xFFFF
        packet.egress = inside

    return Direction(arriving(TCP), arriving(UDP), arrive_icmp)
