"""ICMP errors about packets, as scapy reads them: who gets one, what it quotes, at what rate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_Redirect,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    in6_chksum,
)
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import checksum

import wirebrick
from wirebrick import IPv4Address, IPv6Address, Stream, TokenBucket, network_function
from wirebrick.headers import Ethernet
from wirebrick.headers import IPv4 as IPv4Header
from wirebrick.headers import IPv6 as IPv6Header
from wirebrick.nf.icmp_error import (
    FRAGMENTATION_NEEDED,
    TOO_BIG6,
    UNREACHABLE,
    UNREACHABLE6,
    ErrorV4,
    ErrorV6,
    IcmpErrors,
)

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
ME, ME6 = IPv4Address("203.0.113.1"), IPv6Address("2001:db8:f::1")
ETHER = Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d")
FROM, FROM6 = {"src": "192.0.2.1", "dst": "198.51.100.2"}, {"src": "2001:db8::1", "dst": "2001:db8:1::2"}


@network_function
def refuse(packets: Stream, *, kind: int = 1, burst: int = 1000) -> Stream:
    """All IPv4 packets are unreachable, or need fragmentation (3, 4); all IPv6 ones of the type ``kind``."""
    errors = IcmpErrors(TokenBucket(rate=1, burst=burst))
    v6 = Stream()

    def about_v4(packet):
        return ErrorV4(type=UNREACHABLE, code=FRAGMENTATION_NEEDED, mtu=1400, src=ME)

    def about_v6(packet):
        return ErrorV6(type=kind, code=0, mtu=1400, src=ME6)

    v4 = packets.parse(Ethernet).parse(IPv4Header, otherwise=v6)
    return wirebrick.merge(
        errors.v4(v4.metadata(ErrorV4, about_v4)),
        errors.v6(v6.parse(IPv6Header, otherwise="drop").metadata(ErrorV6, about_v6)),
    )


def right(got: bytes) -> bool:
    """Whether lengths and checksums are what scapy makes them."""
    ip = Ether(got).payload
    if isinstance(ip, IP):
        whole = checksum(got[14:34]) == 0 == checksum(got[34:])
        return whole and ip.len == len(got) - 14
    zeroed = got[54:56] + b"\0\0" + got[58:]
    return ip.plen == len(got) - 54 and in6_chksum(58, ip, zeroed).to_bytes(2, "big") == got[56:58]


@BOTH
@pytest.mark.parametrize("size", [0, 1, 18, 519, 520, 521, 1400])
def test_ipv4(interpret: bool, size: int) -> None:
    sent = bytes(ETHER / IP(**FROM, tos=3, ttl=1) / UDP(sport=1, dport=2) / Raw(b"x" * size))
    result = wirebrick.run(refuse, rx=[sent + bytes(5)], interpret=interpret)
    (got,) = result.packets
    packet = Ether(got)
    assert (packet.src, packet.dst) == (ETHER.dst, ETHER.src)
    assert (packet[IP].src, packet[IP].dst, packet[IP].ttl) == (str(ME), FROM["src"], 64)
    assert (packet[ICMP].type, packet[ICMP].code, packet[ICMP].nexthopmtu) == (3, 4, 1400)
    assert got[42:] == sent[14 : 14 + 548]
    assert right(got)
    assert len(got) <= 14 + 576


@BOTH
@pytest.mark.parametrize("size", [0, 100, 1184, 1185, 1400])
def test_ipv6(interpret: bool, size: int) -> None:
    sent = bytes(ETHER / IPv6(**FROM6) / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=2) / Raw(b"x" * size))
    (got,) = wirebrick.run(refuse(kind=UNREACHABLE6), rx=[sent], interpret=interpret).packets
    packet = Ether(got)
    assert (packet[IPv6].src, packet[IPv6].dst) == (str(ME6), FROM6["src"])
    assert packet[ICMPv6DestUnreach].code == 0
    assert got[62:] == sent[14 : 14 + 1232]
    assert len(got) == min(14 + 1280, len(sent) + 48)
    assert right(got)
    (got,) = wirebrick.run(refuse(kind=TOO_BIG6), rx=[sent], interpret=interpret).packets
    assert Ether(got)[ICMPv6PacketTooBig].mtu == 1400
    assert right(got)


SILENT: list[Callable[[], Ether]] = [
    lambda: ETHER / IP(**FROM) / ICMP(type=3) / IP(**FROM) / UDP(),
    lambda: ETHER / IP(**FROM) / ICMP(type=11),
    lambda: ETHER / IP(**FROM) / ICMP(type=5),
    lambda: ETHER / IP(**FROM, proto=1),
    lambda: ETHER / IP(**FROM, frag=1) / Raw(b"x" * 20),
    lambda: ETHER / IP(src="192.0.2.1", dst="224.0.0.1") / UDP(),
    lambda: ETHER / IP(src="192.0.2.1", dst="255.255.255.255") / UDP(),
    lambda: ETHER / IP(src="0.0.0.0", dst="192.0.2.1") / UDP(),
    lambda: ETHER / IP(src="127.0.0.1", dst="192.0.2.1") / UDP(),
    lambda: ETHER / IP(src="224.0.0.1", dst="192.0.2.1") / UDP(),
    lambda: ETHER / IP(src="255.255.255.255", dst="192.0.2.1") / UDP(),
    lambda: Ether(src=ETHER.src, dst="ff:ff:ff:ff:ff:ff") / IP(**FROM) / UDP(),
    lambda: ETHER / IPv6(**FROM6) / ICMPv6DestUnreach() / IPv6(**FROM6),
    lambda: ETHER / IPv6(**FROM6) / IPv6ExtHdrHopByHop() / ICMPv6PacketTooBig(),
    lambda: ETHER / IPv6(**FROM6) / ICMPv6ND_Redirect(),
    lambda: ETHER / IPv6(src="::", dst=FROM6["dst"]) / UDP(),
    lambda: ETHER / IPv6(src="ff02::1", dst=FROM6["dst"]) / UDP(),
    lambda: ETHER / IPv6(src=FROM6["src"], dst="ff02::1") / UDP(),
    lambda: ETHER / IPv6(**FROM6, nh=58),
]
HEARD: list[Callable[[], Ether]] = [
    lambda: ETHER / IP(**FROM) / ICMP(type=8),
    lambda: ETHER / IP(**FROM, options=[IPOption_Router_Alert()]) / TCP(),
    lambda: ETHER / IP(**FROM, flags="MF") / UDP(),
    lambda: ETHER / IPv6(**FROM6) / ICMPv6EchoRequest(),
    lambda: ETHER / IPv6(**FROM6) / IPv6ExtHdrFragment(offset=2, nh=58) / Raw(b"\1\1\1\1\1"),
]


@BOTH
def test_about_what_nobody_is_told(interpret: bool) -> None:
    silent = [bytes(make()) for make in SILENT]
    result = wirebrick.run(refuse, rx=silent, interpret=interpret)
    assert result.packets == []
    assert result.drops == {"refuse.no_error": len(silent)}
    heard = [bytes(make()) for make in HEARD]
    result = wirebrick.run(refuse, rx=heard, interpret=interpret)
    assert len(result.packets) == len(heard)
    assert all(right(packet) for packet in result.packets)


@BOTH
def test_too_big_is_said_about_multicasts(interpret: bool) -> None:
    sent = bytes(ETHER / IPv6(src=FROM6["src"], dst="ff0e::1") / UDP())
    assert len(wirebrick.run(refuse(kind=TOO_BIG6), rx=[sent], interpret=interpret).packets) == 1


@BOTH
def test_no_more_than_the_rate(interpret: bool) -> None:
    sent = bytes(ETHER / IP(**FROM) / UDP())
    times = [0, 1, 2, 3, 1_000_000_003]
    result = wirebrick.run(refuse(burst=2), rx=[(time, sent) for time in times], interpret=interpret)
    assert (result.packets_out, result.drops) == (3, {"refuse.error_limited": 2})
