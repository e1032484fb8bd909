"""Malformed, truncated and random frames through what stands on links and IP: compiled as interpreted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from wires import exchange

from wirebrick import IPv4Address, MacAddress
from wirebrick.nf.arp import arp
from wirebrick.nf.fragment import fragment
from wirebrick.nf.gre import gre
from wirebrick.nf.reassemble import reassemble
from wirebrick.nf.switch.nf import switch
from wirebrick.nf.vxlan import vxlan

MINE, LOCAL, REMOTE = "02:00:00:00:00:01", "198.51.100.1", "198.51.100.2"
ENDS = {"local": IPv4Address(LOCAL), "mac": MacAddress(MINE)}
NFS = {
    "switch": switch(capacity=20),
    "arp": arp(addresses=f"{LOCAL} 10.0.0.0/8 fe80::/10", mac=MacAddress(MINE)),
    "fragment": fragment(mtu=100, force=True),
    "fragment6": fragment(mtu=1280, ipv6=True),
    "reassemble": reassemble(capacity=8, timeout=0.5),
    "vxlan": vxlan(vni=7, remotes=REMOTE, **ENDS),
    "gre": gre(remote=IPv4Address(REMOTE), key=7, sequence=True, **ENDS),
    "gre alone": gre(remote=IPv4Address(REMOTE), carry="ip", host=MacAddress("02:00:00:00:00:05"), **ENDS),
}


def garbage(rng: random.Random) -> bytes:
    """A frame that some NF takes for its own, mostly damaged."""
    outer = Ether(src="02:00:00:00:00:02", dst=rng.choice([MINE, "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:03"]))
    if rng.random() < 0.2:
        outer /= Dot1Q(vlan=rng.choice([0, 1, 4095]))
    ip = IP(src=REMOTE, dst=LOCAL, id=rng.randrange(3))
    ip6 = IPv6(src="fe80::2", dst="ff02::1:ff00:1", hlim=255)
    inner = (
        Ether(src="02:00:00:00:00:09", dst="02:00:00:00:00:0a") / IP(src="10.0.0.1", dst="10.0.0.2") / UDP()
    )
    body = Raw(rng.randbytes(rng.choice([0, 1, 8, 64, 200, 1400])))
    packet = rng.choice(
        [
            outer / ARP(psrc=REMOTE, pdst=LOCAL, hwsrc="02:00:00:00:00:02", op=rng.choice([1, 2])),
            outer / ip / UDP(sport=5, dport=4789) / VXLAN(vni=7, flags=8) / inner,
            outer / ip / GRE(proto=0x6558, key_present=1, key=7, seqnum_present=1, sequence_number=4) / inner,
            outer / ip / GRE() / IP() / ICMP(),
            outer
            / IP(src=REMOTE, dst=LOCAL, id=1, flags=rng.choice(["", "MF"]), frag=rng.randrange(30))
            / body,
            outer / IP(src=REMOTE, dst=LOCAL, options=b"\x83\x04\0\0\x07\x03\x04\0") / body,
            outer / ip6 / ICMPv6ND_NS(tgt="fe80::1"),
            outer
            / ip6
            / IPv6ExtHdrHopByHop()
            / IPv6ExtHdrFragment(id=1, m=rng.randrange(2), offset=rng.randrange(9))
            / body,
            outer / ip6 / IPv6ExtHdrFragment(id=2) / UDP() / body,
        ]
    )
    data = bytearray(bytes(packet))
    for _ in range(rng.choice([0, 0, 1, 2, 6])):
        data[rng.randrange(12, len(data))] = rng.choice([0, 1, 0x2C, 0xFF, rng.randrange(256)])
    return bytes(data[: rng.choice([len(data)] * 4 + [rng.randrange(14, len(data) + 1)])])


@pytest.fixture(scope="module")
def came() -> list[tuple[str, bytes, float]]:
    """What comes to each of them: port, frame, seconds."""
    rng = random.Random(5)
    return [(rng.choice(("in", "out")), garbage(rng), number / 100) for number in range(400)]


@pytest.mark.parametrize("name", NFS)
def test_the_same_compiled(name: str, came: list[tuple[str, bytes, float]], tmp_path: Path) -> None:
    found = []
    for interpret in (False, True):
        result, got = exchange(NFS[name], tmp_path, ("in", "out"), came, interpret)
        found.append((got, result.drops, [row for _, report in result.reports for row in report.rows]))
    assert found[0] == found[1]
    assert sum(map(len, found[0][0].values())) > 10
    assert not [reason for reason in found[0][1] if "fault" in reason]
