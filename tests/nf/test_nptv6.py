"""nptv6 against a model of RFC 6296: addresses, packets of both sides, hairpins, errors, what is refused."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nptv6_model import Model, Pair, Refused, frozen
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ParamProblem,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw
from two_sides import Sent, exchange

import wirebrick
from wirebrick.addresses import IPv6Address, IPv6Network
from wirebrick.errors import ParameterError
from wirebrick.nf.nptv6 import nptv6
from wirebrick.nf.nptv6.addresses import Side
from wirebrick.nf.nptv6.pairs import parse_pairs

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PAIRS: list[Pair] = [
    ("fd01:203:405::/48", "2001:db8:1::/48"),
    ("fd02::/32", "2001:db8:2::/48"),
    ("fd03:0:0:ab00::/56", "2001:db8:3:4500::/56"),
    ("fd04::/48", "2001:db8:4:5678::/64"),
    ("fd05:0:0:8000::/49", "2a00::/20"),
]
TEXT = " ".join(f"{inside}={outside}" for inside, outside in PAIRS)
FAR = ["2001:4860::1", "2620:fe::fe"]
HOST, FIRST = "fd01:203:405:1::1234", "2001:db8:1:d550::1234"

words = st.sampled_from([0, 1, 0x7FFF, 0xFFFE, 0xFFFF]) | st.integers(0, 0xFFFF)
lengths = st.integers(1, 64)


def network(length: int, bits: int) -> IPv6Network:
    """A prefix that begins with 001 or 1, so that it is none of those that are refused."""
    address = bits << 64 & ~((1 << 128 - length) - 1)
    return IPv6Network(f"{IPv6Address(address)}/{length}")


@given(
    lengths, lengths, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.lists(words, min_size=8, max_size=8)
)  # fmt: skip
def test_addresses(inside_length: int, outside_length: int, one: int, other: int, host: list[int]) -> None:
    """As the model says; the way back leads back; the sum of the words stays."""
    inside, outside = network(inside_length, one | 1 << 63), network(outside_length, other)
    assume(inside.address not in outside and outside.address not in inside)
    text = f"{inside}={outside}"
    try:
        pairs = parse_pairs(text)
    except ParameterError:  # one of those that are never translated
        assume(False)
    bits = sum(word << 16 * place for place, word in enumerate(host))
    address = IPv6Address(inside.address | bits & ~inside.mask)
    model = Model([(str(inside), str(outside))])
    moved = Side(pairs, out=True).mapped(address)
    try:
        expected = model.address(str(address), out=True)
    except Refused:
        assert moved == 0
        return
    assert str(IPv6Address(moved)) == expected
    assert model.address(expected, out=False) == str(address)
    assert Side(pairs, out=False).mapped(IPv6Address(moved)) == address
    assert (moved - address) % 0xFFFF == 0


def some_address(rng: random.Random, inside: bool) -> str:
    """One of the prefixes of a side, with words that are at the edge of something."""
    prefix = IPv6Network(rng.choice(PAIRS)[0 if inside else 1])
    bits = 0
    for _ in range(8):
        bits = bits << 16 | rng.choice([0, 1, 0xFFFE, 0xFFFF, rng.randrange(1 << 16)])
    if rng.random() < 0.5:
        bits &= (1 << 64) - 1  # the first of its subnets
    return str(IPv6Address(prefix.address | bits & ~prefix.mask))


def some_packet(rng: random.Random, side: str) -> Packet:
    inside, outside = some_address(rng, True), some_address(rng, False)
    far = rng.choice(FAR) if side == "out" or rng.random() < 0.7 else outside
    src, dst = (inside if rng.random() < 0.9 else FAR[0], far) if side == "in" else (far, outside)
    packet = IPv6(src=src, dst=dst, hlim=rng.randrange(1, 255))
    if rng.random() < 0.2:
        packet /= IPv6ExtHdrHopByHop()
    data = Raw(rng.randbytes(rng.randrange(40)))
    about = IPv6(src=dst, dst=src) / UDP(sport=5, dport=6) / data
    if rng.random() < 0.2:
        about = IPv6(src=some_address(rng, side == "in"), dst=some_address(rng, side == "in")) / data
    return packet / rng.choice(
        [
            TCP(sport=1, dport=2, flags="S") / data,
            UDP(sport=1, dport=2) / data,
            ICMPv6EchoRequest(id=3) / data,
            ICMPv6DestUnreach(code=4) / about,
            IPv6ExtHdrFragment(offset=rng.choice([0, 7]), m=1, nh=17) / data,
            Raw(b""),
        ]
    )


@BOTH
@pytest.mark.parametrize("seed", range(2))
def test_packets(seed: int, tmp_path: Path, interpret: bool) -> None:
    rng, model = random.Random(seed), Model(PAIRS)
    sent: list[Sent] = []
    expected: dict[str, list[bytes]] = {"in": [], "out": []}
    drops: Counter[str] = Counter()
    for _ in range(400):
        side = rng.choice(["in", "out"])
        packet = frozen(some_packet(rng, side))
        head = rng.choice([Ether(), Ether() / Dot1Q(vlan=7), Ether() / Dot1Q(vlan=7) / Dot1Q(vlan=8)])
        sent.append(Sent(side, bytes(head / packet)))
        try:
            leaves, left = model.packet(side, packet)
            expected[leaves].append(bytes(head / left))
        except Refused as reason:
            drops[str(reason)] += 1
    found = exchange(nptv6(prefixes=TEXT), sent, tmp_path, interpret=interpret)
    assert (found.inside, found.outside, found.drops) == (expected["in"], expected["out"], drops)
    assert min(len(found.inside), len(found.outside), drops["untranslatable"]) > 50
    assert drops["icmp_quote"]


@BOTH
def test_checksums_stay_right(tmp_path: Path, interpret: bool) -> None:
    """Scapy computes them anew behind the translation, and they are what they were."""
    uppers = [
        TCP(sport=1, dport=2) / b"abc",
        UDP(sport=1, dport=2) / b"abc",
        ICMPv6EchoRequest(id=3, data=b"abc"),
        ICMPv6DestUnreach() / IPv6(src=FAR[0], dst=HOST) / UDP(sport=1, dport=2) / b"abc",
        ICMPv6ParamProblem() / IPv6(src=FAR[0], dst=HOST) / TCP(sport=1, dport=2) / b"abc",
    ]
    sent = [Sent("in", bytes(Ether() / IPv6(src=HOST, dst=FAR[0]) / upper)) for upper in uppers]
    found = exchange(nptv6(prefixes=TEXT), sent, tmp_path, interpret=interpret)
    assert len(found.outside) == len(uppers)
    for frame, before in zip(found.outside, sent, strict=True):
        packet = Ether(frame)
        assert packet[IPv6].src == FIRST
        upper = packet[IPv6].payload
        upper.delfieldval("cksum" if "cksum" in upper.fields else "chksum")
        assert bytes(packet) == frame
        assert upper.payload.payload or frame[54:] == before.frame[54:]


@BOTH
def test_hosts_are_told(tmp_path: Path, interpret: bool) -> None:
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    inner = IPv6(src="fd01:203:405:ffff::1", dst=FAR[0]) / UDP(sport=1, dport=2) / b"abc"
    outer = IPv6(src=FAR[0], dst="2001:db8:1:ffff::1") / UDP(sport=1, dport=2)
    about_error = IPv6(src=FAR[0], dst="2001:db8:1:ffff::1") / ICMPv6DestUnreach() / outer
    sent = [
        Sent("in", bytes(head / inner)),
        Sent("out", bytes(head / outer)),
        Sent("out", bytes(head / about_error)),
        Sent("in", bytes(head / Dot1Q(vlan=7) / inner)),
    ]
    found = exchange(nptv6(prefixes=TEXT, address="fd01:203:405::fe"), sent, tmp_path, interpret=interpret)
    for (frame,), about in ((found.inside, inner), (found.outside, outer)):
        packet = Ether(frame)
        assert (packet.src, packet.dst) == ("02:00:00:00:00:02", "02:00:00:00:00:01")
        assert (packet[IPv6].src, packet[IPv6].dst) == ("fd01:203:405::fe", about.src)
        assert bytes(packet[ICMPv6DestUnreach].payload) == bytes(about)
        del packet[ICMPv6DestUnreach].cksum
        assert bytes(packet) == frame
    assert found.drops == {"no_error": 1, "untranslatable": 1}


@BOTH
def test_what_is_not_translated_goes_to_the_other_side(tmp_path: Path, interpret: bool) -> None:
    one, two = (
        bytes(Ether() / IPv6(src=src, dst=dst) / UDP()) for src, dst in (("fe80::1", "ff02::1"), (FAR))
    )
    found = exchange(
        nptv6(prefixes=TEXT), [Sent(side, frame) for side in ("in", "out") for frame in (one, two)], tmp_path,
        interpret=interpret,
    )  # fmt: skip
    assert found.inside == found.outside == [one, two]


@BOTH
def test_random_bytes(tmp_path: Path, interpret: bool) -> None:
    """Each is accounted for."""
    rng = random.Random(5)
    frames = []
    for _ in range(300):
        frame = bytearray(bytes(Ether() / some_packet(rng, "in")))
        for _ in range(rng.randrange(6)):
            frame[rng.randrange(12, len(frame))] = rng.randrange(256)
        frames.append(bytes(frame[: rng.randrange(1, len(frame) + 1)]))
    result = wirebrick.run(nptv6(prefixes=TEXT), rx=frames, interpret=interpret)
    assert result.packets_in == result.packets_out + result.packets_dropped == 300


@pytest.mark.parametrize(
    ("prefixes", "message"),
    [
        (None, "needs prefixes"),
        ("fd01::/48", "no pair"),
        ("fd01::/48=2001:db8::1/48", "bits behind the prefix"),
        ("fd01::/48=10.0.0.0/8", "no IPv6 prefix"),
        ("fd01::/65=2001:db8::/48", "65 bits"),
        ("::/0=2001:db8::/48", "0 bits"),
        ("fe80::/64=2001:db8::/64", "never translated"),
        ("fd01::/48=ff0e::/48", "never translated"),
        ("fd01::/48=::/16", "never translated"),
        ("fd01::/48=2001:db8::/48 fd01:0:0:5::/64=2001:db8:1::/64", "fd01::/48 and fd01:0:0:5::/64 overlap"),
        ("fd01::/48=2001:db8::/48 fd02::/48=2001:db8::/48", "overlap"),
    ],
)  # fmt: skip
def test_mistakes(prefixes: str | None, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_pairs(prefixes)
