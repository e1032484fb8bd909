"""The GRE endpoint with scapy at the other end, and with itself."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, Ether
from scapy.packet import Raw
from wires import exchange

import wirebrick
from wirebrick import IPv4Address, MacAddress
from wirebrick.nf.gre import gre

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PORTS = ("in", "out")
MINE, FAR, HERE, THERE = (f"02:00:00:00:00:{n:02x}" for n in (1, 2, 0x10, 0x20))
LOCAL, REMOTE = "198.51.100.1", "198.51.100.2"
ENDS = {"local": IPv4Address(LOCAL), "mac": MacAddress(MINE), "remote": IPv4Address(REMOTE)}
ALONE = {"carry": "ip", "host": MacAddress(HERE)}
KNOWN = ("out", Ether(src=FAR, dst=MINE) / ARP(op=2, hwsrc=FAR, psrc=REMOTE, hwdst=MINE, pdst=LOCAL))
OPTIONS = list(itertools.product([None, 77], [False, True], [False, True]))


def run(
    folder: Path, came: list[tuple], interpret: bool, **parameters: object
) -> tuple[wirebrick.Result, dict]:
    return exchange(gre(**{**ENDS, **parameters}), folder, PORTS, came, interpret)


def head(key: int | None, number: int | None, checksum: bool) -> GRE:
    flags = {"key_present": key is not None, "seqnum_present": number is not None, "chksum_present": checksum}
    return GRE(**{name: int(value) for name, value in flags.items()}, key=key, sequence_number=number)


def from_remote(
    inner: Ether, tunnel: GRE | None = None, src: str = REMOTE, dst: str = LOCAL
) -> tuple[str, Ether]:
    return "out", Ether(src=FAR, dst=MINE) / IP(src=src, dst=dst) / (tunnel or GRE()) / inner


@BOTH
@pytest.mark.parametrize(("key", "sequence", "checksum"), OPTIONS[:: len(OPTIONS) - 1] + OPTIONS[2:5])
def test_frames_both_ways(
    interpret: bool, key: int | None, sequence: bool, checksum: bool, tmp_path: Path
) -> None:
    parameters = {"key": key, "sequence": sequence, "checksum": checksum}
    frames = [Ether(src=HERE, dst=THERE) / IP(dst="10.0.0.2") / UDP() / Raw(b"x" * n) for n in (0, 1, 7, 900)]
    back = [Ether(src=THERE, dst=HERE) / ARP(), Ether(src=THERE, dst=HERE) / IPv6() / TCP() / b"abc"]
    came = [KNOWN, *(("in", frame) for frame in frames)]
    came += [from_remote(f, head(key, n if sequence else None, checksum)) for n, f in enumerate(back)]
    result, got = run(tmp_path, came, interpret, **parameters)
    expected = []
    for number, frame in enumerate(frames):
        tunnel = head(key, number if sequence else None, checksum)
        outer = Ether(src=MINE, dst=FAR) / IP(src=LOCAL, dst=REMOTE, id=number + 1, ttl=64) / tunnel / frame
        expected.append(bytes(outer))
    assert got["out"] == expected
    assert got["in"] == [bytes(frame) for frame in back]
    assert result.drops == {"gre.arp_done": 1}


@BOTH
def test_packets_alone(interpret: bool, tmp_path: Path) -> None:
    sent = [
        Ether(src=HERE, dst=MINE) / IP(dst="10.0.0.2") / UDP() / b"a",
        Ether(src=HERE, dst=MINE) / IPv6() / TCP(),
    ]
    back = [IP(src="10.0.0.2") / ICMP(), IPv6(src="2001:db8::2") / TCP() / b"abc"]
    asks = Ether(src=HERE, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=HERE, psrc="10.0.0.1", pdst="10.0.0.254")
    came = [
        KNOWN,
        *(("in", bytes(frame) + bytes(9)) for frame in sent),
        *(from_remote(p) for p in back),
        ("in", asks),
    ]
    result, got = run(tmp_path, came, interpret, **ALONE, address=IPv4Address("10.0.0.254"))
    outer = [
        Ether(src=MINE, dst=FAR) / IP(src=LOCAL, dst=REMOTE, id=n + 1) / GRE() / sent[n].payload
        for n in (0, 1)
    ]
    assert got["out"] == [bytes(frame) for frame in outer]
    assert got["in"][:2] == [bytes(Ether(src=MINE, dst=HERE) / packet) for packet in back]
    reply = Ether(got["in"][2])
    assert (reply.dst, reply[ARP].op, reply[ARP].psrc, reply[ARP].hwsrc) == (HERE, 2, "10.0.0.254", MINE)
    assert result.drops == {"gre.arp_done": 1}


@BOTH
def test_what_is_not_let_in(interpret: bool, tmp_path: Path) -> None:
    frame = Ether(src=THERE, dst=HERE) / IP() / UDP()
    damaged = bytearray(bytes(from_remote(frame, head(77, None, True))[1]))
    damaged[-1] ^= 1
    pptp = Ether(bytes(from_remote(frame)[1]))
    pptp[GRE].version = 1
    cases = [
        ("other_key", from_remote(frame, head(78, None, False))),
        ("other_key", from_remote(frame)),
        ("bad_checksum", ("out", damaged)),
        ("other_protocol", from_remote(IP() / UDP(), head(77, None, False))),
        ("not_for_endpoint", from_remote(frame, head(77, None, False), src="198.51.100.9")),
        ("not_for_endpoint", from_remote(frame, head(77, None, False), dst="198.51.100.9")),
        ("not_gre", ("out", pptp)),
        ("not_gre", ("out", Ether(src=FAR, dst=MINE) / IP(src=REMOTE, dst=LOCAL) / UDP())),
        (
            "not_gre",
            ("out", Ether(src=FAR, dst=MINE) / IP(src=REMOTE, dst=LOCAL, proto=47, frag=3) / bytes(40)),
        ),
        ("not_gre", ("out", Ether(src=FAR, dst=MINE, type=0x88CC) / b"LLDP")),
    ]
    result, got = run(tmp_path, [packet for _, packet in cases], interpret, key=77)
    assert got["in"] == got["out"] == []
    expected: dict[str, int] = {}
    for reason, _ in cases:
        expected[f"gre.{reason}"] = expected.get(f"gre.{reason}", 0) + 1
    assert result.drops == expected


@BOTH
def test_late_packets(interpret: bool, tmp_path: Path) -> None:
    frame = Ether(src=THERE, dst=HERE) / IP() / UDP()
    numbers = [0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFE, 0, 0, 2, 1, 5]
    came = [from_remote(frame / bytes([n & 255]), head(None, n, False)) for n in numbers]
    came.append(from_remote(frame))  # has no number
    result, got = run(tmp_path, came, interpret, sequence=True)
    assert [data[-1] for data in got["in"]] == [0xFE, 0xFF, 0, 2, 5]
    assert result.drops == {"gre.out_of_order": 4}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"remote": None}, "remote can't be None"),
        ({"local": None}, "local address can't be None"),
        ({"mac": MacAddress(0)}, "MAC address can't be"),
        ({"key": 1 << 32}, "key can't be"),
        ({"carry": "ip"}, "needs host"),
        ({"carry": "mpls"}, "carry can't be"),
        ({"inside": "out"}, "inside and outside"),
    ],
)
def test_wrong_parameters(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(gre(**{**ENDS, **parameters}), rx=[], interpret=True)
