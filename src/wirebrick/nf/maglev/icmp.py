"""ICMP of the balancer's own: it answers pings, and says where packets are too long for a tunnel."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import ICMP, Ethernet, ICMPv6, IPv4, IPv6
from wirebrick.nf.maglev.ways import NUMBER, overhead
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.maglev import Maglev
from wirebrick.state.token_bucket import TokenBucket
from wirebrick.stream.stream import Stream

TTL = 64
ERRORS_PER_SECOND, ERRORS_AT_ONCE = 1000, 100  # in each worker (RFC 4443, 2.4 f)
QUOTED = {4: 548, 6: 1232}  # bytes of the packet that an error is about (RFC 1812, 4.3.2.3; RFC 4443, 3.2)
ECHO = {4: (8, 0), 6: (128, 129)}


def answer_echo(packets: Stream, version: int, maglev: Maglev) -> Stream:
    """Answer pings; nothing else that gets here is for anyone (parsed: IP)."""
    request, reply = ECHO[version]

    def is_request(packet: Any) -> bool:
        return bool(packet.header.type == request and packet.header.code == 0)

    @seldom
    def answer(packet: Packet) -> None:
        header: Any = packet.header
        header.type = reply
        ip: Any = packet[IPv4 if version == 4 else IPv6]
        ip.src, ip.dst = ip.dst, ip.src
        if version == 4:
            ip.ttl = TTL
        else:
            ip.hop_limit = TTL
        turn(packet, maglev.own().mac)

    parsed = packets.parse(ICMP if version == 4 else ICMPv6, otherwise="drop")
    return parsed.filter(is_request, reason="no_service").transform(answer)


def say_too_long(packets: Stream, version: int, maglev: Maglev) -> Stream:
    """Drop packets that don't fit a tunnel, and tell their sender what does (RFC 1191, RFC 8201; parsed: IP)."""
    bucket = TokenBucket(rate=ERRORS_PER_SECOND, burst=ERRORS_AT_ONCE)
    quoted = QUOTED[version]

    @seldom
    def may_tell(packet: Any) -> bool:
        if version == 4:
            header = packet.header
            return header.dont_fragment == 1 and header.fragment_offset == 0 and bucket.take()
        return bucket.take()

    @seldom
    def cut(packet: Any) -> None:
        packet.payload.resize(min(len(packet.payload), quoted))

    @seldom
    def outer(packet: Any) -> None:
        ip = packet.header
        if version == 4:
            ip.src = packet.payload.u32(16)
            ip.dst = packet.payload.u32(12)
            ip.ttl = TTL
        else:
            ip.src = (ip.src | packet.payload.u64(24)) << 64 | packet.payload.u64(32)
            ip.dst = (ip.dst | packet.payload.u64(8)) << 64 | packet.payload.u64(16)
            ip.hop_limit = TTL
        turn(packet, maglev.own().mac)

    @seldom
    def message(packet: Any) -> None:
        header = packet.header
        header.type = 3 if version == 4 else 2
        header.code = 4 if version == 4 else 0
        header.sequence = maglev.own().mtu - overhead(maglev.backend(packet.metadata.verdict >> NUMBER).way)

    told = packets.filter(may_tell, reason="too_long").deparse().transform(cut)
    if version == 4:
        return told.push(IPv4, outer).push(ICMP, message)
    return told.push(IPv6, outer).push(ICMPv6, message)


def turn(packet: Any, mac: int) -> None:
    """Send the frame back to where it came from."""
    ethernet = packet[Ethernet]
    ethernet.dst = ethernet.src
    ethernet.src = mac
    packet.egress = packet.ingress
