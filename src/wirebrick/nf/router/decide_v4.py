"""What becomes of an IPv4 packet (RFC 1812, 5.2 and 5.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.headers import Ethernet
from wirebrick.nf.icmp_error import FRAGMENTATION_NEEDED, HOST, NET, PROHIBITED, TIME_EXCEEDED
from wirebrick.nf.icmp_error import UNREACHABLE as UNREACHABLE_TYPE
from wirebrick.nf.router import links as at
from wirebrick.nf.router.links import Links, WayV4
from wirebrick.packet.packet import Packet
from wirebrick.state import neighbours_native
from wirebrick.state.fib_native import (
    BLACKHOLE,
    BROADCAST,
    CONNECTED,
    KIND,
    LINK,
    LOCAL,
    NO_ROUTE,
    PROHIBIT,
    UNREACHABLE,
    VIA,
)
from wirebrick.state.neighbours import Neighbour

LOOSE_SOURCE, STRICT_SOURCE = 131, 137  # options


def right_checksum(packet: Packet) -> bool:
    """Whether the checksum of the IPv4 header is right (RFC 1812, 5.2.2)."""
    raw = packet.header.raw
    total = raw.u32(0) + raw.u32(4) + raw.u32(8) + raw.u32(12) + raw.u32(16)
    for offset in range(20, packet.header.ihl * 4, 4):
        total += raw.u32(offset)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return bool((total & 0xFFFF) + (total >> 16) == 0xFFFF)


def source_routed(packet: Packet) -> bool:
    """Whether a packet with options wants to choose its way itself."""
    options = packet.header.options
    offset = 0
    while offset + 1 < len(options) and options.u8(offset) != 0:
        kind = options.u8(offset)
        if kind in (LOOSE_SOURCE, STRICT_SOURCE):
            return True
        offset += 1 if kind == 1 else max(options.u8(offset + 1), 2)
    return False


def entropy_v4(packet: Packet) -> int:
    """A number that tells flows apart: all packets and fragments of one get the same."""
    ip = packet.header
    mixed = (ip.src * 0x9E3779B1 ^ ip.dst) & 0xFFFFFFFF
    mixed = mixed << 8 | ip.protocol
    whole = ip.flags & 1 == 0 and ip.fragment_offset == 0
    if whole and (ip.protocol == 6 or ip.protocol == 17) and len(packet.payload) >= 4:
        mixed = mixed ^ packet.payload.u32(0) << 16
    return int(mixed)


def make_decide_v4(links: Links) -> Callable[[Packet], WayV4]:
    """The function that decides."""
    ports, table, fib, neighbours, received = (
        links.ports,
        links.table,
        links.fib,
        links.neighbours,
        links.received,
    )

    def decide(packet: Packet) -> WayV4:
        ip: Any = packet.header
        number = ports.index(packet.ingress)
        received[number] += 1
        link = table[number]
        dst = ip.dst
        top = ip.src >> 24
        if top >= 224 or top == 127 or (top == 0 and ip.src != 0) or dst >> 24 == 127 or dst >> 24 == 0:
            return WayV4(action=at.MARTIAN)
        if not right_checksum(packet):
            return WayV4(action=at.BAD_CHECKSUM)
        if dst >> 28 == 14:
            return WayV4(action=at.MULTICAST)
        if ip.ihl > 5 and source_routed(packet):
            return WayV4(action=at.SOURCE_ROUTED)
        if link.source != 0:
            back = fib.lookup(ip.src, 0)
            if back == NO_ROUTE or back >> KIND > CONNECTED:
                return WayV4(action=at.SOURCE_INVALID)
            if link.source == 2 and back >> LINK & 255 != number:
                return WayV4(action=at.SOURCE_INVALID)
        code = fib.lookup(dst, entropy_v4(packet))
        kind = code >> KIND
        if kind == LOCAL:
            return WayV4(action=at.HERE, link=number)
        if kind == BROADCAST:
            return WayV4(action=at.BROADCAST_DROP)
        if packet[Ethernet].dst >> 40 & 1 == 1:
            return WayV4(action=at.LINK_BROADCAST)
        if ip.src == 0 or dst >> 28 == 15:
            return WayV4(action=at.MARTIAN)
        src = link.first4
        if kind == BLACKHOLE:
            return WayV4(action=at.BLACKHOLED)
        if ip.ttl <= 1:
            return WayV4(action=at.ERROR, type=TIME_EXCEEDED, code=0, src=src, link=number)
        if code == NO_ROUTE:
            return WayV4(action=at.ERROR, type=UNREACHABLE_TYPE, code=NET, src=src, link=number)
        if kind == UNREACHABLE:
            return WayV4(action=at.ERROR, type=UNREACHABLE_TYPE, code=HOST, src=src, link=number)
        if kind == PROHIBIT:
            return WayV4(action=at.ERROR, type=UNREACHABLE_TYPE, code=PROHIBITED, src=src, link=number)
        out = code >> LINK & 255
        hop = int(dst)
        if kind == VIA:
            hop = fib.gateway(code, 1)
        mtu = table[out].mtu
        action = at.FORWARD
        if ip.total_length > mtu:
            if ip.flags & 2 == 2:
                needed = FRAGMENTATION_NEEDED
                return WayV4(
                    action=at.ERROR, type=UNREACHABLE_TYPE, code=needed, mtu=mtu, src=src, link=number
                )
            action = at.FRAGMENT
        mac = neighbours.find(Neighbour(low=hop, link=out, version=4))
        if mac >= 0:
            return WayV4(action=action, link=out, mac=mac, mtu=mtu)
        if mac == neighbours_native.ASK:
            return WayV4(action=at.ASK, link=out, next_low=hop, next_where=4 << 32 | out)
        if mac == neighbours_native.WAIT:
            return WayV4(action=at.WAIT, link=out, next_low=hop, next_where=4 << 32 | out)
        if mac == neighbours_native.NO_ROOM:
            return WayV4(action=at.NEIGHBOURS_FULL)
        return WayV4(action=at.ERROR, type=UNREACHABLE_TYPE, code=HOST, src=src, link=number)

    return decide
