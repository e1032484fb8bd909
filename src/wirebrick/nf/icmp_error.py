"""icmp_error: IP packets become the ICMP errors about them. Shared by NFs that refuse packets and say so."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.fields import U8, U16, IPv4Address, IPv6Address
from wirebrick.headers import ICMP, Ethernet, ICMPv6, IPv4, IPv6
from wirebrick.packet.packet import Packet
from wirebrick.state.record import Record
from wirebrick.state.token_bucket import TokenBucket
from wirebrick.stream.stream import Stream

# Types and codes (RFC 792, 1191, 1812; RFC 4443).
UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM = 3, 11, 12
NET, HOST, PROTOCOL, PORT, FRAGMENTATION_NEEDED, PROHIBITED = 0, 1, 2, 3, 4, 13
UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6, PARAMETER_PROBLEM6 = 1, 2, 3, 4
NO_ROUTE6, PROHIBITED6, ADDRESS6, PORT6 = 0, 1, 3, 4
ERRORS = (3, 4, 5, 11, 12)  # ICMP types that are errors, about which none is sent
REDIRECT6 = 137
MOST, MOST6 = 576 - 28, 1280 - 48  # bytes of the packet that an error has room for (RFC 1812, RFC 4443)
HOPS = 64


class ErrorV4(Record):
    """What an ICMP error says: its ``type`` and ``code``, the MTU of "fragmentation needed", and who says it."""

    type: U8
    code: U8
    mtu: U16
    src: IPv4Address
    dst: IPv4Address  # filled in: the source of the packet


class ErrorV6(Record):
    """What an ICMPv6 error says: its ``type`` and ``code``, the MTU of "too big", and who says it."""

    type: U8
    code: U8
    mtu: U16
    src: IPv6Address
    dst: IPv6Address


def may_answer_v4(packet: Packet) -> bool:
    """Whether an ICMP error may be sent about an IPv4 packet (RFC 1122, 3.2.2; RFC 1812, 4.3.2.7).

    Not about errors, later fragments, packets that were sent to a multicast or broadcast address, of IP or
    Ethernet, or whose source is no single host, nor about what a capture cut. Whether the destination is some
    network's broadcast address only its router knows.
    """
    ip = packet[IPv4]
    if ip.fragment_offset != 0 or packet[Ethernet].dst >> 40 & 1 == 1:
        return False
    if ip.dst >> 28 == 14 or ip.dst == 0xFFFFFFFF:
        return False
    if ip.src >> 28 >= 14 or ip.src >> 24 == 127 or ip.src >> 24 == 0:
        return False
    if ip.protocol == 1 and (len(packet.payload) < 1 or packet.payload.u8(0) in ERRORS):
        return False
    return ip.total_length == ip.ihl * 4 + len(packet.payload)


def may_answer_v6(packet: Packet) -> bool:
    """Whether an ICMPv6 error may be sent about an IPv6 packet (RFC 4443, 2.4 (e)).

    As ``may_answer_v4``; but "too big" may be sent about multicasts, and about later fragments.
    """
    ip = packet[IPv6]
    too_big = packet.metadata.type == TOO_BIG6
    if not too_big and (ip.dst >> 120 == 0xFF or packet[Ethernet].dst >> 40 & 1 == 1):
        return False
    if ip.src >> 120 == 0xFF or ip.src >> 1 == 0:
        return False
    if ip.protocol == 58 and ip.fragment_offset == 0:
        if len(packet.payload) < 1:
            return False
        if packet.payload.u8(0) < 128 or packet.payload.u8(0) == REDIRECT6:
            return False
    return ip.payload_length + 40 == len(ip.raw)


def to_its_source(packet: Packet) -> None:
    """The error goes where the packet came from."""
    packet.metadata.dst = packet.header.src


@dataclass(frozen=True)
class IcmpErrors:
    """Makes errors of packets, ``rate`` a second at most (and ``burst`` at once), each worker.

    ``v4(packets)``: packets with Ethernet and IPv4 parsed and ``ErrorV4`` as metadata become the errors that
    the metadata describes: Ethernet, IPv4 and ICMP are parsed, the addresses of Ethernet have changed places
    (a caller that knows better sets them), and IP goes from ``src`` to the packet's source. They quote as
    much of the packet as fits 576 bytes (RFC 1812, 4.3.2.3), as it is: it must not be aged before. ``v6``: the
    same for IPv6, with 1,280 bytes (RFC 4443, 2.4 (c)). Packets about which no error may be sent, or no more
    now (RFC 1812, 4.3.2.8), are dropped with the metadata's reason unsaid: as ``no_error`` and
    ``error_limited``.

    >>> import wirebrick
    >>> from wirebrick.addresses import IPv4Address
    >>> @wirebrick.network_function
    ... def closed(packets):
    ...     refuse = lambda packet: ErrorV4(type=UNREACHABLE, code=PROHIBITED, src=IPv4Address("192.0.2.254"))
    ...     errors = IcmpErrors(TokenBucket(rate=100, burst=10))
    ...     return errors.v4(packets.parse(Ethernet).parse(IPv4).metadata(ErrorV4, refuse))
    >>> ip = bytes(IPv4(src="192.0.2.1", dst="192.0.2.9", protocol=17, total_length=28)) + bytes(8)
    >>> frame = wirebrick.run(closed, rx=[bytes(12) + b"\\x08\\x00" + ip + bytes(18)], interpret=True).packets[0]
    >>> IPv4.from_bytes(frame[14:]).dst, frame[34:36].hex(), frame[42:] == ip
    (IPv4Address('192.0.2.1'), '030d', True)
    """

    bucket: TokenBucket

    def v4(self, packets: Stream) -> Stream:
        """IPv4 packets become ICMP errors."""
        bucket = self.bucket

        def cut(packet: Packet) -> None:
            ethernet = packet.header
            ethernet.dst, ethernet.src = ethernet.src, ethernet.dst
            packet.payload.resize(min(packet.payload.u16(2), MOST))

        def network(packet: Packet) -> None:
            ip = packet.header
            ip.src = packet.metadata.src
            ip.dst = packet.metadata.dst
            ip.ttl = HOPS
            ip.dscp = 48  # CS6, as routers' own messages (RFC 1812, 4.3.2.5)

        def message(packet: Packet) -> None:
            icmp = packet.header
            icmp.type = packet.metadata.type
            icmp.code = packet.metadata.code
            icmp.sequence = packet.metadata.mtu

        allowed = packets.filter(may_answer_v4, reason="no_error").filter(
            lambda packet: bucket.take(), reason="error_limited"
        )
        cutting = allowed.transform(to_its_source).deparse().transform(cut)
        return cutting.push(IPv4, network).push(ICMP, message)

    def v6(self, packets: Stream) -> Stream:
        """IPv6 packets become ICMPv6 errors."""
        bucket = self.bucket

        def cut(packet: Packet) -> None:
            ethernet = packet.header
            ethernet.dst, ethernet.src = ethernet.src, ethernet.dst
            packet.payload.resize(min(packet.payload.u16(4) + 40, MOST6))

        def network(packet: Packet) -> None:
            ip = packet.header
            ip.src = packet.metadata.src
            ip.dst = packet.metadata.dst
            ip.hop_limit = HOPS

        def message(packet: Packet) -> None:
            icmp = packet.header
            icmp.type = packet.metadata.type
            icmp.code = packet.metadata.code
            icmp.sequence = packet.metadata.mtu

        allowed = packets.filter(may_answer_v6, reason="no_error").filter(
            lambda packet: bucket.take(), reason="error_limited"
        )
        cutting = allowed.transform(to_its_source).deparse().transform(cut)
        return cutting.push(IPv6, network).push(ICMPv6, message)
