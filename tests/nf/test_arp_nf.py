"""Answers for addresses, by ARP and neighbour discovery."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from wires import exchange

import wirebrick
from wirebrick import MacAddress
from wirebrick.nf.arp import arp

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
HOST, MINE, OTHER = "02:00:00:00:00:05", "02:00:00:00:00:09", "02:00:00:00:00:0a"
TABLE = f"203.0.113.4 {OTHER}  # a host\n\n198.51.100.128/25\n"


def nf(folder: Path) -> wirebrick.stream.network_function.Configured:
    file = folder / "table"
    file.write_text(TABLE)
    return arp(
        addresses="192.0.2.9 198.51.100.0/24 2001:db8::9 2001:db8:1::/64", mac=MacAddress(MINE), table=file
    )


@BOTH
def test_requests_are_answered_where_they_came_from(interpret: bool, tmp_path: Path) -> None:
    ether = Ether(src=HOST, dst="ff:ff:ff:ff:ff:ff")
    asks = [
        (None, "192.0.2.1", "192.0.2.9", MINE),
        (None, "0.0.0.0", "192.0.2.9", MINE),  # a probe: the address is defended
        (None, "192.0.2.1", "198.51.100.200", MINE),
        (7, "192.0.2.1", "203.0.113.4", OTHER),
    ]
    came = []
    for tag, src, dst, _ in asks:
        frame = ether / Dot1Q(vlan=tag) if tag else ether
        came.append(("a", frame / ARP(hwsrc=HOST, psrc=src, pdst=dst)))
    result, got = exchange(nf(tmp_path), tmp_path, ("in", "a", "out"), came, interpret)
    assert [len(frames) for frames in got.values()] == [0, 4, 0]
    for frame, (tag, src, dst, mac) in zip(got["a"], asks, strict=True):
        packet = Ether(frame)
        assert (packet.src, packet.dst, packet[ARP].op) == (mac, HOST, 2)
        assert (packet[ARP].hwsrc, packet[ARP].psrc, packet[ARP].hwdst, packet[ARP].pdst) == (
            mac,
            dst,
            HOST,
            src,
        )
        assert (packet[Dot1Q].vlan if Dot1Q in packet else None) == tag
    assert result.reports[0][1].rows == [(4, 0)]


@BOTH
def test_solicitations(interpret: bool, tmp_path: Path) -> None:
    def asks(target: str, src: str = "2001:db8::1") -> Ether:
        packet = Ether(src=HOST, dst="33:33:ff:00:00:09") / IPv6(src=src, dst="ff02::1:ff00:9", hlim=255)
        packet /= ICMPv6ND_NS(tgt=target)
        return packet / ICMPv6NDOptSrcLLAddr(lladdr=HOST) if src != "::" else packet

    came = [("a", asks("2001:db8::9")), ("a", asks("2001:db8::9", "::")), ("a", asks("2001:db8:1::77"))]
    came += [("a", asks("2001:db8:1::77", "::")), ("a", asks("2001:db8::8"))]
    result, got = exchange(nf(tmp_path), tmp_path, ("in", "a", "out"), came, interpret)
    answers = [Ether(frame) for frame in got["a"]]
    assert [(p[ICMPv6ND_NA].tgt, p[ICMPv6ND_NA].S, p[ICMPv6ND_NA].O, p.dst) for p in answers] == [
        ("2001:db8::9", 1, 1, HOST),
        ("2001:db8::9", 0, 1, "33:33:00:00:00:01"),
        ("2001:db8:1::77", 1, 0, HOST),
    ]
    assert {p[ICMPv6NDOptDstLLAddr].lladdr for p in answers} == {MINE}
    assert got["out"] == [bytes(frame) for _, frame in came[3:]]
    assert result.reports[0][1].rows == [(3, 0)]


@BOTH
def test_conflicts_are_counted(interpret: bool, tmp_path: Path) -> None:
    theirs = Ether(src=HOST, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=HOST, psrc="192.0.2.9", pdst="192.0.2.9")
    ours = Ether(src=MINE, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=MINE, psrc="192.0.2.9", pdst="192.0.2.9")
    proxied = Ether(src=HOST) / ARP(op=2, hwsrc=HOST, psrc="198.51.100.7", pdst="198.51.100.8")
    came = [("in", theirs), ("in", ours), ("in", proxied)]
    result, got = exchange(nf(tmp_path), tmp_path, ("in", "out"), came, interpret)
    assert len(got["out"]) == 3
    assert result.reports[0][1].rows == [(0, 1)]


@pytest.mark.parametrize(
    ("parameters", "text", "message"),
    [
        ({}, "", "arp needs addresses"),
        ({"addresses": "192.0.2.9"}, "", "can't be at None"),
        ({"addresses": "192.0.2.9", "mac": MacAddress("ff:ff:ff:ff:ff:ff")}, "", "can't be at"),
        ({"addresses": "192.0.2"}, "", "no address"),
        ({"addresses": "192.0.2.0/33"}, "", "arp"),
        ({"addresses": "192.0.2.1/24"}, "", "arp"),
        ({"addresses": "192.0.2.9 192.0.2.9/32", "mac": MacAddress(MINE)}, "", "twice"),
        ({}, "\n192.0.2.9 02:00", "table:2"),
        ({}, "192.0.2.9 02:00:00:00:00:01 x", "more than"),
    ],
)
def test_mistakes(tmp_path: Path, parameters: dict[str, object], text: str, message: str) -> None:
    if text:
        (tmp_path / "table").write_text(text)
        parameters = {**parameters, "table": tmp_path / "table"}
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(arp(**parameters), rx=[], interpret=True)
