"""inline: what becomes of packets that rules drop or reject."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import TCP, Ethernet, IPv4, IPv6
from wirebrick.nf.ids.book import Rulebook
from wirebrick.packet.packet import Packet
from wirebrick.stream.stream import Stream


def inline(book: Rulebook, tcp: Stream, other: Stream, ip: type[IPv4] | type[IPv6]) -> list[Stream]:
    """The streams of packets that go on, or back; ``tcp`` and ``other`` are behind all that looks at them."""

    def fate(packet: Packet) -> int:
        return book.fate(0 if packet.header.rst else 1)

    def goes(packet: Packet) -> bool:
        return book.fate(0) == 0

    def turn(packet: Packet) -> None:
        ethernet, segment = packet[Ethernet], packet[TCP]
        header: Any = packet[ip]
        after = segment.seq + len(packet.payload) + segment.syn + segment.fin
        ethernet.src, ethernet.dst = ethernet.dst, ethernet.src
        header.src, header.dst = header.dst, header.src
        segment.src_port, segment.dst_port = segment.dst_port, segment.src_port
        packet.payload.resize(0)
        if segment.ack_flag:
            segment.seq = segment.ack
            segment.ack = 0
            segment.ack_flag = 0
        else:
            segment.seq = 0
            segment.ack = after
            segment.ack_flag = 1
        segment.syn = 0
        segment.fin = 0
        segment.psh = 0
        segment.urg = 0
        segment.rst = 1
        segment.window = 0
        packet.egress = packet.ingress

    allowed, dropped, turning = tcp.group_by(3, fate)
    dropped.drop("dropped")
    return [allowed, turning.transform(turn), other.filter(goes, reason="dropped")]
