"""The user functions of the firewall: a packet's key is made and found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wirebrick.headers import Ethernet
from wirebrick.nf.firewall.further import port_number
from wirebrick.nf.firewall.keys import FIRST, LATER, TINY, Key, KeyV4, KeyV6
from wirebrick.nf.firewall.names import DCCP, ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE
from wirebrick.nf.firewall.rows import NO_RULE
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.classifier import Classifier

WITH_PORTS = (TCP, UDP, SCTP, DCCP, UDPLITE)
TAGS = (0x8100, 0x88A8, 0x9100)
ALL_FLAGS = 14  # bytes of a TCP header up to its flags


def make_judge(
    kind: type[Key], table: Classifier[Any], hits: Array, unmatched: int, ports: Sequence[str]
) -> Callable[[Packet], int]:
    """The function that finds the verdict on a packet, and counts it; for IPv4 or IPv6, as ``kind`` is.

    ``ports``: those that rules name.
    """
    icmp = ICMP if kind is KeyV4 else ICMP6
    describe = _describe_v4 if kind is KeyV4 else _describe_v6
    ingress = _ingress(ports)

    def judge(packet: Packet) -> int:
        ip = packet.header
        protocol = ip.protocol
        upper = 0
        src_port = 0
        dst_port = 0
        if ip.fragment_offset == 0:
            if protocol in WITH_PORTS:
                if len(packet.payload) >= 4:
                    upper = 1
                    src_port = packet.payload.u16(0)
                    dst_port = packet.payload.u16(2)
            elif protocol == icmp and len(packet.payload) >= 2:
                upper = 1
                src_port = packet.payload[0]
                dst_port = packet.payload[1]
        key = kind(
            src=ip.src, dst=ip.dst, src_port=src_port, dst_port=dst_port, protocol=protocol, upper=upper
        )
        if table.asks():
            describe(packet, key)
            key.ingress = ingress(packet)
        found = table.find(key)
        if found < 0:
            hits[NO_RULE] += 1
            return unmatched
        hits[found >> 1] += 1
        return found & 1

    return judge


def _describe_v4(packet: Packet, key: KeyV4) -> None:
    """Fill in what few rules look at."""
    ip = packet.header
    key.length = ip.total_length
    key.ttl = ip.ttl
    key.dscp = ip.dscp
    key.ecn = ip.ecn
    _describe(packet, key)


def _describe_v6(packet: Packet, key: KeyV6) -> None:
    ip = packet.header
    key.length = min(ip.payload_length + 40, 65535)
    key.ttl = ip.hop_limit
    key.dscp = ip.traffic_class >> 2
    key.ecn = ip.traffic_class & 3
    _describe(packet, key)


def _describe(packet: Packet, key: Key) -> None:
    ip = packet.header
    offset = ip.fragment_offset
    if offset != 0:
        key.fragment = TINY if offset == 1 and key.protocol == TCP else LATER
    elif ip.more_fragments != 0:
        key.fragment = FIRST
    frame = packet[Ethernet]
    key.src_mac = frame.src
    key.dst_mac = frame.dst
    if frame.ethertype in TAGS:
        key.vlan = (frame.raw.u16(14) & 0xFFF) + 1
    if key.protocol == TCP and offset == 0 and len(packet.payload) >= ALL_FLAGS:
        flags = packet.payload[13]
        key.flags = 1
        key.fin = flags & 1
        key.syn = flags >> 1 & 1
        key.rst = flags >> 2 & 1
        key.psh = flags >> 3 & 1
        key.ack = flags >> 4 & 1
        key.urg = flags >> 5 & 1
        key.ece = flags >> 6 & 1
        key.cwr = flags >> 7 & 1


def _ingress(ports: Sequence[str]) -> Callable[[Packet], int]:
    """The function that gives the number of the port that a packet came from, as rules have it; 0 for others."""

    def none(packet: Packet) -> int:
        return 0

    found = none
    for name in ports:
        found = _or_ingress(name, port_number(name), found)
    return found


def _or_ingress(name: str, number: int, rest: Callable[[Packet], int]) -> Callable[[Packet], int]:
    def ingress(packet: Packet) -> int:
        if packet.ingress == name:
            return number
        return rest(packet)

    return ingress
