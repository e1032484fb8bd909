"""nat: the network function."""

from __future__ import annotations

from typing import Literal

from wirebrick.headers import ICMP, TCP, UDP, Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.nat.fragments import fragment_functions
from wirebrick.nf.nat.settings import external_addresses
from wirebrick.nf.nat.tables import make_tables
from wirebrick.nf.nat.translate import Direction, Work, inward_functions, outward_functions
from wirebrick.packet.packet import Packet
from wirebrick.state.bindings import Bindings
from wirebrick.state.static_mappings import StaticMappings
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream


@network_function
def nat(
    packets: Stream,
    *,
    addresses: str,
    inside: str = "in",
    outside: str = "out",
    filtering: Literal["endpoint", "address", "port"] = "address",
) -> Stream:
    """Translate addresses."""
    bindings = Bindings(external_addresses(addresses), capacity=1 << 20, filtering=filtering)
    forwards = StaticMappings(capacity=16)
    tables = make_tables(bindings, forwards, inside, outside)
    leave_fragment, arrive_fragment = fragment_functions(tables, 4096)

    def side(packet: Packet) -> int:
        return 1 if packet.ingress == outside else 0

    def back(packet: Packet) -> int:
        return 1 if packet.egress == inside else 0

    found = ip_packets(packets.parse(Ethernet))
    from_inside, from_outside = found.v4.group_by(2, side)
    left = _translated(from_inside, outward_functions(tables), leave_fragment)
    away, returning = left.group_by(2, back)
    arriving = merge(from_outside, returning)
    arrived = _translated(arriving, inward_functions(tables), arrive_fragment)
    return merge(away, arrived, found.v6, *found.rest)


def _translated(packets: Stream, work: Direction, fragment: Work) -> Stream:
    """IPv4 packets, by protocol."""
    tcp, udp, icmp, fragments, other = packets.group_by(5, _kind)
    other.drop("protocol")
    return merge(
        udp.parse(UDP, otherwise="drop").transform(work.udp),
        tcp.parse(TCP, otherwise="drop").transform(work.tcp),
        icmp.parse(ICMP, otherwise="drop").transform(work.icmp),
        fragments.transform(fragment),
    )


def _kind(packet: Packet) -> int:
    """Which of the streams: TCP, UDP, ICMP, fragments, others."""
    ip = packet.header
    if ip.fragment_offset != 0 or ip.more_fragments != 0:
        return 3
    if ip.protocol == 17:
        return 1
    if ip.protocol == 6:
        return 0
    return 2 if ip.protocol == 1 else 4
