"""Frames and network functions that several tests run."""

from __future__ import annotations

from bench_of import run
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from wirebrick.headers import Ethernet, IPv4
from wirebrick.stream.network_function import network_function

TCP4 = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2", ttl=9) / ScapyTCP() / Raw(b"abc"))
UDP4 = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2", ttl=1) / ScapyUDP(dport=53) / Raw(b"abc"))
TCP6 = bytes(Ether() / ScapyIPv6(src="2001:db8::1", dst="2001:db8::2") / ScapyTCP())
JUNK = b"too short"


@network_function
def ttl(packets):
    def alive(packet):
        return packet.header.ttl > 1

    def age(packet):
        packet.header.ttl -= 1

    return packets.parse(Ethernet).parse(IPv4).filter(alive, reason="ttl_expired").transform(age)


def one(function, operator="transform", headers=(Ethernet, IPv4), rx=(TCP4,), **options):
    """Run one operator with a user function behind the parsed headers."""

    @network_function
    def nf(packets):
        for header in headers:
            packets = packets.parse(header)
        return getattr(packets, operator)(function)

    return run(nf, rx=list(rx), **options)
