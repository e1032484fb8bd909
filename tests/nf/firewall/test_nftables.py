"""The firewall beside nftables: the same rules in a network namespace, the same packets, verdict by verdict."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.harness.rule_sets import RuleSet
from nft_judge import Judge
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Packet, Raw

import wirebrick
from wirebrick.nf.firewall import firewall
from wirebrick.nf.firewall.rules import parse_rules

V4 = ["10.0.0.1", "10.0.0.200", "10.1.2.3", "192.0.2.7", "198.51.100.9"]
V6 = ["2001:db8::1", "2001:db8::200", "2001:db8:1::1", "fd00::7"]
NETS = [
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.1",
    "192.0.2.0/25",
    "2001:db8::/32",
    "2001:db8::/64",
    "2001:db8::1",
]
MACS = ["02:00:00:00:00:05", "02:00:00:00:00:06"]
PORTS = [22, 53, 80, 443, 1024, 5060, 40000]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as made:
        yield made


def random_rule(rng: random.Random) -> str:
    conditions = [
        "tcp", "udp", "sctp", "icmp", "icmp6", "ip", "ip6", "proto 47",
        f"src {rng.choice(NETS[:4])}" if rng.random() < 0.5 else f"dst {rng.choice(NETS[4:])}",
        f"tcp dst port {rng.choice(PORTS)}-65535",
        f"udp port {rng.choice(PORTS)},{rng.choice(PORTS)}",
        f"sctp src port {rng.choice(PORTS)}",
        f"port {rng.choice(PORTS)}",
        f"tcp flags {rng.choice(['syn,!ack', 'ack', 'syn/syn,ack,rst,fin', '!syn', 'fin,psh,urg', 'ece', '!cwr'])}",
        f"icmp type {rng.choice(['echo-request', '3 code 1-4', '0-8', 'destination-unreachable code 3'])}",
        f"icmp6 type {rng.choice(['echo-request', '1 code 4', '128-129'])}",
        f"dscp {rng.choice(['ef', '0', '10-46', 'af41'])}",
        f"ecn {rng.choice(['ce', '0', 'ect0'])}",
        f"ttl {rng.choice(['1', '1-5', '64'])}",
        f"hop-limit {rng.choice(['64', '0-64'])}",
        f"length {rng.choice(['40-60', '61-80', '100-65535'])}",
        rng.choice(["frag", "not frag", "ip frag first", "ip frag later"]),
        f"ether src {rng.choice(MACS)}",
        f"not (ether dst {rng.choice(MACS)})",
    ]  # fmt: skip
    chosen = rng.choice(conditions)
    if rng.random() < 0.3 and not chosen.startswith(("not", "src", "dst", "ether")):
        extra = rng.choice([f"ttl {rng.choice([1, 64])}", f"dscp {rng.choice([0, 46])}", "not frag"])
        chosen = f"({chosen}) and ({extra})"
    return f"{rng.choice(['allow', 'deny'])} {chosen}"


def upper(rng: random.Random, version: int) -> Packet:
    source, destination = rng.choices(PORTS, k=2)
    made = [
        TCP(sport=source, dport=destination, flags=rng.randrange(256)),
        TCP(sport=source, dport=destination, flags=rng.choice(["S", "SA", "A", "FPU", "R", "FA"])),
        UDP(sport=source, dport=destination),
        SCTP(sport=source, dport=destination),
        Raw(b"\0\0\x08\0" + rng.randbytes(12)),
    ]
    if version == 4:
        made += [ICMP(type=8), ICMP(type=3, code=rng.randrange(6)) / Raw(bytes(24)), ICMP(type=0)]
    else:
        made += [ICMPv6EchoRequest(), ICMPv6DestUnreach(code=rng.randrange(5)) / Raw(bytes(24))]
    return rng.choice(made)


def random_frame(rng: random.Random, number: int) -> bytes:
    version = rng.choice([4, 6])
    body = upper(rng, version)
    protocol = {TCP: 6, UDP: 17, SCTP: 132, ICMP: 1, Raw: 47}.get(type(body), 58)
    body = body / Raw(number.to_bytes(4, "big") + bytes(rng.choice([0, 0, 20, 100])))
    frame = Ether(src=rng.choice(MACS), dst=rng.choice(MACS))
    tos, ttl = rng.choice([0, 0, 0xB8, 0x88, 0x03, 0x28]), rng.choice([1, 3, 64, 64, 255])
    fragment = rng.choice([None, None, None, (0, 1), (4, 1), (9, 0)])
    if version == 4:
        ip = IP(src=rng.choice(V4), dst=rng.choice(V4), proto=protocol, tos=tos, ttl=ttl)
        if fragment is not None:
            ip.frag, ip.flags = fragment[0], "MF" if fragment[1] else ""
        return bytes(frame / ip / body)
    packet = IPv6(src=rng.choice(V6), dst=rng.choice(V6), tc=tos, hlim=ttl)
    for header in rng.choice([[], [], [IPv6ExtHdrHopByHop()], [IPv6ExtHdrDestOpt()]]):
        packet /= header
    if fragment is not None:
        packet /= IPv6ExtHdrFragment(offset=fragment[0], m=fragment[1])
    packet.lastlayer().nh = protocol
    return bytes(frame / packet / body)


@pytest.mark.parametrize("seed", range(6))
def test_verdict_by_verdict(judge: Judge, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    text = "\n".join(random_rule(rng) for _ in range(14))
    compare(judge, tmp_path, text, rng.choice(["allow", "drop"]), [random_frame(rng, n) for n in range(400)])


def test_rules_like_real_ones(judge: Judge, tmp_path: Path) -> None:
    rules = RuleSet("fw", 300, seed=2)
    columns = rules.packets(400)
    frames = []
    for number in range(400):
        src, dst, source, destination, protocol = (
            int(columns[name][number]) for name in ("src", "dst", "src_port", "dst_port", "protocol")
        )
        ip = IP(
            src=".".join(map(str, src.to_bytes(4, "big"))), dst=".".join(map(str, dst.to_bytes(4, "big")))
        )
        body = {6: TCP, 17: UDP}.get(protocol)
        upper_layer = body(sport=source, dport=destination) if body else ICMP()
        frames.append(
            bytes(Ether(src=MACS[0], dst=MACS[1]) / ip / upper_layer / Raw(number.to_bytes(24, "big")))
        )
    compare(judge, tmp_path, rules.text, "drop", frames)


def compare(judge: Judge, tmp_path: Path, text: str, default: str, frames: list[bytes]) -> None:
    file = tmp_path / "acl.rules"
    file.write_text(text)
    ours = wirebrick.run(firewall(rules=file, default=default), rx=frames)
    theirs = judge.passes(parse_rules(text), "deny" if default == "drop" else "allow", frames)
    passed = Counter(ours.packets)
    wrong = [frame for frame in dict.fromkeys(frames) if passed[frame] != theirs[frame]]
    detail = [(passed[frame], theirs[frame], Ether(frame)) for frame in wrong[:3]]
    assert not wrong, f"{len(wrong)} differ (ours, theirs, frame): {detail}\n{text}"
    assert 20 < len(ours.packets) < len(frames) - 20
