"""IPv6 packets become IPv4 packets (RFC 7915, 5): user functions on frames parsed up to Ethernet or its tags."""

from __future__ import annotations

from collections.abc import Callable

from wirebrick.addresses import IPv4Address
from wirebrick.nf.nat64 import messages, reasons
from wirebrick.nf.nat64.mapping import NONE, ZERO, Mapping
from wirebrick.nf.nat64.sums import TCP, UDP, changed, folded, follow, sum_of, words_of
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.random import Random

ICMP, ICMPV6, FRAGMENT, ROUTING = 1, 58, 44, 43
IPV4 = 0x0800
DONT_FRAGMENT = 0x4000
SMALL = 1260  # what becomes so many bytes or fewer may be split on its way (RFC 7915, 5.1)
MOST_QUOTED = 576  # bytes of an ICMP error (RFC 1812, 4.3.2.3)
QUOTE = 28  # where an error's quoted packet begins


def make_to_v4(mapping: Mapping, routers: IPv4Address, numbers: Random) -> Callable[[Packet], None]:
    """The function that translates a packet whose payload is a well-formed IPv6 packet.

    ``routers``: the source of errors whose own source has no IPv4 address.
    """
    to_v4, unknown = mapping.to_v4, int(routers)

    @seldom
    def walk(packet: Packet, base: int) -> int:
        """Behind the extension headers: where (16 bits), what (8), where a fragment header is; or a reason."""
        size = len(packet.payload)
        if base + 40 > size:
            return reasons.TRUNCATED
        at, kind, fragment = base + 40, packet.payload.u8(base + 6), 0
        for _ in range(16):
            if kind != 0 and kind != ROUTING and kind != 60 and kind != FRAGMENT:
                break
            if at + 8 > size:
                return reasons.TRUNCATED
            if kind == ROUTING and packet.payload.u8(at + 3) != 0:
                return reasons.SOURCE_ROUTED
            later = False
            length = 8
            if kind == FRAGMENT:
                fragment = at
                later = packet.payload.u16(at + 2) >> 3 != 0
            else:
                length = (packet.payload.u8(at + 1) + 1) * 8
            kind = packet.payload.u8(at)
            at += length
            if at > size:
                return reasons.TRUNCATED
            if later:
                break
        return fragment << 24 | kind << 16 | at

    @seldom
    def header(packet: Packet, base: int, found: int, source: int) -> int:
        """The header at ``base``, walked over, has one of IPv4 in its last 20 bytes then. 0, or a reason."""
        payload = packet.payload
        upper, protocol, fragment = found & 0xFFFF, found >> 16 & 0xFF, found >> 24
        src6 = (ZERO | payload.u64(base + 8)) << 64 | payload.u64(base + 16)
        dst6 = (ZERO | payload.u64(base + 24)) << 64 | payload.u64(base + 32)
        src, dst = to_v4(src6), to_v4(dst6)
        if src < 0:
            src = source
        if src < 0 or dst < 0:
            return reasons.NO_ADDRESS
        traffic_class, hops = payload.u16(base) >> 4 & 0xFF, payload.u8(base + 7)
        total = payload.u16(base + 4) - (upper - base - 40) + 20
        if total > 0xFFFF:
            return reasons.TOO_LARGE
        if total < 20:
            return reasons.ICMP_QUOTE
        flags = DONT_FRAGMENT if total > SMALL else 0
        identification = numbers.below(65536) if base == 0 else 0
        if fragment != 0:
            flags = payload.u16(fragment + 2) >> 3 | (payload.u16(fragment + 2) & 1) << 13
            identification = payload.u16(fragment + 6)
        if flags & 0x1FFF == 0:
            plus = (src >> 16) + (src & 0xFFFF) + (dst >> 16) + (dst & 0xFFFF)
            follow(packet, upper, protocol, words_of(src6) + words_of(dst6), plus)
        at = upper - 20
        payload.put_u16(at, 0x4500 | traffic_class)
        payload.put_u16(at + 2, total)
        payload.put_u16(at + 4, identification)
        payload.put_u16(at + 6, flags)
        payload.put_u8(at + 8, hops)
        payload.put_u8(at + 9, ICMP if protocol == ICMPV6 else protocol)
        payload.put_u16(at + 10, 0)
        payload.put_u32(at + 12, src)
        payload.put_u32(at + 16, dst)
        payload.put_u16(at + 10, sum_of(packet, at, at + 20) ^ 0xFFFF)
        return 0

    def pseudo(packet: Packet, base: int, length: int) -> int:
        """The sum of the pseudo-header of ICMPv6."""
        return sum_of(packet, base + 8, base + 40) + length + ICMPV6

    @seldom
    def error_rest(packet: Packet) -> int:
        """What the ICMPv6 error behind an IPv4 header becomes: type, code (8 bits each), the rest (32); or a reason."""
        kind = packet.payload.u8(20)
        what = messages.error_to_v4(kind, packet.payload.u8(21))
        if what < 0:
            return reasons.ICMP_TYPE
        rest = 0
        if what & 0xFF == messages.MTU:
            rest = min(max(packet.payload.u32(24) - 20, 68), 0xFFFF)
        elif what & 0xFF == messages.POINTER:
            rest = messages.pointer_to_v4(packet.payload.u32(24))
            if rest < 0:
                return reasons.ICMP_TYPE
            rest = rest << 24
        return (what >> 8) << 32 | rest

    @seldom
    def quote(packet: Packet) -> int:
        """The packet that it quotes, walked over; or a reason."""
        size = len(packet.payload)
        if size < QUOTE + 40 or packet.payload.u8(QUOTE) >> 4 != 6:
            return reasons.ICMP_QUOTE
        found = walk(packet, QUOTE)
        if found < 0 or (found & 0xFFFF) + 8 > size:
            return reasons.ICMP_QUOTE
        upper, fragment = found & 0xFFFF, found >> 24
        if found >> 16 & 0xFF == ICMPV6:
            later = fragment != 0 and packet.payload.u16(fragment + 2) >> 3 != 0
            if later or messages.query_to_v4(packet.payload.u8(upper)) < 0:
                return reasons.ICMP_QUOTE
            sums = pseudo(packet, QUOTE, packet.payload.u16(QUOTE + 4) - (upper - QUOTE - 40))
            echo(packet, upper, sums)
        return found

    @seldom
    def echo(packet: Packet, at: int, sums: int) -> None:
        """The echo at ``at`` becomes one of ICMP. ``sums``: of its pseudo-header."""
        old = packet.payload.u16(at)
        new = messages.query_to_v4(old >> 8) << 8 | old & 0xFF
        packet.payload.put_u16(at + 2, changed(packet.payload.u16(at + 2), old + sums, new))
        packet.payload.put_u16(at, new)

    @seldom
    def finish(packet: Packet, rest: int) -> None:
        """Write the headers of the error, whose quoted packet is translated."""
        size = len(packet.payload)
        packet.payload.put_u16(2, size)
        packet.payload.put_u16(6, 0)
        packet.payload.put_u16(10, 0)
        packet.payload.put_u16(10, sum_of(packet, 0, 20) ^ 0xFFFF)
        packet.payload.put_u16(20, rest >> 32)
        packet.payload.put_u16(22, 0)
        packet.payload.put_u32(24, rest)
        packet.payload.put_u16(22, sum_of(packet, 20, size) ^ 0xFFFF)

    @seldom
    def check(packet: Packet, found: int) -> int:
        """0, or why the packet isn't translated."""
        payload = packet.payload
        size, upper, protocol, fragment = len(payload), found & 0xFFFF, found >> 16 & 0xFF, found >> 24
        part = payload.u16(fragment + 2) & 0xFFF9 if fragment != 0 else 0
        if protocol == ICMPV6 and part != 0:
            return reasons.ICMP_FRAGMENT
        if part >> 3 != 0:
            return 0
        least = 20 if protocol == TCP else 8 if protocol in (UDP, ICMPV6) else 0
        if size < upper + least:
            return reasons.TRUNCATED
        if protocol != ICMPV6:
            return 0
        if payload.u8(upper) >= 128:
            return 0 if messages.query_to_v4(payload.u8(upper)) >= 0 else reasons.ICMP_TYPE
        total = sum_of(packet, upper, size) + pseudo(packet, 0, size - upper)
        return 0 if folded(total) == 0xFFFF else reasons.ICMP_CHECKSUM

    def translate(packet: Packet) -> None:
        size = packet.payload.u16(4) + 40
        if len(packet.payload) < size:
            packet.drop("truncated")
            return
        packet.payload.resize(size)
        found = walk(packet, 0)
        refused = check(packet, found) if found >= 0 else found
        if refused < 0:
            reasons.refuse(packet, refused)
            return
        upper = found & 0xFFFF
        is_error = False
        if found >> 16 & 0xFF == ICMPV6:
            is_error = packet.payload.u8(upper) < 128
            if not is_error:
                echo(packet, upper, pseudo(packet, 0, size - upper))
        refused = header(packet, 0, found, unknown if is_error else NONE)
        if refused < 0:
            reasons.refuse(packet, refused)
            return
        packet.payload.delete(0, upper - 20)
        packet.header.ethertype = IPV4
        if not is_error:
            return
        rest = error_rest(packet)
        if rest < 0:
            reasons.refuse(packet, rest)
            return
        kind = packet.payload.u8(20)
        said = packet.payload.u8(24) * 8 if kind in (1, 3) else 0  # extensions are behind it (RFC 4884)
        if said != 0:
            packet.payload.resize(min(QUOTE + said, len(packet.payload)))
        found = quote(packet)
        refused = header(packet, QUOTE, found, NONE) if found >= 0 else found
        if refused < 0:
            reasons.refuse(packet, refused)
            return
        packet.payload.delete(QUOTE, (found & 0xFFFF) - QUOTE - 20)
        if len(packet.payload) > MOST_QUOTED:
            packet.payload.resize(MOST_QUOTED)
        finish(packet, rest)

    return translate
