"""The stateful firewall as a whole: both ways to run it, hostile input, several workers, what it reports."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.nf import firewall
from wirebrick.runtime.result import Result

INSIDE = [f"10.0.0.{n}" for n in range(1, 4)]
OUTSIDE = [f"192.0.2.{n}" for n in range(1, 4)]
INSIDE6, OUTSIDE6 = ["2001:db8:1::1", "2001:db8:1::2"], ["2001:db8:2::1", "2001:db8:2::2"]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "acl.rules"
    file.write_text("allow from 10.0.0.0/8 to any\nallow from 2001:db8:1::/64 to any\n")
    return file


def frame(packet: Packet) -> bytes:
    return bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d") / packet)


def fates(result: Result) -> tuple[list[bytes], dict[str, int]]:
    return result.packets, result.drops


def random_upper(rng: random.Random, back: bool, quoted: Packet) -> Packet:
    """TCP, UDP or ICMP, of few connections, with numbers that often fit."""
    ports = (80, 4000 + rng.randrange(2)) if back else (4000 + rng.randrange(2), 80)
    kind = rng.randrange(5)
    if kind < 3:
        flags = rng.choice(["S", "SA", "A", "A", "A", "PA", "FA", "R", "SF"])
        seq, ack = (500, 101) if back else (100, 501)
        step = rng.choice([0, 1, 1, 2, 100000])
        data = b"x" * rng.choice([0, 1, 30])
        return (
            TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq + step, ack=ack + rng.randrange(2))
            / data
        )
    if kind == 3:
        return UDP(sport=ports[0], dport=ports[1]) / bytes(rng.randrange(9))
    return ICMP(type=rng.choice([0, 3, 8, 11]), id=rng.randrange(2)) / quoted


def traffic(rng: random.Random, count: int) -> list[tuple[int, bytes]]:
    """Packets of all kinds with times, some of them broken."""
    made: list[tuple[int, bytes]] = []
    now = 1_800_000_000_000_000_000
    last: Packet = Raw(b"")
    for _ in range(count):
        now += rng.choice([1, 10**6, 10**9, 10**9, 10**11])
        back = rng.random() < 0.5
        v6 = rng.random() < 0.3
        pools = (INSIDE6, OUTSIDE6) if v6 else (INSIDE, OUTSIDE)
        src, dst = rng.choice(pools[back]), rng.choice(pools[not back])
        upper = random_upper(rng, back, last)
        if v6:
            if ICMP in upper:
                upper = rng.choice([ICMPv6EchoRequest(id=3), ICMPv6TimeExceeded() / last])
            fragment = IPv6ExtHdrFragment(
                id=rng.randrange(3), offset=rng.choice([0, 0, 2]), m=rng.randrange(2)
            )
            packet = IPv6(src=src, dst=dst) / (fragment / upper if rng.random() < 0.2 else upper)
        else:
            packet = IP(src=src, dst=dst, id=rng.randrange(3)) / upper
            if rng.random() < 0.2:
                packet.frag, packet.flags = rng.choice([0, 0, 3]), rng.choice(["MF", ""])
        if not isinstance(last, Raw) or rng.random() < 0.5:
            last = packet.copy()
        raw = bytearray(frame(Dot1Q(vlan=5) / packet if rng.random() < 0.1 else packet))
        if rng.random() < 0.1:
            raw[rng.randrange(14, len(raw))] = rng.randrange(256)
        if rng.random() < 0.05:
            raw = raw[: rng.randrange(len(raw))]
        made.append((now, bytes(raw)))
    return made


@pytest.fixture(scope="module", params=range(3))
def sent(request: pytest.FixtureRequest) -> list[tuple[int, bytes]]:
    return traffic(random.Random(request.param), 1200)


@pytest.mark.parametrize("loose", [False, True])
def test_compiled_and_interpreted_judge_alike(
    rules: Path, sent: list[tuple[int, bytes]], loose: bool
) -> None:
    guard = firewall(rules=rules, stateful=True, loose=loose, connections=8)
    interpreted = wirebrick.run(guard, rx=sent, interpret=True)
    compiled = wirebrick.run(guard, rx=sent)
    assert fates(compiled) == fates(interpreted)
    assert compiled.reports[1][1].rows == interpreted.reports[1][1].rows
    reasons = {"invalid", "unrelated", "fragment", "default_denied"}
    assert {f"firewall.{reason}" for reason in reasons} <= set(compiled.drops)
    assert len(compiled.packets) > 100


def test_many_connections_are_looked_up_ahead(rules: Path) -> None:
    """What is found ahead changes nothing: both ways, in bursts, of more connections than are looked up at once."""
    rng = random.Random(4)
    ends = [(rng.choice(INSIDE), rng.randrange(65536)) for _ in range(400)]
    there = [frame(IP(src=src, dst=OUTSIDE[0]) / UDP(sport=port, dport=53)) for src, port in ends]
    back = [frame(IP(src=OUTSIDE[0], dst=src) / UDP(sport=53, dport=port)) for src, port in ends]
    none = [frame(IP(src=OUTSIDE[1], dst=src) / UDP(sport=53, dport=port)) for src, port in ends]
    mixed = [one for three in zip(there, back, none, strict=True) for one in three]
    rng.shuffle(mixed)
    result = wirebrick.run(firewall(rules=rules, stateful=True), rx=[*there, *mixed])
    assert len(result.packets) == 1200
    assert result.drops == {"firewall.default_denied": 400}


def test_two_workers(rules: Path) -> None:
    """Both directions, fragments and errors come to the worker that has the connection."""
    rng = random.Random(9)
    opens, goes_on, later, unasked = [], [], [], []
    for number in range(60):
        inside, outside = f"10.0.{number}.1", f"192.0.2.{number}"
        there = IP(src=inside, dst=outside) / UDP(sport=4000 + number, dport=53)
        six = IPv6(src=f"2001:db8:1::{number}", dst=f"2001:db8:2::{number}") / UDP(sport=4000, dport=53)
        first = IP(src=outside, dst=inside, id=number, flags="MF")
        opens += [there, six]
        goes_on += [
            IP(src=outside, dst=inside) / UDP(sport=53, dport=4000 + number),
            first / UDP(sport=53, dport=4000 + number, len=99),
            IP(src=f"198.51.100.{number}", dst=inside) / ICMP(type=11) / there,
            IPv6(src="2001:db8:9::9", dst=f"2001:db8:1::{number}") / ICMPv6TimeExceeded() / six,
        ]
        later.append(IP(src=outside, dst=inside, id=number, frag=1, proto=17) / Raw(bytes(8)))
        unasked.append(IP(src=f"198.51.100.{number}", dst=inside) / UDP(sport=53, dport=4000 + number))
    # They are handed on by flow, then by hosts: so many others between them that what came before is done with.
    other = bytearray(frame(IP(src="10.1.0.0", dst="198.18.0.0", chksum=0) / UDP(sport=1, dport=2, chksum=0)))
    others = []
    for _ in range(12_000):
        other[28:30], other[34:36] = rng.randbytes(2), rng.randbytes(2)
        others.append(bytes(other))
    parts = [[frame(one) for one in part] for part in (opens, goes_on, later, unasked)]
    sent = [*parts[0], *others, *parts[1], *others, *parts[2], *parts[3]]
    result = wirebrick.run(firewall(rules=rules, stateful=True), rx=sent, workers=2)
    assert result.drops == {"firewall.default_denied": 60}
    assert sorted(result.packets) == sorted(sent[: -len(unasked)])


def test_the_report(rules: Path) -> None:
    syns = [
        (1000 * n, frame(IP(src="10.0.0.1", dst="192.0.2.1") / TCP(sport=n, dport=80, flags="S")))
        for n in range(100)
    ]
    late = (10**12, frame(IP(src="10.0.0.1", dst="192.0.2.1") / UDP(sport=1, dport=53)))
    guard = firewall(rules=rules, stateful=True, connections=40)
    result = wirebrick.run(guard, rx=[*syns, late], interpret=True)
    (_, _rules_report), (_, report) = result.reports
    assert report.title == "connections"
    assert dict(zip(report.columns, report.rows[0], strict=True)) == {
        "at the end": 1,
        "opened": 101,
        "expired": 10,
        "half-open, gave way": 90,
        "refused": 0,
    }


def test_full(rules: Path) -> None:
    """One place, and a connection that goes both ways has it."""
    there = IP(src="10.0.0.1", dst="192.0.2.1") / UDP(sport=1, dport=53)
    back = IP(src="192.0.2.1", dst="10.0.0.1") / UDP(sport=53, dport=1)
    other = IP(src="10.0.0.1", dst="192.0.2.1") / UDP(sport=2, dport=53)
    guard = firewall(rules=rules, stateful=True, connections=1)
    result = wirebrick.run(guard, rx=[frame(one) for one in (there, back, other, there)])
    assert result.drops == {"firewall.connections_full": 1}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"connections": 0}, "the firewall's connections can't be 0"),
        ({"udp_one_way": -1.0}, "the firewall's udp_one_way can't be -1.0"),
        ({"tcp_established": 1e8}, "the firewall's tcp_established can't be 100000000.0"),
    ],
)
def test_wrong_parameters(rules: Path, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(firewall(rules=rules, stateful=True, **parameters), rx=[], interpret=True)
