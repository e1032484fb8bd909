"""Fragments through a NAT: the first one has the ports, the later ones go where it went (RFC 4787, REQ-14).

One that comes before its first waits a moment, and is looked at once more. Where the first ones went all workers know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.fields import U8, U16, U32, IPv4Address
from wirebrick.nf.nat.checksum import ICMP, TCP, UDP, follow_payload
from wirebrick.nf.nat.reasons import refuse
from wirebrick.nf.nat.tables import Tables
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state import bindings_layout as layout
from wirebrick.state.bindings_native import HAIRPIN
from wirebrick.state.consistency import Strict
from wirebrick.state.record import Record
from wirebrick.state.table import Table

ADDRESS = 0xFFFFFFFF
LEAST_TCP = 20  # bytes of a first fragment: fewer hide flags in the second one (RFC 1858, 3)
LEAST = 8
ECHOES = (0, 8)
LIFETIME = 30.0  # seconds; hosts wait for as long (RFC 1122, 3.3.2: 60 to 120; Linux: 30)

WAIT = 50_000_000  # nanoseconds that a fragment waits for its first
WAITING = 256  # fragments that may wait at once

Work = Callable[[Packet], None]
When = Callable[[Packet], int]


@dataclass(frozen=True)
class FragmentWork:
    """User functions for fragments of one side (IPv4 parsed): when they go on, and what is done then."""

    when: When
    work: Work


class Datagram(Record):
    """What fragments of a datagram have in common (RFC 791, 3.2)."""

    src: IPv4Address
    dst: IPv4Address
    identification: U16
    protocol: U8
    outward: U8


class Way(Record):
    """What became of the first fragment: the new address, and whether it went back inside."""

    address: U32
    hairpin: U8


def fragment_functions(tables: Tables, capacity: int) -> tuple[FragmentWork, FragmentWork]:
    """The user functions for fragments from inside and from outside."""
    ways = Table(Datagram, Way, capacity=capacity, idle_timeout=LIFETIME, consistency=Strict())
    bindings, begin, enter = tables.bindings, tables.begin, tables.enter
    inside, onward = tables.inside, tables.onward

    def number_of(packet: Packet) -> int:
        """The number of the protocol of a first fragment in the bindings, or -1: it can't be translated."""
        protocol, payload = packet.header.protocol, packet.payload
        if protocol == TCP and len(payload) >= LEAST_TCP:
            return layout.TCP
        if protocol == UDP and len(payload) >= LEAST:
            return layout.UDP
        if protocol == ICMP and len(payload) >= LEAST and payload.u8(0) in ECHOES:
            return layout.ICMP
        return -1

    def put_port(packet: Packet, at: int, port: int) -> None:
        old = packet.payload.u16(at)
        follow_payload(packet, 0, packet.header.protocol, old, port)
        packet.payload.put_u16(at, port)

    @seldom
    def leave_fragment(packet: Packet) -> None:
        ip, payload = packet.header, packet.payload
        key = Datagram(
            src=ip.src, dst=ip.dst, identification=ip.identification, protocol=ip.protocol, outward=1
        )
        if ip.fragment_offset == 0:
            protocol = number_of(packet)
            if protocol < 0:
                packet.drop("fragment_malformed")
                return
            is_icmp = protocol == layout.ICMP
            port_at = 4 if is_icmp else 0
            flags = payload.u8(13) if protocol == layout.TCP else 0
            dst_port = 0 if is_icmp else payload.u16(2)
            found = bindings.leave(protocol, ip.src, payload.u16(port_at), ip.dst, dst_port, flags)
            if found < 0:
                found = begin(protocol, ip.src, payload.u16(port_at), ip.dst, dst_port, flags)
                if found < 0:
                    refuse(packet, found)
                    return
            put_port(packet, port_at, found & 0xFFFF)
            way = ways[key]
            way.address = found >> 16 & ADDRESS
            way.hairpin = 1 if found >= HAIRPIN else 0
        elif key not in ways:
            packet.drop("fragment_unknown")
            return
        way = ways[key]
        ip.src = way.address
        onward(packet, way.hairpin != 0)

    @seldom
    def arrive_fragment(packet: Packet) -> None:
        ip, payload = packet.header, packet.payload
        key = Datagram(
            src=ip.src, dst=ip.dst, identification=ip.identification, protocol=ip.protocol, outward=0
        )
        if ip.fragment_offset == 0:
            protocol = number_of(packet)
            if protocol < 0:
                packet.drop("fragment_malformed")
                return
            is_icmp = protocol == layout.ICMP
            port_at = 4 if is_icmp else 2
            flags = payload.u8(13) if protocol == layout.TCP else 0
            src_port = 0 if is_icmp else payload.u16(0)
            found = bindings.arrive(protocol, ip.src, src_port, ip.dst, payload.u16(port_at), flags)
            if found < 0:
                found = enter(protocol, ip.src, src_port, ip.dst, payload.u16(port_at), flags)
                if found < 0:
                    refuse(packet, found)
                    return
            put_port(packet, port_at, found & 0xFFFF)
            way = ways[key]
            way.address = found >> 16
        elif key not in ways:
            packet.drop("fragment_unknown")
            return
        ip.dst = ways[key].address
        packet.egress = inside

    @seldom
    def leave_when(packet: Packet) -> int:
        ip = packet.header
        key = Datagram(
            src=ip.src, dst=ip.dst, identification=ip.identification, protocol=ip.protocol, outward=1
        )
        if ip.fragment_offset == 0 or key in ways:
            return 0
        return packet.timestamp + WAIT

    @seldom
    def arrive_when(packet: Packet) -> int:
        ip = packet.header
        key = Datagram(
            src=ip.src, dst=ip.dst, identification=ip.identification, protocol=ip.protocol, outward=0
        )
        if ip.fragment_offset == 0 or key in ways:
            return 0
        return packet.timestamp + WAIT

    return FragmentWork(leave_when, leave_fragment), FragmentWork(arrive_when, arrive_fragment)
