"""Packets made by scapy, at random, with the headers that parse them; and checksums computed from scratch."""

from __future__ import annotations

import random
import struct

from scapy.layers.inet import ICMP as ScapyICMP
from scapy.layers.inet import IP, IPOption
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6ExtHdrHopByHop
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import GRE as ScapyGRE
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.vxlan import VXLAN as ScapyVXLAN
from scapy.packet import Raw
from scapy.utils import checksum

from wirebrick.headers import GRE, ICMP, TCP, UDP, VLAN, VXLAN, Ethernet, ICMPv6, IPv4, IPv6
from wirebrick.packet.layer import Layer
from wirebrick.packet.packet import Packet


def random_stack(rng: random.Random, depth: int = 0):
    """A scapy packet from Ethernet on, and our headers for it."""
    packet = Ether(dst=rng.randbytes(6).hex(":"), src=rng.randbytes(6).hex(":"))
    headers = [Ethernet]
    for _ in range(rng.choice((0, 0, 1, 2))):
        packet /= Dot1Q(vlan=rng.randrange(4096))
        headers.append(VLAN)
    upper, more = random_ip(rng, depth)
    return packet / upper, headers + more


def random_ip(rng: random.Random, depth: int):
    """An IP packet; one in three carries another."""
    six = rng.random() < 0.4
    if six:
        packet = ScapyIPv6(src=f"2001:db8::{rng.randrange(9999)}", dst=f"fd00::{rng.randrange(9999)}")
        packet.tc, packet.fl, packet.hlim = rng.randrange(256), rng.randrange(1 << 20), rng.randrange(256)
        if rng.random() < 0.3:
            packet /= IPv6ExtHdrHopByHop()
        headers = [IPv6]
    else:
        packet = IP(src=f"10.0.3.{rng.randrange(256)}", dst=f"192.0.2.{rng.randrange(256)}")
        packet.id, packet.ttl, packet.tos = rng.randrange(65536), rng.randrange(256), rng.randrange(256)
        if rng.random() < 0.3:
            packet.options = [IPOption(b"\x07\x07\x04" + rng.randbytes(4)), IPOption(b"\x01")]
        headers = [IPv4]
    tunnel = depth < 2 and rng.random() < 0.5
    kind = rng.choice(("vxlan", "gre", "ip")) if tunnel else rng.choice(("tcp", "udp", "icmp"))
    if kind == "vxlan":
        inner, more = random_stack(rng, depth + 1)
        outer = ScapyUDP(sport=rng.randrange(65536), dport=4789)
        if rng.random() < 0.3:
            outer.chksum = 0
        return packet / outer / ScapyVXLAN(vni=rng.randrange(1 << 24)) / inner, [*headers, UDP, VXLAN, *more]
    if kind == "gre":
        inner, more = random_ip(rng, depth + 1)
        key = {"key_present": 1, "key": rng.randrange(1 << 32)} if rng.random() < 0.5 else {}
        return packet / ScapyGRE(**key) / inner, [*headers, GRE, *more]
    if kind == "ip":
        inner, more = random_ip(rng, depth + 1)
        return packet / inner, [*headers, *more]
    payload = Raw(rng.randbytes(rng.choice((0, 1, 2, 17, 64, 101))))
    ports = {"sport": rng.randrange(65536), "dport": rng.randrange(49152, 65536)}
    if kind == "tcp":
        options = [("MSS", 1460), ("NOP", None), ("WScale", 7)] if rng.random() < 0.5 else []
        tcp = ScapyTCP(**ports, seq=rng.randrange(1 << 32), options=options)
        return packet / tcp / payload, [*headers, TCP]
    if kind == "udp":
        zero = {"chksum": 0} if rng.random() < 0.3 else {}
        return packet / ScapyUDP(**ports, **zero) / payload, [*headers, UDP]
    if six:
        return packet / ICMPv6EchoRequest(id=1, seq=2, data=payload.load), [*headers, ICMPv6]
    return packet / ScapyICMP(id=1, seq=2) / payload, [*headers, ICMP]


def word(layer: Layer, data: bytes, name: str) -> int:
    """A field's value."""
    return getattr(layer.header.from_bytes(bytes(data[layer.start :])), name)


def right_checksum(data: bytes, layers: list[Layer], index: int) -> int:
    """What the checksum of a layer should be: by scapy's sum, of bytes put together here."""
    layer = layers[index]
    rule = layer.header.checksum_rule
    size = (layer.end if rule.payload else layer.begin) - layer.start
    covered = bytearray(data[layer.start : layer.start + size])
    at = layer.header.fields[rule.field].first
    covered[at : at + 2] = b"\0\0"
    pseudo = b""
    if rule.pseudo:
        ip = layers[index - 1]
        length = word(ip, data, ip.header.length_field)
        header = 0 if ip.header is IPv6 else ip.start - ip.begin
        beyond = ip.begin - ip.start - 40 if ip.header is IPv6 else 0
        length = word(layer, data, "length") if rule.own_length else (length + header - beyond) % 65535
        first, last = (12, 20) if ip.header is IPv4 else (8, 40)
        addresses = data[ip.start + first : ip.start + last]
        protocol = {TCP: 6, UDP: 17, ICMPv6: 58}[layer.header]
        pseudo = addresses + struct.pack("!II", length, protocol)
    value = checksum(bytes(pseudo) + bytes(covered))
    return 0xFFFF if rule.optional and value == 0 else value


def corrected(packet: Packet, data: bytes) -> bytes:
    """``data`` with all checksums of the parsed headers as they should be; a UDP checksum of zero stays."""
    data = bytearray(data)
    for index in reversed(range(len(packet._layers))):
        layer = packet._layers[index]
        rule = layer.header.checksum_rule
        if rule is None or (rule.optional and word(layer, data, rule.field) == 0):
            continue
        at = layer.start + layer.header.fields[rule.field].first
        data[at : at + 2] = right_checksum(bytes(data), packet._layers, index).to_bytes(2, "big")
    return bytes(data)
