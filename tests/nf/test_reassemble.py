"""Fragments joined: as scapy does, whatever their order; what does not fit; floods; real captures of attacks."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet import fragment as scapy_fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, fragment6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import RawPcapReader

import wirebrick
from wirebrick.nf.fragment import fragment
from wirebrick.nf.reassemble import reassemble

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
ETHER = Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d")
V4, V6 = {"src": "192.0.2.1", "dst": "198.51.100.2"}, {"src": "2001:db8::1", "dst": "2001:db8:1::2"}
CAPTURES = Path(os.environ.get("WIREBRICK_PCAPS", Path(__file__).parents[3] / "shared" / "pcaps"))


def body(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def v4(size: int, number: int = 7) -> bytes:
    return bytes(ETHER / IP(**V4, id=number) / UDP(sport=number, dport=2) / Raw(body(size)))


def v6(size: int) -> bytes:
    return bytes(ETHER / IPv6(**V6) / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=2) / Raw(body(size)))


def pieces(frame: bytes, size: int = 500) -> list[bytes]:
    packet = Ether(frame)
    if IP in packet:
        return [bytes(piece) for piece in scapy_fragment(packet, fragsize=size)]
    ip = packet[IPv6]
    upper = ip[UDP]
    ip[IPv6ExtHdrHopByHop].remove_payload()
    ip[IPv6ExtHdrHopByHop].nh = 44
    del ip.plen
    split = fragment6(ip / IPv6ExtHdrFragment(id=77, nh=17) / upper, 1280)
    return [bytes(ETHER / piece) for piece in split]


@BOTH
@pytest.mark.parametrize("frame", [v4(2000), v4(8900), v6(3000)])
def test_whole_again(interpret: bool, frame: bytes) -> None:
    split = pieces(frame)
    rng = random.Random(1)
    for _ in range(3):
        rng.shuffle(split)
        result = wirebrick.run(reassemble, rx=split, interpret=interpret)
        assert result.packets == [frame]
        assert result.drops == {"reassemble.fragment_kept": len(split) - 1}


@BOTH
def test_fragment_and_reassemble_are_one_anothers_inverse(interpret: bool) -> None:
    sent = [v4(size, size % 60000 + 1) for size in (10, 700, 1472, 1473, 5000, 8950)]
    chain = [fragment(mtu=600), reassemble(), "ttl", fragment(mtu=1500), reassemble()]
    result = wirebrick.run(chain, rx=sent, interpret=interpret)
    assert [Ether(frame)[IP].ttl for frame in result.packets] == [63] * 6
    assert [frame[34:] for frame in result.packets] == [frame[34:] for frame in sent]


@BOTH
def test_a_firewall_behind_it_sees_ports(interpret: bool, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("allow udp dst port 2\n")
    chain = [reassemble(), f"firewall:rules={tmp_path / 'acl'}", fragment(mtu=576)]
    result = wirebrick.run(chain, rx=pieces(v4(1500)), interpret=interpret)
    assert len(result.packets) == 3
    assert "firewall.default_denied" not in result.drops


@BOTH
def test_tags_stay(interpret: bool) -> None:
    frame = bytes(ETHER / Dot1Q(vlan=9) / IP(**V4, id=3) / UDP() / Raw(body(900)))
    split = [frame[:18] + piece[14:] for piece in pieces(frame[:12] + frame[16:], 300)]
    assert wirebrick.run(reassemble, rx=split, interpret=interpret).packets == [frame]


def part(offset: int, data: bytes, more: bool = True, number: int = 5) -> bytes:
    return bytes(
        ETHER / IP(**V4, id=number, proto=17, flags="MF" if more else "", frag=offset // 8) / Raw(data)
    )


SPOILT = {
    "overlap in the middle": [part(0, b"a" * 16), part(8, b"b" * 16), part(24, b"c" * 8, False)],
    "the same place, other bytes": [part(0, b"a" * 16), part(0, b"b" * 16), part(16, b"c" * 8, False)],
    "two ends": [part(16, b"a" * 8, False), part(24, b"b" * 8, False), part(0, b"c" * 16)],
    "behind the end": [part(16, b"a" * 8, False), part(32, b"b" * 8), part(0, b"c" * 16)],
    "an end before what is there": [part(32, b"b" * 8), part(16, b"a" * 8, False), part(0, b"c" * 16)],
    "inside another": [part(0, b"a" * 64), part(16, b"a" * 8), part(64, b"c" * 8, False)],
}
SPOILT["inside another"][1] = part(16, b"x" * 8)


@BOTH
@pytest.mark.parametrize("name", SPOILT)
def test_what_overlaps_spoils_the_packet(interpret: bool, name: str) -> None:
    result = wirebrick.run(reassemble, rx=[*SPOILT[name], *pieces(v4(900))], interpret=interpret)
    assert result.packets == [v4(900)]
    assert result.drops["reassemble.overlapping"] >= 1
    assert result.reports[0][1].rows[0][3] == 1


@BOTH
def test_the_same_again_and_what_can_not_be(interpret: bool) -> None:
    split = pieces(v4(900))
    sent = [
        split[0],
        split[0],
        part(0, b"", number=6),
        part(0, b"abc", number=6),
        part(65528, b"x" * 100, False, 6),
    ]
    sent += [split[1], split[1][:-5] if len(split) > 2 else split[0]]
    result = wirebrick.run(reassemble, rx=sent, interpret=interpret)
    assert result.drops["reassemble.malformed"] == 3
    assert result.drops["reassemble.duplicate"] >= 1
    cut = bytearray(split[0])
    result = wirebrick.run(reassemble, rx=[bytes(cut[:100])], interpret=interpret)
    assert result.packets_out == 1  # not well-formed IP: its length says more than there is


@BOTH
def test_time_runs_out(interpret: bool) -> None:
    first, *rest = pieces(v4(900))
    sent = [(0, first), *[(31_000_000_000, piece) for piece in rest]]
    result = wirebrick.run(reassemble, rx=sent, interpret=interpret)
    assert result.packets == []
    assert result.reports[0][1].rows[0][2] == 1


@BOTH
def test_a_flood_of_first_fragments(interpret: bool) -> None:
    """Memory is bounded, and whoever comes while it lasts still gets through if quick."""
    flood = [part(0, b"a" * 8, number=n) for n in range(1, 600)]
    split = pieces(v4(900, 61234))
    result = wirebrick.run(reassemble(capacity=16), rx=[*flood, *split], interpret=interpret)
    assert result.packets == [v4(900, 61234)]
    assert result.reports[0][1].rows[0][4] > 500


@BOTH
def test_larger_than_frames_are(interpret: bool) -> None:
    result = wirebrick.run(reassemble(largest=1500), rx=pieces(v4(4000)), interpret=interpret)
    assert result.packets == []
    assert result.drops["reassemble.too_large"] == 1
    whole = wirebrick.run(reassemble(largest=65535), rx=pieces(v4(60000), 1400), interpret=interpret)
    assert whole.packets == [v4(60000)]


@pytest.mark.parametrize("name", ["test_fragroute.pcap", "ip_fragmented_garbage.pcap", "smb_frags.pcap"])
def test_captures_of_attacks(name: str) -> None:
    """Compiled as interpreted; and nothing leaves that is a fragment."""
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    results = [
        wirebrick.run([reassemble(), fragment(mtu=576)], rx=str(path), tx=[], interpret=i)
        for i in (True, False)
    ]
    assert results[0].drops == results[1].drops
    assert results[0].packets_out == results[1].packets_out
    outs: list[list[bytes]] = [[], []]
    for number, interpret in enumerate((True, False)):
        wirebrick.run(reassemble, rx=str(path), tx=outs[number], interpret=interpret)
    assert outs[0] == outs[1]
    ips = [frame for frame in outs[0] if frame[12:14] == b"\x08\x00" and frame[14] >> 4 == 4]
    fragments = [frame for frame in ips if int.from_bytes(frame[20:22], "big") & 0x3FFF]
    whole = [frame for frame in fragments if int.from_bytes(frame[16:18], "big") + 14 <= len(frame)]
    assert not whole
    assert len(list(RawPcapReader(str(path)))) == results[0].packets_in


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=4),
    st.integers(8, 170),
    st.randoms(use_true_random=False),
)
def test_any_packets_in_any_order(sizes: list[int], words: int, rng: random.Random) -> None:
    frames = [v4(size, number + 1) for number, size in enumerate(sizes)]
    split = [piece for frame in frames for piece in pieces(frame, words * 8)]
    rng.shuffle(split)
    result = wirebrick.run(reassemble, rx=split)
    assert sorted(result.packets) == sorted(frames)
