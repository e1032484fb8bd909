"""ttl: age packets by one hop."""

from __future__ import annotations

from wirebrick.headers import Ethernet, IPv4, IPv6
from wirebrick.packet.packet import Packet
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

ICMPV6 = 58
FIRST, LAST = 133, 137  # types of messages: router and neighbour solicitation and advertisement, redirect


def discovers_neighbours(packet: Packet) -> bool:
    """Whether an IPv6 packet is a message of neighbour discovery (RFC 4861, 4)."""
    if packet.header.next_header != ICMPV6 or len(packet.payload) < 1:
        return False
    return FIRST <= packet.payload.u8(0) <= LAST


@network_function
def ttl(packets: Stream) -> Stream:
    """Age IP packets by one hop and drop those whose lifetime is over.

    Parameters
        None.

    What it does
        In IPv4 packets the TTL, in IPv6 packets the hop limit goes down by one, as in a router. A packet
        whose TTL or hop limit is 1 or 0 when it comes in is dropped. The checksum of the IPv4 header stays
        right if it was right. No ICMP message is sent. Everything else leaves unchanged: other ethertypes,
        frames with VLAN tags, frames that are cut short or malformed; and IPv6 neighbour discovery, which has
        the hop limit 255 to show that it crossed no router, and is ignored with any other: so hosts on both
        sides find each other.

    Drop reasons
        ``ttl_expired``: the TTL or the hop limit was 1 or 0.

    State
        None.

    Example
        ``wirebrick run ttl --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> from wirebrick.headers import Ethernet, IPv4
        >>> frame = bytes(Ethernet(ethertype=0x0800)) + bytes(IPv4(ttl=2)) + bytes(26)
        >>> result = wirebrick.run(ttl, rx=[frame], interpret=True)
        >>> IPv4.from_bytes(result.packets[0][14:34]).ttl
        1

    References
        RFC 1812, 5.3.1 (IPv4); RFC 8200, 3 (IPv6); RFC 4861, 3.1 and 11.2 (neighbour discovery); RFC 1624
        (checksum update). The TTL network function of the NetBricks paper (OSDI 2016).
    """
    others = Stream()

    def v4_alive(packet: Packet) -> bool:
        return bool(packet.header.ttl > 1)

    def v4_age(packet: Packet) -> None:
        packet.header.ttl -= 1

    def v6_alive(packet: Packet) -> bool:
        return bool(packet.header.hop_limit > 1)

    def v6_age(packet: Packet) -> None:
        if packet.header.hop_limit != 255 or not discovers_neighbours(packet):
            packet.header.hop_limit -= 1

    v4 = packets.parse(Ethernet).parse(IPv4, otherwise=others)
    v6 = others.parse(IPv6)
    return merge(
        v4.filter(v4_alive, reason="ttl_expired").transform(v4_age),
        v6.filter(v6_alive, reason="ttl_expired").transform(v6_age),
    )
