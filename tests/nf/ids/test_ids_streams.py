"""Rules against streams: what is in no segment alone is found, and nothing is told twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap
from sensor import CLIENT, SERVER, Sensor, alerts, udp

import wirebrick

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def cut(data: bytes, *sizes: int, seq: int = 1000, sport: int = 4000) -> list[bytes]:
    """Segments of the sizes, the last one has the rest."""
    found, at = [], 0
    for size in (*sizes, len(data)):
        part = data[at : at + size]
        found.append(segment(part, seq + at, sport=sport))
        at += len(part)
    return found


def segment(data: bytes, seq: int, flags: str = "PA", sport: int = 4000) -> bytes:
    return bytes(
        Ether()
        / IP(src=CLIENT, dst=SERVER)
        / TCP(sport=sport, dport=80, flags=flags, seq=seq & 0xFFFFFFFF)
        / Raw(data)
    )


ACROSS = [
    # Options, the stream, where it is cut, the segments that are told of
    ('content:"attack";', b"an attack here", (5,), [1]),
    ('content:"attack";', b"an attack here", (1, 1, 1, 1, 1, 1, 1, 1, 1), [8]),
    ('content:"ATTACK"; nocase;', b"an attack here", (5,), [1]),
    ('content:"attack";', b"an attack, an attack", (12,), [0, 1]),
    ('content:"attack";', b"an attack, an attack", (12, 5), [0, 2]),
    ('content:"one"; content:"two";', b"one..two", (4,), [1]),
    ('content:"one"; content:"two";', b"two..one", (4,), [1]),
    ('content:"one"; content:"two";', b"one..two..end", (4, 5), [1]),
    ('content:"one"; content:"two"; distance:1; within:4;', b"one..two", (2, 4), [2]),
    ('content:"one"; content:"two"; distance:3;', b"one..two", (2, 4), []),
    ('content:"len"; byte_test:1,>,9,1,relative;', b"len.\x0a", (3,), [1]),
    ('content:"len"; byte_test:1,>,9,1,relative;', b"len.\x09", (3,), []),
    ('content:"PASS"; isdataat:5,relative;', b"PASS123456", (6,), [1]),
    ('content:"user"; content:!"root"; distance:0;', b"user root", (4,), [0]),
    # from the stream's first byte, and from each segment's
    ('content:"GET"; depth:3;', b"GET / GET /", (6,), [0, 1]),
    ('content:"GET"; depth:3;', b"GET / GET /", (2,), [1]),
    ('content:"/evil"; offset:4; depth:5;', b"GET /evil", (6,), [1]),
    ('content:"/evil"; offset:4; depth:5;', b"GET  /evil", (6,), []),
    # streams alone, segments alone
    ('flow:only_stream; content:"GET"; depth:3;', b"GET / GET /", (6,), [0]),
    ('flow:only_stream; content:"attack";', b"an attack here", (5,), [1]),
    ('flow:no_stream; content:"attack";', b"an attack here", (5,), []),
    ('flow:no_stream; content:"attack";', b"an attack here", (12,), [0]),
    ('dsize:12; content:"attack";', b"an attack here", (12,), [0]),
    ('dsize:>1; content:"attack";', b"an attack here", (5,), []),
]  # fmt: skip


@BOTH
def test_across_segments(tmp_path: Path, interpret: bool) -> None:
    rules, frames, expected = [], [], []
    for number, (options, data, sizes, told) in enumerate(ACROSS, 1):
        rules.append(f"alert tcp any {4000 + number} -> any any ({options} sid:{number};)")
        expected += [(number, len(frames) + at) for at in told]
        frames += cut(data, *sizes, sport=4000 + number)
    found = alerts(tmp_path, "\n".join(rules), frames, interpret=interpret)
    assert found == sorted(expected)


@BOTH
def test_segments_in_any_order_and_more_than_once(tmp_path: Path, interpret: bool) -> None:
    rules = 'alert tcp any any -> any any (content:"needle in the hay"; sid:1;)'
    parts = cut(b"there is a needle in the hay", 3, 9, 4, 7)
    order = [parts[0], parts[2], parts[3], parts[1], parts[2], parts[4], parts[4], parts[1]]
    assert alerts(tmp_path, rules, order, interpret=interpret) == [(1, 5)]


def test_sequence_numbers_that_wrap(tmp_path: Path) -> None:
    rules = 'alert tcp any any -> any any (content:"needle"; sid:1;)'
    assert alerts(tmp_path, rules, cut(b"a needle", 4, seq=0xFFFFFFFE)) == [(1, 1)]


def test_ipv6_and_tags(tmp_path: Path) -> None:
    rules = 'alert tcp any any -> 2001:db8::/32 80 (content:"needle"; sid:1;)'
    frames = [
        bytes(
            Ether()
            / Dot1Q(vlan=7)
            / IPv6(dst="2001:db8::2")
            / TCP(sport=9, dport=80, seq=seq, flags="A")
            / Raw(data)
        )
        for seq, data in ((1, b"a nee"), (6, b"dle"))
    ]
    sensor = Sensor(tmp_path, rules)
    assert sensor.run(frames).packets_out == 2
    (event,) = sensor.events()
    assert (event["dest_ip"], event["dest_port"], event["pkt_src"]) == ("2001:db8::2", 80, "stream")


def test_overlap_is_how_far_back_a_rule_sees(tmp_path: Path) -> None:
    rules = 'alert tcp any any -> any any (content:"one"; content:"two"; sid:1;)'
    frames = cut(b"one" + bytes(200) + b"two", 3, 100, 100)
    assert alerts(tmp_path, rules, frames, overlap=203) == [(1, 3)]
    assert alerts(tmp_path, rules, frames, overlap=202) == []


def test_without_streams_each_segment_is_looked_at_alone(tmp_path: Path) -> None:
    rules = 'alert tcp any any -> any any (content:"attack"; sid:1;)'
    assert alerts(tmp_path, rules, cut(b"attack an attack", 6, 5), streams=0) == [(1, 0)]


@BOTH
def test_a_rule_that_drops_in_a_stream_blocks_it(tmp_path: Path, interpret: bool) -> None:
    rules = 'drop tcp any any -> any 80 (content:"attack"; sid:1;)'
    frames = [*cut(b"an attack here", 5, 5), segment(b"more", 1014), segment(b"fine", 1, sport=5000)]
    answer = bytes(Ether() / IP(src=SERVER, dst=CLIENT) / TCP(sport=80, dport=4000, flags="A", seq=1))
    sensor = Sensor(tmp_path, rules, mode="inline")
    result = sensor.run([*frames, answer, frames[1]], interpret=interpret)
    assert result.packets == [frames[0], frames[4]]
    assert result.drops == {"ids.dropped": 5}
    assert sensor.alerts() == [(1, 1)]


def test_streams_cut_at_random_are_found_as_whole_ones(tmp_path: Path) -> None:
    rng = random.Random(5)
    words = [bytes(rng.choices(b"abc", k=rng.randint(2, 7))) for _ in range(12)]
    rules, frames, expected = [], [], set()
    for number, word in enumerate(words, 1):
        text = "".join(f"|{byte:02x}|" for byte in word)
        rules.append(f'alert tcp any any -> any any (flow:only_stream; content:"{text}"; sid:{number};)')
    for flow in range(40):
        data = bytes(rng.choices(b"abc", k=rng.randint(1, 40)))
        parts = cut(data, *[rng.randint(1, 9) for _ in range(rng.randrange(6))], sport=5000 + flow)
        first = parts.pop(0)
        rng.shuffle(parts)
        frames += [first, *parts]
        expected |= {(number, 5000 + flow) for number, word in enumerate(words, 1) if word in data}
    sensor = Sensor(tmp_path, "\n".join(rules))
    sensor.run(frames)
    assert {(event["alert"]["signature_id"], event["src_port"]) for event in sensor.events()} == expected


@BOTH
def test_reject_turns_segments_into_resets_for_both_ends(tmp_path: Path, interpret: bool) -> None:
    rules = """
    reject tcp any any -> any 80 (content:"attack"; sid:1;)
    reject tcp any any -> any 23 (flags:S; sid:2;)
    reject udp any any -> any any (content:"x"; sid:3;)
    """
    ends = IP(src=SERVER, dst=CLIENT) / TCP(sport=80, dport=4000, flags="A", seq=501, ack=1010)
    frames = [
        *cut(b"an attack here", 5),
        bytes(Ether() / ends),
        bytes(Ether() / IP(src=CLIENT, dst=SERVER) / TCP(sport=4000, dport=80, flags="R", seq=1014)),
        bytes(
            Ether()
            / IPv6(src="2001:db8::1")
            / TCP(sport=9, dport=23, flags="S", seq=7, options=[("MSS", 1460)])
        ),
        udp(b"x"),
    ]
    sensor = Sensor(tmp_path, rules, mode="inline")
    # One port to receive and to send: what goes back goes out of it too.
    there, back = tmp_path / "in.pcap", tmp_path / "out.pcap"
    wrpcap(str(there), [Ether(frame) for frame in frames])
    result = wirebrick.run(sensor.nf, rx=f"pcap:{there},{back}", interpret=interpret)
    assert result.drops == {"ids.dropped": 2}
    first, to_client, to_server, refused = rdpcap(str(back))
    assert bytes(first) == frames[0]
    found = [
        (
            one[TCP].sport,
            one[TCP].dport,
            str(one[TCP].flags),
            one[TCP].seq,
            one[TCP].ack,
            len(one[TCP].payload),
        )
        for one in (to_client, to_server, refused)
    ]
    assert found == [(80, 4000, "R", 0, 0, 0), (4000, 80, "R", 1010, 0, 0), (23, 9, "RA", 0, 8, 0)]
    assert (to_client[IP].src, to_client[IP].dst, to_client.src) == (SERVER, CLIENT, Ether(frames[1]).dst)
    for packet in (to_client, to_server, refused):
        right = packet.copy()
        del right[TCP].chksum
        assert Ether(bytes(right))[TCP].chksum == packet[TCP].chksum
