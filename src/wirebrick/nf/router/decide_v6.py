"""What becomes of an IPv6 packet (RFC 8200; RFC 4443; RFC 4291, 2.5.6 and 2.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.headers import Ethernet
from wirebrick.nf.icmp_error import ADDRESS6, NO_ROUTE6, PROHIBITED6, TIME_EXCEEDED6, TOO_BIG6, UNREACHABLE6
from wirebrick.nf.router import links as at
from wirebrick.nf.router.links import Links, WayV6
from wirebrick.packet.packet import Packet
from wirebrick.state import neighbours_native
from wirebrick.state.fib_native import (
    BLACKHOLE,
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

ON_LINK = 0xFE80 >> 6  # the first ten bits of addresses that hold on their link alone
LOW = (1 << 64) - 1


def entropy_v6(packet: Packet) -> int:
    """A number that tells flows apart: all packets and fragments of one get the same."""
    ip = packet.header
    high = int((ip.src >> 64 ^ ip.dst >> 64) & LOW)
    low = int((ip.src ^ ip.dst) & LOW)
    mixed = high & 0xFFFFFFFF ^ high >> 32 ^ (low & 0xFFFFFFFF) * 3 ^ low >> 32
    mixed = mixed << 20 | ip.flow_label
    if (ip.next_header == 6 or ip.next_header == 17) and len(packet.payload) >= 4:
        mixed = mixed ^ packet.payload.u32(0) << 12
    return int(mixed)


def make_decide_v6(links: Links) -> Callable[[Packet], WayV6]:
    """The function that decides."""
    ports, table, fib, neighbours, received = (
        links.ports,
        links.table,
        links.fib,
        links.neighbours,
        links.received,
    )

    def decide(packet: Packet) -> WayV6:
        ip: Any = packet.header
        number = ports.index(packet.ingress)
        received[number] += 1
        link = table[number]
        if ip.src >> 120 == 0xFF or ip.src == 1 or ip.dst >> 1 == 0 or ip.dst >> 32 == 0xFFFF:
            return WayV6(action=at.MARTIAN)
        if ip.dst >> 120 == 0xFF:
            if ip.dst >> 112 & 0xF <= 2:
                return WayV6(action=at.HERE, link=number)
            return WayV6(action=at.MULTICAST)
        if ip.dst >> 118 == ON_LINK:
            if ip.dst == link.link_local:
                return WayV6(action=at.HERE, link=number)
            return WayV6(action=at.LINK_LOCAL)
        if link.source != 0 and ip.src >> 118 != ON_LINK and ip.src != 0:
            back = fib.lookup(ip.src, 0)
            if back == NO_ROUTE or back >> KIND > CONNECTED:
                return WayV6(action=at.SOURCE_INVALID)
            if link.source == 2 and back >> LINK & 255 != number:
                return WayV6(action=at.SOURCE_INVALID)
        code = fib.lookup(ip.dst, entropy_v6(packet))
        kind = code >> KIND
        if kind == LOCAL:
            return WayV6(action=at.HERE, link=number)
        if packet[Ethernet].dst >> 40 & 1 == 1:
            return WayV6(action=at.LINK_BROADCAST)
        if ip.src == 0:
            return WayV6(action=at.MARTIAN)
        src = link.first6
        if kind == BLACKHOLE:
            return WayV6(action=at.BLACKHOLED)
        if ip.src >> 118 == ON_LINK:  # RFC 4443, 3.1: beyond the scope of the source
            return WayV6(action=at.ERROR, type=UNREACHABLE6, code=2, src=src, link=number)
        if ip.hop_limit <= 1:
            return WayV6(action=at.ERROR, type=TIME_EXCEEDED6, code=0, src=src, link=number)
        if code == NO_ROUTE:
            return WayV6(action=at.ERROR, type=UNREACHABLE6, code=NO_ROUTE6, src=src, link=number)
        if kind == UNREACHABLE:
            return WayV6(action=at.ERROR, type=UNREACHABLE6, code=ADDRESS6, src=src, link=number)
        if kind == PROHIBIT:
            return WayV6(action=at.ERROR, type=UNREACHABLE6, code=PROHIBITED6, src=src, link=number)
        out = code >> LINK & 255
        mtu = table[out].mtu
        if ip.payload_length + 40 > mtu:
            return WayV6(action=at.ERROR, type=TOO_BIG6, code=0, mtu=mtu, src=src, link=number)
        who = Neighbour(high=ip.dst >> 64, low=ip.dst, link=out, version=6)
        if kind == VIA:
            who.high = fib.gateway(code, 0)
            who.low = fib.gateway(code, 1)
        mac = neighbours.find(who)
        if mac >= 0:
            return WayV6(action=at.FORWARD, link=out, mac=mac)
        where = 6 << 32 | out
        if mac == neighbours_native.ASK:
            return WayV6(action=at.ASK, link=out, next_high=who.high, next_low=who.low, next_where=where)
        if mac == neighbours_native.WAIT:
            return WayV6(action=at.WAIT, link=out, next_high=who.high, next_low=who.low, next_where=where)
        if mac == neighbours_native.NO_ROOM:
            return WayV6(action=at.NEIGHBOURS_FULL)
        return WayV6(action=at.ERROR, type=UNREACHABLE6, code=ADDRESS6, src=src, link=number)

    return decide
