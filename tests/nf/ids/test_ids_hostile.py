"""Packets and rules that mean harm: nothing is lost, nothing runs for ever, and what is given up is counted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rule_maker import realistic, tiny
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from sensor import CLIENT, SERVER, Sensor, tcp, udp

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


@BOTH
@pytest.mark.parametrize("mode", ["alert", "inline"])
def test_malformed_packets(tmp_path: Path, mode: str, interpret: bool) -> None:
    rng = random.Random(9)
    whole = [udp(b"a GET of evil things"), tcp(b"GET / evil", options=[("MSS", 1460)]), tcp(flags="S")]
    whole.append(
        bytes(Ether() / IP(src=CLIENT, dst=SERVER, proto=1) / Raw(b"\x08\x00\x00\x00\x00\x01\x00\x02evil"))
    )
    frames = []
    for _ in range(40 if interpret else 400):
        frame = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 4)):
            frame[rng.randrange(12, len(frame))] = rng.randrange(256)
        frames.append(bytes(frame[: rng.randint(0, len(frame))] if rng.random() < 0.5 else frame))
    lines = [tiny(rng, sid, rng.choice(["ip", "tcp", "udp", "icmp"])) for sid in range(1, 60)]
    lines += [
        "drop ip any any -> any any (ipopts:any; sid:100;)",
        "alert tcp any any -> any any (flags:+S; sid:101;)",
    ]
    result = Sensor(tmp_path, "\n".join(lines), mode=mode).run(frames, interpret=interpret)
    assert result.packets_in == len(frames) == result.packets_out + result.packets_dropped
    assert set(result.drops) <= {"ids.dropped"}


def test_random_segments_of_few_flows(tmp_path: Path) -> None:
    rng = random.Random(10)
    frames = []
    for _ in range(2000):
        ends = rng.choice([(CLIENT, SERVER), (SERVER, CLIENT)])
        segment = TCP(
            sport=rng.choice([1, 2]),
            dport=rng.choice([1, 2]),
            flags=rng.randrange(256),
            seq=rng.randrange(60),
        )
        data = bytes(rng.choices(b"abAB1 ", k=rng.randrange(30)))
        frames.append(bytes(Ether() / IP(src=ends[0], dst=ends[1]) / segment / Raw(data)))
    rules = [
        tiny(rng, sid, "tcp", rng.choice(["flow:established;", "flow:to_client;", ""]))
        for sid in range(1, 60)
    ]
    result = Sensor(tmp_path, "\n".join(rules), mode="inline", streams=2, flows=2).run(frames)
    assert result.packets == frames


def totals(result: object) -> dict[str, int]:
    return {
        row[0]: row[1] for _, report in result.reports if "looked at" in report.title for row in report.rows
    }  # type: ignore[attr-defined]


def test_a_payload_made_to_take_for_ever_is_given_up(tmp_path: Path) -> None:
    steps = " ".join('content:"a"; distance:0;' for _ in range(12))
    rules = f"""
    alert udp any any -> any any ({steps} content:"b"; distance:0; sid:1;)
    alert udp any any -> any any (sid:2;)
    """
    sensor = Sensor(tmp_path, rules)
    # "b" is there, so the rule is looked at, but in front of all "a".
    result = sensor.run([udp(b"b" + b"a" * 1000), udp(b"a" * 20 + b"b")])
    assert totals(result)["given up"] == 1
    assert sensor.alerts() == [(1, 1), (2, 0), (2, 1)]


def test_a_rule_of_as_many_options_as_there_may_be(tmp_path: Path) -> None:
    steps = " ".join('content:"a"; distance:0; within:1;' for _ in range(64))
    sensor = Sensor(tmp_path, f"alert udp any any -> any any ({steps} sid:1;)")
    sensor.run([udp(b"a" * 63), udp(b"a" * 64)])
    assert sensor.alerts() == [(1, 1)]


def test_a_packet_that_matches_hundreds_of_rules(tmp_path: Path) -> None:
    rules = "\n".join(f"alert udp any any -> any any (sid:{sid};)" for sid in range(1, 301))
    sensor = Sensor(tmp_path, rules)
    result = sensor.run([udp(b"x")])
    assert sensor.alerts() == [(sid, 0) for sid in range(1, 65)]
    assert totals(result)["alerts beyond 64 of a packet"] == 300 - 64


def test_a_flood_of_flows_costs_what_is_counted(tmp_path: Path) -> None:
    limit = "threshold:type limit, track by_src, count 1, seconds 9"
    rules = f"alert udp any any -> any any (flow:to_server; flowbits:set,a; {limit}; sid:1;)"
    sensor = Sensor(tmp_path, rules, flows=100)
    result = sensor.run(
        [
            bytes(
                Ether()
                / IP(src=f"10.0.{n >> 8}.{n & 255}", dst=SERVER)
                / Raw(bytes([0, 1, 0, 2, 0, 8, 0, 0]))
            )
            for n in range(9)
        ]
    )
    assert result.packets_out == 9
    import wirebrick

    result = wirebrick.run(sensor.nf, rx="memory:size=64,flows=5000,count=20000", tx="null:")
    found = totals(result)
    assert result.packets_out == 20000
    assert found["flows forgotten"] > 4000
    assert found["filters forgotten"] > 4000


def test_the_realistic_file_over_random_traffic(tmp_path: Path) -> None:
    import wirebrick

    sensor = Sensor(tmp_path, realistic(2, 300))
    traffic = "memory:imix,flows=40,count=3000,payload=text,proto=tcp:70/udp:20/icmp:10,ipv6=0.3,vlan=7"
    result = wirebrick.run(sensor.nf, rx=traffic, tx="null:")
    assert result.packets_out == 3000
