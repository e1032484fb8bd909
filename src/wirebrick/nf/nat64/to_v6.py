"""IPv4 packets become IPv6 packets (RFC 7915, 4): user functions on frames parsed up to Ethernet or its tags."""

from __future__ import annotations

from collections.abc import Callable

from wirebrick.nf.nat64 import messages, reasons
from wirebrick.nf.nat64.mapping import Mapping
from wirebrick.nf.nat64.sums import TCP, UDP, changed, folded, follow, sum_of, words_of
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom

ICMP, IGMP, ICMPV6, FRAGMENT = 1, 2, 58, 44
IPV6 = 0x86DD
LEAST_MTU = 1280
QUOTE = 48  # where an error's quoted packet begins
LOOSE, STRICT = 131, 137  # options: source routes


def make_to_v6(mapping: Mapping) -> Callable[[Packet], None]:
    """The function that translates a packet whose payload is a well-formed IPv4 packet."""
    to_v6 = mapping.to_v6

    @seldom
    def header(packet: Packet, end: int, old: int, size: int) -> int:
        """The ``old`` bytes of an IPv4 header before ``end`` give way to ``size`` bytes of IPv6. 0, or a reason."""
        payload = packet.payload
        begin = end - old
        tos, total, identification = payload.u8(begin + 1), payload.u16(begin + 2), payload.u16(begin + 4)
        flags, ttl, protocol = payload.u16(begin + 6), payload.u8(begin + 8), payload.u8(begin + 9)
        src4, dst4 = payload.u32(begin + 12), payload.u32(begin + 16)
        src, dst = to_v6(src4), to_v6(dst4)
        if src == 0 or dst == 0:
            return reasons.NO_ADDRESS
        if total < old:
            return reasons.ICMP_QUOTE
        if flags & 0x1FFF == 0:
            minus = (src4 >> 16) + (src4 & 0xFFFF) + (dst4 >> 16) + (dst4 & 0xFFFF)
            follow(packet, end, protocol, minus, words_of(src) + words_of(dst))
        upper = ICMPV6 if protocol == ICMP else protocol
        base = end - size
        payload.put_u32(base, 6 << 28 | tos << 20)
        payload.put_u16(base + 4, total - old + size - 40)
        payload.put_u8(base + 6, FRAGMENT if size > 40 else upper)
        payload.put_u8(base + 7, ttl)
        payload.put_u64(base + 8, src >> 64)
        payload.put_u64(base + 16, src)
        payload.put_u64(base + 24, dst >> 64)
        payload.put_u64(base + 32, dst)
        if size > 40:
            payload.put_u16(base + 40, upper << 8)
            payload.put_u16(base + 42, (flags & 0x1FFF) << 3 | flags >> 13 & 1)
            payload.put_u32(base + 44, identification)
        return 0

    def size_of(packet: Packet, base: int) -> int:
        """How many bytes of IPv6 the header at ``base`` becomes."""
        return 48 if packet.payload.u16(base + 6) & 0x3FFF != 0 else 40

    def pseudo(packet: Packet, base: int, length: int) -> int:
        """The sum of the pseudo-header of ICMPv6."""
        return sum_of(packet, base + 8, base + 40) + length + ICMPV6

    @seldom
    def message(packet: Packet) -> int:
        """The echo behind an IPv6 header becomes one of ICMPv6. 0; 1, where it is no echo."""
        old = packet.payload.u16(40)
        echo = messages.query_to_v6(old >> 8)
        if echo < 0:
            return 1
        new = echo << 8 | old & 0xFF
        plus = new + pseudo(packet, 0, len(packet.payload) - 40)
        packet.payload.put_u16(42, changed(packet.payload.u16(42), old, plus))
        packet.payload.put_u16(40, new)
        return 0

    @seldom
    def error_rest(packet: Packet) -> int:
        """What the ICMP error behind an IPv6 header becomes: type, code (8 bits each), the rest (32); or a reason."""
        size = len(packet.payload)
        kind = packet.payload.u8(40)
        what = messages.error_to_v6(kind, packet.payload.u8(41))
        if what < 0:
            return reasons.ICMP_TYPE
        if sum_of(packet, 40, size) != 0xFFFF:
            return reasons.ICMP_CHECKSUM
        if size < QUOTE + 28 or packet.payload.u8(QUOTE) >> 4 != 4:
            return reasons.ICMP_QUOTE
        inner = (packet.payload.u8(QUOTE) & 15) * 4
        quoted = quoted_size(packet)
        if inner < 20 or inner + 8 > quoted or QUOTE + quoted > size:
            return reasons.ICMP_QUOTE
        if packet.payload.u8(QUOTE + 9) == ICMP:
            echo = messages.query_to_v6(packet.payload.u8(QUOTE + inner))
            if echo < 0 or packet.payload.u16(QUOTE + 6) & 0x1FFF != 0:
                return reasons.ICMP_QUOTE
        rest = 0
        if what & 0xFF == messages.MTU:
            mtu = packet.payload.u16(46)
            if mtu == 0:
                mtu = messages.plateau(packet.payload.u16(QUOTE + 2))
            rest = max(LEAST_MTU, mtu + 20)
        elif what & 0xFF == messages.POINTER:
            rest = 6 if kind == 3 else messages.pointer_to_v6(packet.payload.u8(44))
            if rest < 0:
                return reasons.ICMP_TYPE
        return (what >> 8) << 32 | rest

    def quoted_size(packet: Packet) -> int:
        """Bytes that the error behind an IPv6 header quotes: extensions may be behind them (RFC 4884)."""
        size = len(packet.payload) - QUOTE
        said = packet.payload.u8(45) * 4
        return said if said != 0 else size

    @seldom
    def finish(packet: Packet, rest: int) -> None:
        """Write the header of the error, whose quoted packet is translated but for an echo."""
        at = QUOTE + (48 if packet.payload.u8(QUOTE + 6) == FRAGMENT else 40)
        kind = packet.payload.u8(at - 8) if at > QUOTE + 40 else packet.payload.u8(QUOTE + 6)
        if kind == ICMPV6:
            old = packet.payload.u16(at)
            new = messages.query_to_v6(old >> 8) << 8 | old & 0xFF
            length = packet.payload.u16(QUOTE + 4) - (at - QUOTE - 40)
            plus = new + pseudo(packet, QUOTE, length)
            packet.payload.put_u16(at + 2, changed(packet.payload.u16(at + 2), old, plus))
            packet.payload.put_u16(at, new)
        size = len(packet.payload)
        packet.payload.put_u16(4, size - 40)
        packet.payload.put_u16(40, rest >> 32)
        packet.payload.put_u16(42, 0)
        packet.payload.put_u32(44, rest)
        packet.payload.put_u16(42, folded(sum_of(packet, 40, size) + pseudo(packet, 0, size - 40)) ^ 0xFFFF)

    def options(packet: Packet, size: int) -> int:
        """0, or a reason: there is a source route that isn't over (RFC 7915, 4.1)."""
        at = 20
        while at < size:
            kind = packet.payload.u8(at)
            if kind == 0:
                return 0
            if kind == 1:
                at += 1
            else:
                if at + 2 > size:
                    return 0
                length = packet.payload.u8(at + 1)
                if length < 2:
                    return 0
                if kind in (LOOSE, STRICT) and packet.payload.u8(at + 2) <= length:
                    return reasons.SOURCE_ROUTED
                at += length
        return 0

    @seldom
    def check(packet: Packet) -> int:
        """0, or why the packet isn't translated."""
        payload = packet.payload
        size, total, flags = (payload.u8(0) & 15) * 4, payload.u16(2), payload.u16(6)
        protocol = payload.u8(9)
        if sum_of(packet, 0, size) != 0xFFFF:
            return reasons.BAD_CHECKSUM
        if protocol == IGMP:
            return reasons.PROTOCOL
        if protocol == ICMP and flags & 0x3FFF != 0:
            return reasons.ICMP_FRAGMENT
        if flags & 0x1FFF == 0:
            least = 20 if protocol == TCP else 8 if protocol in (UDP, ICMP) else 0
            if total < size + least:
                return reasons.TRUNCATED
            bare = protocol == UDP and payload.u16(size + 6) == 0
            if bare and (flags & 0x2000 != 0 or payload.u16(size + 4) != total - size):
                return reasons.UDP_CHECKSUM
        return options(packet, size) if size > 20 else 0

    def translate(packet: Packet) -> None:
        total = packet.payload.u16(2)
        if len(packet.payload) < total:
            packet.drop("truncated")
            return
        packet.payload.resize(total)
        refused = check(packet)
        if refused < 0:
            reasons.refuse(packet, refused)
            return
        old, size, protocol = (packet.payload.u8(0) & 15) * 4, size_of(packet, 0), packet.payload.u8(9)
        bare = protocol == UDP and size == 40 and packet.payload.u16(old + 6) == 0
        if size > old:
            packet.payload.insert(0, size - old)
        refused = header(packet, max(old, size), old, size)
        if refused < 0:
            reasons.refuse(packet, refused)
            return
        if size < old:
            packet.payload.delete(0, old - size)
        packet.header.ethertype = IPV6
        if bare:
            length = len(packet.payload) - size
            found = folded(sum_of(packet, 8, size + length) + length + UDP) ^ 0xFFFF
            packet.payload.put_u16(size + 6, found if found != 0 else 0xFFFF)
        if protocol != ICMP or message(packet) == 0:
            return
        rest = error_rest(packet)
        if rest < 0:
            reasons.refuse(packet, rest)
            return
        packet.payload.resize(QUOTE + quoted_size(packet))
        old, size = (packet.payload.u8(QUOTE) & 15) * 4, size_of(packet, QUOTE)
        if size > old:
            packet.payload.insert(QUOTE, size - old)
        refused = header(packet, QUOTE + max(old, size), old, size)
        if refused < 0:
            reasons.refuse(packet, refused)
            return
        if size < old:
            packet.payload.delete(QUOTE, old - size)
        if len(packet.payload) > LEAST_MTU:
            packet.payload.resize(LEAST_MTU)
        finish(packet, rest)

    return translate
