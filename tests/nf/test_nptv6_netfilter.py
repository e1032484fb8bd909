"""nptv6 beside Linux's: the same packets through ip6tables' SNPT and DNPT in a network namespace, byte by byte.

One thing Linux does otherwise, which is asserted as such: the subnet 0xFFFF becomes what the subnet 0 becomes.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from nat_box import PrefixBox
from nptv6_model import frozen
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from two_sides import Sent, exchange

from wirebrick.addresses import IPv6Address, IPv6Network
from wirebrick.nf.nptv6 import nptv6

FAR = "2001:4860::1"


def some_packet(rng: random.Random, side: str, prefix: str) -> Packet:
    network = IPv6Network(prefix)

    def own() -> str:
        bits = 0
        for _ in range(8):
            bits = bits << 16 | rng.choice([0, 1, 0xFFFE, 0xFFFF, rng.randrange(1 << 16)])
        if network.length <= 48 and bits >> 64 & 0xFFFF == 0xFFFF:
            bits ^= 1 << 64
        return str(IPv6Address(network.address | bits & ~network.mask))

    ends = (own(), FAR) if side == "left" else (FAR, own())
    data = Raw(rng.randbytes(rng.randrange(1, 40)))
    upper = rng.choice(
        [
            TCP(sport=1, dport=2) / data,
            UDP(sport=1, dport=2) / data,
            ICMPv6EchoRequest(id=3) / data,
            ICMPv6DestUnreach(code=4) / IPv6(src=ends[1], dst=ends[0]) / UDP(sport=2, dport=1) / data,
            IPv6ExtHdrFragment(offset=5, m=0, nh=17) / data,
        ]
    )
    return frozen(IPv6(src=ends[0], dst=ends[1]) / upper)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("fd01:203:405::/48", "2001:db8:1::/48"),
        ("fd02::/32", "2001:db8::/32"),
        ("fd03:0:0:ab00::/56", "2001:db8:3:4500::/56"),
        ("fd03:1:2:3::/64", "2001:db8:3:4500::/64"),
    ],
)
def test_the_same_comes_out(inside: str, outside: str, tmp_path: Path) -> None:
    rng = random.Random(inside)
    sides = [rng.choice(["left", "right"]) for _ in range(150)]
    packets = [some_packet(rng, side, inside if side == "left" else outside) for side in sides]
    with PrefixBox(inside, outside) as box:
        theirs = [box.send(side, packet) for side, packet in zip(sides, packets, strict=True)]
    port = {"left": "in", "right": "out"}
    sent = [Sent(port[side], bytes(Ether() / packet)) for side, packet in zip(sides, packets, strict=True)]
    found = exchange(nptv6(prefixes=f"{inside}={outside}"), sent, tmp_path, interpret=True)
    for frames, side in ((found.outside, "right"), (found.inside, "left")):
        aged = [frame[14:21] + bytes([frame[21] - 1]) + frame[22:] for frame in frames]
        assert aged == [packet for one in theirs for at, packet in one if at == side]
        assert len(aged) > 30


def test_linux_takes_the_subnet_of_ones_for_the_first(tmp_path: Path) -> None:
    """So two hosts are one outside; ours drops such packets (RFC 6296, 4.2)."""
    packets = [IPv6(src=f"fd01:203:405:{subnet}::7", dst=FAR) / UDP() for subnet in ("0", "ffff")]
    with PrefixBox("fd01:203:405::/48", "2001:db8:1::/48") as box:
        theirs = [IPv6(packet).src for one in packets for _, packet in box.send("left", one)]
    assert theirs == ["2001:db8:1:d54f::7"] * 2
    sent = [Sent("in", bytes(Ether() / packet)) for packet in packets]
    found = exchange(nptv6(prefixes="fd01:203:405::/48=2001:db8:1::/48"), sent, tmp_path, interpret=True)
    assert [Ether(frame)[IPv6].src for frame in found.outside] == theirs[:1]
    assert found.drops == {"untranslatable": 1}
