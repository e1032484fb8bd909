from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Dot1Q, Ether

from wirebrick.errors import PortError
from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import IMIX, Traffic

CHECKSUMS = {IP: ("len", "chksum"), UDP: ("len", "chksum"), TCP: ("chksum",), ICMP: ("chksum",)}
CHECKSUMS |= {IPv6: ("plen",), ICMPv6EchoRequest: ("cksum",)}


def frames(traffic: Traffic, worker: int = 0, workers: int = 1) -> list[bytes]:
    templates = make_templates(traffic, worker, workers)
    return [templates.packet(number) for number in range(len(templates.index))]


def rebuilt(frame: bytes) -> bytes:
    """The frame with lengths and checksums as scapy computes them."""
    packet = Ether(frame)
    for layer, fields in CHECKSUMS.items():
        if layer in packet:
            for field in fields:
                delattr(packet[layer], field)
    return bytes(packet)


@settings(deadline=None, max_examples=60)
@given(
    size=st.one_of(
        st.integers(42, 1600), st.just("imix"), st.tuples(st.integers(42, 300), st.integers(300, 400))
    ),
    flows=st.integers(1, 6),
    protocols=st.sampled_from(["udp", "tcp", "icmp", "tcp:60,udp:30,icmp:10", "tcp/icmp"]),
    ipv6=st.sampled_from([0, 0.3, 1]),
    vlan=st.sampled_from([0, 5]),
    payload=st.sampled_from(["zero", "random", "text"]),
    seed=st.integers(0, 2**63 - 1),
)
def test_scapy_agrees_on_lengths_and_checksums(size, flows, protocols, ipv6, vlan, payload, seed):
    try:
        traffic = Traffic(size, flows, protocols, ipv6, vlan, seed, payload=payload, ttl=33)
    except PortError:  # the size is below the headers of all
        assert isinstance(size, int | tuple)
        return
    for frame in frames(traffic)[:40]:
        assert rebuilt(frame) == frame
        packet = Ether(frame)
        ip = packet[IP] if IP in packet else packet[IPv6]
        assert (ip.ttl if IP in packet else ip.hlim) == 33
        assert (Dot1Q in packet) == bool(vlan)
        assert any(layer in packet for layer in (TCP, UDP, ICMP, ICMPv6EchoRequest))
        assert len(frame) <= traffic.largest


def test_fields():
    packets = [Ether(frame) for frame in frames(Traffic(flows=500, vlan=7))]
    assert all(len(packet) == 64 and packet[Dot1Q].vlan == 7 for packet in packets)
    assert all(packet[IP].src.startswith("10.") for packet in packets)
    assert all(packet[IP].dst.startswith(("198.18.", "198.19.")) for packet in packets)
    assert len({packet[IP].src for packet in packets}) == 500
    assert len({packet[UDP].sport for packet in packets}) > 450
    assert all(packet[UDP].sport >= 32768 > packet[UDP].dport >= 16384 for packet in packets)
    packets = [Ether(frame) for frame in frames(Traffic(size=80, flows=50, ipv6=1, protocols="tcp"))]
    assert all(packet[IPv6].src.startswith("2001:db8::") for packet in packets)
    assert all(packet[IPv6].dst.startswith("2001:2::") for packet in packets)
    assert len({packet[TCP].seq for packet in packets}) == 50


def test_sources_differ_in_millions_of_flows():
    templates = make_templates(Traffic(flows=1 << 20))
    sources = templates.buffer.reshape(-1, 64)[:, 26:30].copy().view(">u4")
    assert len(np.unique(sources)) == 1 << 20
    assert sources.min() > 0x0A000000
    assert sources.max() <= 0x0A800000


def test_shares_are_kept():
    traffic = Traffic(flows=1000, protocols="tcp:60,udp:30,icmp:10", ipv6=0.2)
    packets = [Ether(frame) for frame in frames(traffic)]
    assert abs(sum(IPv6 in packet for packet in packets) - 200) <= 10
    assert abs(sum(TCP in packet for packet in packets) - 600) <= 10
    assert abs(sum(UDP in packet for packet in packets) - 300) <= 10
    v6 = [packet for packet in packets if IPv6 in packet]
    assert abs(sum(TCP in packet for packet in v6) - 120) <= 15


def test_imix_is_exact_for_each_flow_and_mixed_in_time():
    made = frames(Traffic(size="imix", flows=5))
    assert Counter(map(len, made)) == {64: 35, 594: 20, 1518: 5}
    for flow in range(5):
        assert Counter(map(len, made[flow::5])) == Counter(IMIX)
    made = frames(Traffic(size="imix", flows=240))
    for start in range(0, 240 * 12, 120):
        counts = Counter(len(frame) for frame in made[start : start + 120])
        assert abs(counts[64] - 70) <= 5
        assert abs(counts[1518] - 10) <= 5


def test_imix_of_more_flows_than_can_have_all_sizes(monkeypatch):
    whole = make_templates(Traffic(size="imix", flows=240))
    assert Traffic(size="imix", flows=1_000_000).rounds == 1
    monkeypatch.setattr("wirebrick.ports.memory.traffic.MOST_BYTES", 240 * 12 * 64 * 71 // 12 - 1)
    made = make_templates(Traffic(size="imix", flows=240))
    assert [made.packet(flow) for flow in range(len(made.index))] == [
        whole.packet(flow) for flow in range(240)
    ]
    assert abs(Counter(made.index[:, 1].tolist())[1518] - 20) <= 2


def test_a_range_reaches_its_ends():
    lengths = {len(frame) for frame in frames(Traffic(size=(60, 70), flows=1))}
    assert lengths == set(range(60, 71))
    assert len(frames(Traffic(size=(60, 70), flows=2000))) == 24000


def test_headers_win_over_size():
    assert {len(frame) for frame in frames(Traffic(size=(62, 80), ipv6=1, flows=3))} == set(range(62, 81))
    made = frames(Traffic(size=64, ipv6=0.5, protocols="tcp", flows=10))
    assert {len(frame) for frame in made} == {64, 74}


def test_equal_seeds_make_equal_packets_and_others_do_not():
    options = {"size": (70, 200), "flows": 20, "protocols": "tcp/udp", "ipv6": 0.5, "payload": "random"}
    assert frames(Traffic(**options, seed=3)) == frames(Traffic(**options, seed=3))
    assert frames(Traffic(**options, seed=3)) != frames(Traffic(**options, seed=4))


@pytest.mark.parametrize("size", [64, "imix", (70, 90)])
def test_workers_share_the_same_packets(size):
    traffic = Traffic(size=size, flows=11, protocols="tcp/udp/icmp", ipv6=0.3, payload="random")
    shared = [frame for worker in range(3) for frame in frames(traffic, worker, 3)]
    assert sorted(shared) == sorted(frames(traffic))
    if size == 64:
        assert frames(traffic, 1, 3) == frames(traffic)[1::3]


def test_chunks_do_not_matter(monkeypatch):
    traffic = Traffic(size="imix", flows=9, payload="random", protocols="tcp/udp", ipv6=0.5)
    whole = frames(traffic)
    monkeypatch.setattr("wirebrick.ports.memory.templates._CHUNK", 4096)
    assert frames(traffic) == whole


def test_templates_are_aligned_and_padded():
    templates = make_templates(Traffic(size=(60, 130), payload="random", flows=50))
    assert templates.buffer.ctypes.data % 64 == 0
    for line, length in templates.index[:100].tolist():
        assert not templates.buffer[line * 64 + length : (line + -(-length // 64)) * 64].any()


def test_udp_checksum_is_never_zero():
    # A checksum that comes out as 0 is sent as 0xffff; among 2**20 flows some do.
    checksums = make_templates(Traffic(flows=1 << 20)).buffer.reshape(-1, 64)[:, 40:42].copy().view(">u2")
    assert (checksums == 0xFFFF).any()
    assert not (checksums == 0).any()


WRONG = [
    ({"size": 10}, "42 .. 9216"),
    ({"size": 10_000}, "42 .. 9216"),
    ({"size": (100, 60)}, "low-high"),
    ({"size": "big"}, "imix"),
    ({"size": True}, "size"),
    ({"flows": 0}, "1 .. 8388608"),
    ({"flows": (1 << 23) + 1}, "1 .. 8388608"),
    ({"flows": 1 << 23, "size": 1500}, "fewer flows"),
    ({"flows": 1 << 23, "size": "imix"}, "fewer flows"),
    ({"flows": 1.5}, "whole number"),
    ({"protocols": "sctp"}, "tcp, udp, icmp"),
    ({"protocols": "tpc:4"}, "'tcp'"),
    ({"protocols": "tcp:x"}, "whole numbers"),
    ({"protocols": "tcp:-1"}, "whole numbers"),
    ({"protocols": "tcp:1,tcp:2"}, "once"),
    ({"protocols": "tcp:0"}, "weight"),
    ({"protocols": ""}, "tcp, udp, icmp"),
    ({"ipv6": 1.1}, "0 .. 1"),
    ({"ipv6": float("nan")}, "0 .. 1"),
    ({"vlan": 4095}, "4094"),
    ({"ttl": 0}, "1 .. 255"),
    ({"seed": -1}, "seed"),
    ({"count": -1}, "count"),
    ({"gap_ns": -1}, "gap"),
    ({"payload": "noise"}, "zero, random, text"),
]


@pytest.mark.parametrize(("options", "cure"), WRONG, ids=str)
def test_wrong_values_are_refused_with_a_cure(options, cure):
    with pytest.raises(PortError) as caught:
        Traffic(**options)
    assert cure in caught.value.cure
