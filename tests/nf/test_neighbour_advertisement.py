"""Answers to neighbour solicitations, as scapy reads them."""

from __future__ import annotations

import pytest
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    in6_chksum,
)
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import wirebrick
from wirebrick import Stream, network_function
from wirebrick.headers import Ethernet, ICMPv6, NeighbourTarget
from wirebrick.headers import IPv6 as IPv6Header
from wirebrick.nf.neighbour_advertisement import SIZE, is_solicitation, neighbour_advertisement

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
MAC = "02:00:00:00:00:09"
HOST = "02:00:00:00:00:01"


@network_function
def here(packets: Stream) -> Stream:
    def answer(packet):
        if is_solicitation(packet):
            packet.payload.resize(SIZE)
            neighbour_advertisement(packet, 0x02_0000_000009)
            packet.send("out")
        else:
            packet.drop("none")

    stack = packets.parse(Ethernet).parse(IPv6Header).parse(ICMPv6).parse(NeighbourTarget, otherwise="drop")
    return stack.transform(answer)


def asks(*options: object, src: str = "2001:db8::1", hlim: int = 255, target: str = "2001:db8::9") -> bytes:
    packet = Ether(src=HOST, dst="33:33:ff:00:00:09") / IPv6(src=src, dst="ff02::1:ff00:9", hlim=hlim)
    packet /= ICMPv6ND_NS(tgt=target)
    for option in options:
        packet /= option
    return bytes(packet)


@BOTH
@pytest.mark.parametrize("options", [[], [ICMPv6NDOptSrcLLAddr(lladdr=HOST)], [Raw(b"\x0e\x01nonce!")] * 3])
def test_who_asks_is_answered(interpret: bool, options: list[object]) -> None:
    (got,) = wirebrick.run(here, rx=[asks(*options)], interpret=interpret).packets
    packet = Ether(got)
    assert (packet.src, packet.dst) == (MAC, HOST)
    assert (packet[IPv6].src, packet[IPv6].dst, packet[IPv6].hlim) == ("2001:db8::9", "2001:db8::1", 255)
    answer = packet[ICMPv6ND_NA]
    assert (answer.R, answer.S, answer.O, answer.tgt) == (0, 1, 1, "2001:db8::9")
    assert packet[ICMPv6NDOptDstLLAddr].lladdr == MAC
    assert in6_chksum(58, packet[IPv6], got[54:56] + b"\0\0" + got[58:]) == answer.cksum
    assert len(got) == 86 == packet[IPv6].plen + 54


@BOTH
def test_who_probes_hears_it_with_all(interpret: bool) -> None:
    (got,) = wirebrick.run(here, rx=[asks(src="::")], interpret=interpret).packets
    packet = Ether(got)
    assert (packet.dst, packet[IPv6].dst) == ("33:33:00:00:00:01", "ff02::1")
    assert (packet[ICMPv6ND_NA].S, packet[ICMPv6ND_NA].O) == (0, 1)


@BOTH
def test_what_is_no_solicitation(interpret: bool) -> None:
    wrong = [
        asks(hlim=254),
        asks(target="ff02::1"),
        asks(Raw(b"\x01\x00" + bytes(6))),
        asks(Raw(b"\x01\x02" + bytes(6))),
        asks(Raw(b"\x01")),
        asks(ICMPv6NDOptSrcLLAddr(lladdr=HOST), src="::"),
        asks(src="::").replace(bytes.fromhex("ff02000000000000000000 01ff000009"), bytes(15) + b"\1"),
    ]
    result = wirebrick.run(here, rx=wrong, interpret=interpret)
    assert result.packets == []
    assert result.drops == {"here.none": len(wrong)}
