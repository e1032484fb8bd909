"""Where packets of a NAT go when there are several workers: both directions of a mapping to the same one.

Each worker has ports of its own (``bindings_layout.bindings_ports``): of the pairs of an even and an odd port, number
q is that of worker q modulo their number. So a packet from outside belongs to the worker of its port, one from inside
to the worker of its host. A later fragment has no port: any worker knows where the first one went.
"""

from __future__ import annotations

from collections.abc import Callable

from wirebrick.nf.nat.checksum import ICMP, TCP, UDP
from wirebrick.packet.packet import Packet
from wirebrick.state import bindings_layout as layout
from wirebrick.state.static_mappings import StaticMappings

ERRORS = (3, 4, 11, 12)
MIX = 0x9E3779B1

By = Callable[[Packet], int]


def host_number(address: int) -> int:
    """A number without a pattern for a host."""
    return (address * MIX & 0xFFFFFFFF) >> 16


def by_host(packet: Packet) -> int:
    """The queue of a packet from inside (IPv4 parsed)."""
    return host_number(packet.header.src)


def by_port(forwards: StaticMappings) -> By:
    """The user function that gives the queue of a packet from outside (IPv4 parsed)."""

    def port_queue(packet: Packet) -> int:
        ip, payload = packet.header, packet.payload
        if ip.fragment_offset != 0 or len(payload) < 8:
            return 0
        protocol, port = layout.UDP, 0
        if ip.protocol == TCP:
            protocol, port = layout.TCP, payload.u16(2)
        elif ip.protocol == UDP:
            port = payload.u16(2)
        elif ip.protocol == ICMP:
            protocol, port = layout.ICMP, payload.u16(4)
            if payload.u8(0) in ERRORS:
                if len(payload) < 36:
                    return 0
                size = (payload.u8(8) & 15) * 4
                if size < 20 or len(payload) < size + 16:
                    return 0
                port = payload.u16(8 + size)
                if payload.u8(17) == TCP:
                    protocol = layout.TCP
                elif payload.u8(17) == UDP:
                    protocol = layout.UDP
                else:
                    port = payload.u16(12 + size)
        host = forwards.inside(protocol, ip.dst, port)
        return host_number(host >> 16) if host != 0 else port >> 1

    return port_queue
