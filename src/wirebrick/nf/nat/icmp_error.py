"""ICMP errors through a NAT (RFC 5508, 4 and 7): the packet they quote is translated with them."""

from __future__ import annotations

from collections.abc import Callable

from wirebrick.addresses import IPv4Address
from wirebrick.headers import IPv4
from wirebrick.nf.nat.checksum import follow_payload, followed, icmp_sum_is_right
from wirebrick.nf.nat.tables import Tables
from wirebrick.packet.packet import Packet
from wirebrick.state import bindings_layout as layout

QUERIES = (0, 8, 13, 14, 15, 16, 17, 18)
TCP_PROTOCOL, UDP_PROTOCOL, ICMP_PROTOCOL = 6, 17, 1
LEAST = 8  # bytes that are quoted behind the IP header
NONE = -1

Work = Callable[[Packet], None]


def quoted_header(packet: Packet) -> int:
    """Bytes of the IP header that the error quotes, or NONE: it isn't one of a packet that could be translated."""
    payload = packet.payload
    if len(payload) < 20 + LEAST or payload.u8(0) >> 4 != 4:
        return NONE
    size = (payload.u8(0) & 15) * 4
    if size < 20 or len(payload) < size + LEAST or payload.u16(6) & 0x1FFF != 0:
        return NONE
    return size


def quoted_protocol(packet: Packet, size: int) -> int:
    """The number of the quoted packet's protocol in the bindings, or NONE."""
    protocol = packet.payload.u8(9)
    if protocol == TCP_PROTOCOL:
        return layout.TCP
    if protocol == UDP_PROTOCOL:
        return layout.UDP
    if protocol == ICMP_PROTOCOL and packet.payload.u8(size) in QUERIES:
        return layout.ICMP
    return NONE


def put_endpoint(packet: Packet, size: int, address_at: int, port_at: int, new: int) -> None:
    """Put an endpoint into the quoted packet; its checksums follow, as far as they are quoted."""
    payload = packet.payload
    protocol = payload.u8(9)
    address, port = payload.u32(address_at), payload.u16(port_at)
    payload.put_u16(10, followed(payload.u16(10), address, new >> 16))
    # ICMP has no pseudo-header: its checksum covers only the identifier.
    old = port if protocol == ICMP_PROTOCOL else address << 16 | port
    follow_payload(packet, size, protocol, old, new & 0xFFFF if protocol == ICMP_PROTOCOL else new)
    payload.put_u32(address_at, new >> 16)
    payload.put_u16(port_at, new & 0xFFFF)


def error_functions(tables: Tables) -> tuple[Work, Work]:
    """The user functions for errors from inside and from outside. They keep no session alive (RFC 7857, 7)."""
    bindings, forwards = tables.bindings, tables.forwards
    inside, onward = tables.inside, tables.onward

    def leave_error(packet: Packet) -> None:
        size = quoted_header(packet)
        protocol = NONE if size < 0 else quoted_protocol(packet, size)
        if protocol < 0:
            packet.drop("icmp_quote")
            return
        if not icmp_sum_is_right(packet):
            packet.drop("icmp_checksum")
            return
        payload = packet.payload
        remote, host = payload.u32(12), payload.u32(16)
        if packet[IPv4].dst != remote:
            packet.drop("icmp_quote")
            return
        remote_port = 0 if protocol == layout.ICMP else payload.u16(size)
        port_at = size + 4 if protocol == layout.ICMP else size + 2
        port = payload.u16(port_at)
        static = forwards.external(protocol, host, port)
        found = bindings.external(protocol, host, port, remote, remote_port, static)
        if found < 0:
            packet.drop("icmp_unknown")
            return
        put_endpoint(packet, size, 16, port_at, found)
        ip = packet[IPv4]
        ip.src = IPv4Address(found >> 16)
        onward(packet, bindings.owns(ip.dst) or forwards.owns(ip.dst))

    def arrive_error(packet: Packet) -> None:
        size = quoted_header(packet)
        protocol = NONE if size < 0 else quoted_protocol(packet, size)
        if protocol < 0:
            packet.drop("icmp_quote")
            return
        if not icmp_sum_is_right(packet):
            packet.drop("icmp_checksum")
            return
        payload = packet.payload
        external, remote = payload.u32(12), payload.u32(16)
        if packet[IPv4].dst != external:
            packet.drop("icmp_quote")
            return
        port_at = size + 4 if protocol == layout.ICMP else size
        remote_port = 0 if protocol == layout.ICMP else payload.u16(size + 2)
        port = payload.u16(port_at)
        found = bindings.inside(protocol, external, port, remote, remote_port)
        if found < 0:
            found = forwards.inside(protocol, external, port)
        if found <= 0:
            packet.drop("icmp_unknown")
            return
        put_endpoint(packet, size, 12, port_at, found)
        packet[IPv4].dst = IPv4Address(found >> 16)
        packet.egress = inside

    return leave_error, arrive_error
