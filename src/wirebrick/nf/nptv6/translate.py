"""What becomes of an IPv6 packet at the border of two prefixes (RFC 6296, 3 and 4.3), for user functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirebrick.addresses import IPv6Address
from wirebrick.fields import U8, U16
from wirebrick.fields import IPv6Address as Address
from wirebrick.headers import Ethernet, IPv6
from wirebrick.nf.icmp_error import NO_ROUTE6, UNREACHABLE6
from wirebrick.nf.nptv6.addresses import NOWHERE, Side
from wirebrick.nf.ttl import discovers_neighbours
from wirebrick.packet.packet import Packet
from wirebrick.state.record import Record

PASS, TRANSLATE, UNTRANSLATABLE, TELL, NO_PREFIX = range(5)
VERDICTS = 5
ON_LINK = 0xFE80 >> 6  # the first ten bits of addresses that hold on their link alone
LINK_SCOPE = 2  # multicast scopes up to this one don't leave their link (RFC 4291, 2.7)
QUOTED_SRC, QUOTED_DST, QUOTED = 8, 24, 40


class Way(Record):
    """What becomes of a packet; for errors, what ``icmp_error.ErrorV6`` has."""

    new_src: Address
    new_dst: Address
    src: Address
    dst: Address
    type: U8
    code: U8
    mtu: U16
    verdict: U8
    back: U8  # it comes from inside, and goes there


@dataclass(frozen=True)
class Border:
    """The user functions. ``decide`` gives a Way, the others translate by it; ``verdict`` is the Way's."""

    decide: Callable[[Packet], Any]
    verdict: Callable[[Packet], int]
    cross: Callable[[Packet], None]
    translate: Callable[[Packet], None]
    error: Callable[[Packet], None]


def make_border(within: Side, without: Side, address: IPv6Address, inside: str, outside: str) -> Border:
    """The user functions. ``address``: who tells hosts of what can't be translated, or 0: nobody."""
    outward, inward = within.mapped, without.mapped
    own = without.prefixes

    def decide(packet: Packet) -> Any:
        ip = packet.header
        if (
            ip.src >> 118 == ON_LINK
            or ip.dst >> 118 == ON_LINK
            or ip.src == 0
            or discovers_neighbours(packet)
        ):
            return Way(verdict=PASS)
        if ip.dst >> 120 == 0xFF and ip.dst >> 112 & 0xF <= LINK_SCOPE:
            return Way(verdict=PASS)
        way: Any = Way(new_src=ip.src, new_dst=ip.dst, verdict=TRANSLATE)
        if packet.ingress == outside:
            way.new_dst = inward(ip.dst)
        else:
            way.new_src = outward(ip.src)
            if own.lookup(ip.dst) >= 0:
                way.new_dst = inward(ip.dst)
                way.back = 1
        if way.new_src == 0 or way.new_dst == 0:
            if address == 0 or packet[Ethernet].ethertype != 0x86DD:
                return Way(verdict=UNTRANSLATABLE)
            return Way(verdict=TELL, type=UNREACHABLE6, code=NO_ROUTE6, src=address)
        if way.new_src == ip.src and way.new_dst == ip.dst:
            way.verdict = NO_PREFIX
        return way

    def verdict(packet: Packet) -> int:
        return int(packet.metadata.verdict)

    def cross(packet: Packet) -> None:
        if packet.ingress == outside:
            packet.egress = inside
        else:
            packet.egress = outside

    def translate(packet: Packet) -> None:
        ip = packet[IPv6]
        way = packet.metadata
        ip.src = way.new_src
        ip.dst = way.new_dst
        cross(packet)
        if way.back == 1:
            packet.egress = inside

    def error(packet: Packet) -> None:
        # The packet that it is about went the other way: its source is what the error's destination is.
        payload = packet.payload
        if packet.header.type < 128:
            if len(payload) < QUOTED or payload.u8(0) >> 4 != 6:
                packet.drop("icmp_quote")
                return
            src = (NOWHERE | payload.u64(QUOTED_SRC)) << 64 | payload.u64(QUOTED_SRC + 8)
            dst = (NOWHERE | payload.u64(QUOTED_DST)) << 64 | payload.u64(QUOTED_DST + 8)
            new_src, new_dst = src, dst
            if packet.ingress == outside or packet.metadata.back == 1:
                new_src = inward(src)
            if packet.ingress != outside:
                new_dst = outward(dst)
            if new_src == 0 or new_dst == 0:
                packet.drop("icmp_quote")
                return
            payload.put_u64(QUOTED_SRC, new_src >> 64)
            payload.put_u64(QUOTED_SRC + 8, new_src)
            payload.put_u64(QUOTED_DST, new_dst >> 64)
            payload.put_u64(QUOTED_DST + 8, new_dst)
        translate(packet)

    return Border(decide, verdict, cross, translate, error)
