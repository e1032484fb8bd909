"""Why packets aren't translated: negative numbers, and the reasons they stand for."""

from __future__ import annotations

from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom

(
    NO_ADDRESS,
    TRUNCATED,
    BAD_CHECKSUM,
    SOURCE_ROUTED,
    ICMP_FRAGMENT,
    ICMP_TYPE,
    ICMP_QUOTE,
    ICMP_CHECKSUM,
    UDP_CHECKSUM,
    PROTOCOL,
    TOO_LARGE,
) = range(-11, 0)


@seldom
def refuse(packet: Packet, reason: int) -> None:
    """Drop a packet for one of the reasons above."""
    if reason == NO_ADDRESS:
        packet.drop("no_address")
    elif reason == TRUNCATED:
        packet.drop("truncated")
    elif reason == BAD_CHECKSUM:
        packet.drop("bad_checksum")
    elif reason == SOURCE_ROUTED:
        packet.drop("source_routed")
    elif reason == ICMP_FRAGMENT:
        packet.drop("icmp_fragment")
    elif reason == ICMP_TYPE:
        packet.drop("icmp_type")
    elif reason == ICMP_QUOTE:
        packet.drop("icmp_quote")
    elif reason == ICMP_CHECKSUM:
        packet.drop("icmp_checksum")
    elif reason == UDP_CHECKSUM:
        packet.drop("udp_checksum")
    elif reason == PROTOCOL:
        packet.drop("protocol")
    else:
        packet.drop("too_large")
