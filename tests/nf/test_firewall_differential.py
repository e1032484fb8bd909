"""The firewall against the rule language's own specification, on random rules and packets."""

from __future__ import annotations

import random
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.nf import firewall
from wirebrick.nf.firewall.rules import PacketFields, parse_rules, reference_match

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
V4 = ["10.0.0.1", "10.0.0.2", "10.1.0.1", "192.0.2.200", "255.255.255.255", "0.0.0.0"]
V6 = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "fe80::ffff:ffff:ffff:ffff", "::", "8000::8000:0:0:0"]
PORTS = [0, 1, 53, 80, 443, 32768, 65535]


def random_rule(rng: random.Random) -> str:
    words = [rng.choice(["allow", "deny"])]
    named = rng.choice(["", "", "tcp", "udp", "proto 17", "proto 6", "proto 132", "proto 0", "proto 255"])
    words.append(named)
    pool = rng.choice([V4, V6])
    bits = 32 if pool is V4 else 128
    for side in ("from", "to"):
        if rng.random() < 0.6:
            length = rng.choice([bits, bits, 0, 1, bits // 2, bits // 2 - 1, bits // 2 + 1, bits - 8])
            number = int(ip_address(rng.choice(pool))) >> (bits - length) << (bits - length)
            address = ip_address(number.to_bytes(bits // 8, "big"))
            words += [side, f"{address}/{length}"]
        else:
            words += [side, "any"]
        if named in ("tcp", "udp", "") and rng.random() < 0.4:
            low, high = sorted(rng.choices(PORTS, k=2))
            words.append(f"port {low}-{high}")
    return " ".join(words)


def random_packet(rng: random.Random) -> tuple[bytes, PacketFields]:
    """A frame, and what the rules may look at in it."""
    version = rng.choice([4, 6])
    src, dst = rng.choices(V4 if version == 4 else V6, k=2)
    protocol = rng.choice([6, 6, 17, 17, 1, 132, 0 if version == 4 else 58, 255])
    src_port, dst_port = rng.choices(PORTS, k=2)
    ports = src_port.to_bytes(2, "big") + dst_port.to_bytes(2, "big")
    offset = rng.choice([0, 0, 0, 1, 8191])
    size = rng.choice([0, 3, 4, 8, 40, 40, 40])
    upper = Raw((ports + rng.randbytes(36))[:size])
    frame = Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d")
    for tag in rng.choice([[], [], [Dot1Q], [Dot1AD, Dot1Q], [Dot1Q, Dot1Q]]):
        frame /= tag(vlan=rng.randrange(4096))
    if version == 4:
        options = rng.choice([[], [], rng.randbytes(4 * rng.randrange(1, 10))])
        ip = IP(src=src, dst=dst, proto=protocol, frag=offset, flags=rng.choice(["", "MF"]), options=[])
        if options:
            ip = IP(src=src, dst=dst, proto=protocol, frag=offset, ihl=5 + len(options) // 4)
            ip.len = ip.ihl * 4 + size
            upper = Raw(options) / upper
        packet = ip / upper
    else:
        packet = IPv6(src=src, dst=dst)
        for header in rng.choice(
            [[], [], [IPv6ExtHdrHopByHop()], [IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt()]]
        ):
            packet /= header
        if offset or rng.random() < 0.2:
            packet /= IPv6ExtHdrFragment(offset=offset, m=rng.randrange(2))
        packet.lastlayer().nh = protocol
        packet /= upper
    readable = protocol in (6, 17) and offset == 0 and size >= 4
    fields = PacketFields(
        version,
        protocol,
        int(ip_address(src)),
        int(ip_address(dst)),
        src_port if readable else 0,
        dst_port if readable else 0,
        readable,
    )
    padding = rng.randbytes(rng.choice([0, 0, 18]))  # behind the packet: never part of it
    return bytes(frame / packet) + padding, fields


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_the_firewall_does_what_the_rules_say(tmp_path: Path, seed: int, interpret: bool) -> None:
    rng = random.Random(seed)
    text = "\n".join(random_rule(rng) for _ in range(12))
    file = tmp_path / "acl.rules"
    file.write_text(text)
    rules = parse_rules(text)
    default = rng.choice(["drop", "allow"])
    made = [random_packet(rng) for _ in range(600)]
    expected, reasons, hits = [], Counter[str](), Counter[int]()
    for frame, fields in made:
        rule = reference_match(rules, fields)
        hits[rule.number if rule else 0] += 1
        if (rule.action if rule else default) == "allow":
            expected.append(frame)
        else:
            reasons["firewall.denied" if rule else "firewall.default_denied"] += 1
    result = wirebrick.run(
        firewall(rules=file, default=default), rx=[frame for frame, _ in made], interpret=interpret
    )
    assert result.packets == expected
    assert result.drops == dict(reasons)
    (_, report), *_ = result.reports
    assert [row[-1] for row in report.rows] == [hits[rule.number] for rule in rules] + [hits[0]]


@BOTH
def test_nothing_that_scapy_takes_for_ip_passes_by(tmp_path: Path, interpret: bool) -> None:
    """Frames with bytes changed, and cut, pass a firewall that denies all IP only if they are not IP."""
    rng = random.Random(5)
    file = tmp_path / "acl.rules"
    file.write_text("deny all")
    frames = []
    for _ in range(1500):
        frame = bytearray(random_packet(rng)[0])
        for _ in range(rng.randrange(3)):
            frame[rng.randrange(len(frame))] = rng.choice([0, 0x45, 0x08, 0x81, rng.randrange(256)])
        frames.append(bytes(frame[: rng.choice([len(frame), len(frame), rng.randrange(len(frame))])]))
    result = wirebrick.run(firewall(rules=file), rx=frames, interpret=interpret)
    assert not [frame for frame in result.packets if is_ip(frame)]


def is_ip(frame: bytes) -> bool:
    """Whether the ethertype, behind any number of tags, says IP."""
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
        at += 4
    return frame[at : at + 2] in (b"\x08\x00", b"\x86\xdd")


@BOTH
def test_a_long_list(tmp_path: Path, interpret: bool) -> None:
    lines = [f"deny udp from any to 10.{n >> 8}.{n & 255}.1 port {n + 1}" for n in range(3000)]
    file = tmp_path / "acl.rules"
    file.write_text("\n".join([*lines, "allow udp"]))
    ends = [
        bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d") / IP(src="192.0.2.1", dst=dst) / upper)
        for dst, upper in [
            ("10.11.183.1", UDP(sport=1, dport=3000)),
            ("10.11.183.1", UDP(sport=1, dport=2999)),
            ("10.11.183.1", TCP(sport=1, dport=3000)),
            ("10.0.0.1", ICMP()),
        ]
    ]
    result = wirebrick.run(firewall(rules=file), rx=ends, interpret=interpret)
    assert result.packets == [ends[1]]
    assert result.drops == {"firewall.denied": 1, "firewall.default_denied": 2}


def test_more_rows_than_there_is_room_for(tmp_path: Path) -> None:
    file = tmp_path / "acl.rules"
    file.write_text("allow proto 1 or 2 or 3 or 4")
    with pytest.raises(ParameterError, match="4 rows") as caught:
        wirebrick.run(firewall(rules=file, capacity=3), rx=[], interpret=True)
    assert "capacity=4" in caught.value.cure


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"default": "maybe"}, "the firewall's default can't be 'maybe'"),
        ({"other": None}, "the firewall's other can't be None"),
        ({"rules": "/nowhere/acl"}, "can't be read"),
        ({"rules": None}, "needs rules"),
    ],
)
def test_wrong_parameters(tmp_path: Path, parameters: dict[str, str], message: str) -> None:
    file = tmp_path / "acl.rules"
    file.write_text("allow all")
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(firewall(**{"rules": file, **parameters}), rx=[], interpret=True)
