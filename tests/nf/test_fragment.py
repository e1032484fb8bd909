"""Fragments as scapy makes and joins them, and the Linux rules for what may be split."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP, defragment
from scapy.layers.inet import fragment as scapy_fragment
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    defragment6,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

import wirebrick
from wirebrick.nf.fragment import fragment

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
ETHER = Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d")
V4, V6 = {"src": "192.0.2.1", "dst": "198.51.100.2"}, {"src": "2001:db8::1", "dst": "2001:db8:1::2"}


def body(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def run(frames: list[bytes], interpret: bool, **parameters: object) -> wirebrick.Result:
    return wirebrick.run(fragment(**parameters), rx=frames, interpret=interpret)


@BOTH
@pytest.mark.parametrize("mtu", [68, 576, 1006, 1500])
def test_as_scapy_does(interpret: bool, mtu: int) -> None:
    sent = [
        bytes(ETHER / IP(**V4, id=size + 1, tos=4) / Raw(body(size)))
        for size in (1, 48, 49, 556, 1480, 1481, 4000)
    ]
    result = run(sent, interpret, mtu=mtu)
    expected: list[bytes] = []
    for frame in sent:
        packet = Ether(frame)
        if packet[IP].len <= mtu:
            expected.append(frame)
            continue
        pieces = scapy_fragment(packet, fragsize=mtu - 20 & -8)
        expected += [bytes(piece) for piece in pieces]
    assert result.packets == expected
    assert result.packets_in + result.packets_made == result.packets_out


@BOTH
def test_in_the_middle_of_a_chain_and_behind_tags(interpret: bool) -> None:
    sent = [bytes(ETHER / Dot1Q(vlan=5) / IP(**V4, id=7) / UDP() / Raw(body(1000)))]
    result = wirebrick.run(["ttl", fragment(mtu=300), "ttl", "macswap"], rx=sent, interpret=interpret)
    assert len(result.packets) == 4
    packets = [Ether(frame) for frame in result.packets]
    assert {(p.dst, p[Dot1Q].vlan, p[IP].ttl) for p in packets} == {(ETHER.src, 5, 64)}
    untagged = wirebrick.run(
        ["ttl", fragment(mtu=300), "ttl"], rx=[sent[0][:12] + sent[0][16:]], interpret=interpret
    )
    packets = [Ether(frame) for frame in untagged.packets]
    assert {p[IP].ttl for p in packets} == {62}
    assert joined(packets) == bytes(IP(**V4, id=7, ttl=62) / UDP() / Raw(body(1000)))


def joined(packets: list[Ether]) -> bytes:
    (whole,) = defragment([packet[IP] for packet in packets])
    del whole.chksum
    return bytes(whole)


@BOTH
def test_fragments_are_split_again(interpret: bool) -> None:
    sent = ETHER / IP(**V4, id=9) / Raw(body(3000))
    once = run([bytes(sent)], interpret, mtu=1400).packets
    twice = run(once, interpret, mtu=500).packets
    assert all(Ether(frame)[IP].len <= 500 for frame in twice)
    assert joined([Ether(frame) for frame in twice]) == bytes(sent[IP])


@BOTH
def test_options_that_every_fragment_has(interpret: bool) -> None:
    options = bytes.fromhex(
        "94040000 01 07070400000000 83030400"
    )  # router alert (copied), nop, record route, loose source
    sent = bytes(ETHER / IP(**V4, id=3, ihl=9, len=36 + 200) / Raw(options.ljust(16, b"\0") + body(200)))
    packets = [Ether(frame) for frame in run([sent], interpret, mtu=100).packets]
    assert bytes(packets[0])[34:50] == options.ljust(16, b"\0")
    assert {bytes(packet)[34:42] for packet in packets[1:]} == {bytes.fromhex("94040000 83030400")}
    assert {packet[IP].ihl for packet in packets[1:]} == {7}
    data, end = b"", 0
    for packet in packets:
        assert packet[IP].frag * 8 == end
        data += bytes(packet)[14 + packet[IP].ihl * 4 :]
        end = len(data)
    assert data == body(200)


@BOTH
@pytest.mark.parametrize("size", [1, 1232, 1233, 1240, 4000])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [IPv6ExtHdrHopByHop()],
        [IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrRouting(addresses=["2001:db8::9"])],
        [IPv6ExtHdrDestOpt()],
    ],
)
def test_ipv6(interpret: bool, size: int, headers: list[object]) -> None:
    packet = IPv6(**V6)
    for header in headers:
        packet /= header
    sent = bytes(ETHER / packet / UDP(sport=1, dport=2) / Raw(body(size)))
    frames = run([sent], interpret, mtu=1280, ipv6=True).packets
    assert all(len(frame) <= 1294 for frame in frames)
    if len(sent) <= 1294:
        assert frames == [sent]
        return
    whole = defragment6([Ether(frame)[IPv6] for frame in frames])
    assert bytes(whole) == sent[14:]
    routers = len(headers) * 8 if len(headers) != 3 else 8 + 8 + 24
    if headers and isinstance(headers[0], IPv6ExtHdrDestOpt):
        routers = 0
    assert len({frame[20] for frame in frames} | {frame[54 : 54 + routers] for frame in frames}) == 2
    assert {frame[55 + routers] for frame in frames} == {0}  # the fragment header's reserved byte
    assert all(Ether(frame)[IPv6ExtHdrFragment].offset * 8 % 8 == 0 for frame in frames)


@BOTH
def test_what_may_not_be_split(interpret: bool) -> None:
    forbidden = bytes(ETHER / IP(**V4, flags="DF") / Raw(body(600)))
    sent = [
        forbidden,
        bytes(ETHER / IPv6(**V6) / Raw(body(600))),
        bytes(ETHER / IP(**V4, flags="DF") / Raw(b"x")),
    ]
    result = run(sent, interpret, mtu=500)
    assert result.packets == sent[2:]
    assert result.drops == {"fragment.dont_fragment": 2}
    frames = run([forbidden], interpret, mtu=500, force=True).packets
    assert len(frames) == 2
    assert joined([Ether(frame) for frame in frames]) == bytes(IP(**V4, flags="") / Raw(body(600)))


@BOTH
def test_headers_that_fill_the_mtu(interpret: bool) -> None:
    options = b"\x01" * 40
    sent = bytes(ETHER / IP(**V4, ihl=15, len=60 + 100) / Raw(options + body(100)))
    assert len(run([sent], interpret, mtu=68).packets) == 3
    chain = IPv6(**V6) / IPv6ExtHdrRouting(addresses=["2001:db8::9"] * 79)
    sent = bytes(ETHER / chain / UDP() / Raw(body(100)))
    assert run([sent], interpret, mtu=1280, ipv6=True).drops == {"fragment.mtu_too_small": 1}


@pytest.mark.parametrize("mtu", [67, 65536, True, "x"])
def test_wrong_parameters(mtu: object) -> None:
    with pytest.raises(wirebrick.WirebrickError, match="the mtu can't be"):
        wirebrick.run(fragment(mtu=mtu), rx=[], interpret=True)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.booleans()), min_size=1, max_size=5), st.integers(1280, 1600)
)
def test_nothing_is_lost(packets: list[tuple[int, bool]], mtu: int) -> None:
    """What is split and joined by scapy is what it was."""
    sent = []
    for number, (size, v6) in enumerate(packets):
        ip = IPv6(**V6) if v6 else IP(**V4, id=number + 1)
        sent.append(bytes(ETHER / ip / UDP(sport=number, dport=9) / Raw(body(size))))
    result = run(sent, False, mtu=mtu, ipv6=True)
    assert all(len(frame) <= 14 + mtu for frame in result.packets)
    frames = [Ether(frame) for frame in result.packets]
    found = {bytes(packet) for packet in defragment([f[IP] for f in frames if IP in f])}
    for number in {f[IPv6ExtHdrFragment].id for f in frames if IPv6ExtHdrFragment in f}:
        pieces = [f[IPv6] for f in frames if IPv6ExtHdrFragment in f and f[IPv6ExtHdrFragment].id == number]
        found.add(bytes(defragment6(pieces)))
    found |= {bytes(f[IPv6]) for f in frames if IPv6 in f and IPv6ExtHdrFragment not in f}
    rebuilt = set()
    for frame in sent:
        packet = Ether(frame).payload
        if isinstance(packet, IP):
            del packet.chksum
        rebuilt.add(bytes(packet))
    normal = set()
    for data in found:
        packet = IP(data) if data[0] >> 4 == 4 else IPv6(data)
        if isinstance(packet, IP):
            del packet.chksum
        normal.add(bytes(packet))
    assert normal == rebuilt
