"""nat64 against what scapy builds: addresses, protocols, fragments, ICMP both ways, what is refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, fragment
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6MLQuery,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    fragment6,
    in6_chksum,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import checksum
from two_sides import Exchange, Sent, exchange

import wirebrick
from wirebrick.addresses import IPv4Address, IPv6Address, IPv6Network
from wirebrick.errors import ParameterError
from wirebrick.headers import Ethernet, IPv4
from wirebrick.nf.nat64 import nat64
from wirebrick.nf.nat64.mapping import make_mapping, parse_mappings, parse_prefix

HEAD = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PREFIX = "2001:db8:64::/96"
HOST4, HOST6 = "192.0.2.1", "2001:db8::1"  # mapped explicitly
HERE: dict[str, Any] = {
    "prefix": IPv6Network(PREFIX),
    "mappings": f"{HOST4}={HOST6} 198.51.100.0/24=2001:db8:5::/120",
}
FAR4, FAR6 = "203.0.113.9", "2001:db8:64::cb00:7109"


def six(packet: Packet, at: float = 0.0) -> Sent:
    return Sent("in", bytes(HEAD / packet), at)


def four(packet: Packet, at: float = 0.0) -> Sent:
    return Sent("out", bytes(HEAD / packet), at)


def run(tmp_path: Path, interpret: bool, *sent: Sent, **parameters: Any) -> Exchange:
    return exchange(nat64(**{**HERE, **parameters}), sent, tmp_path, interpret=interpret)


def v4(upper: Packet | bytes, **fields: Any) -> Packet:
    """From the far host to ours, or the other way round."""
    return IP(**{"src": FAR4, "dst": HOST4, **fields}) / upper


def v6(upper: Packet | bytes, **fields: Any) -> Packet:
    return IPv6(**{"src": FAR6, "dst": HOST6, **fields}) / upper


BACK4, BACK6 = {"src": HOST4, "dst": FAR4}, {"src": HOST6, "dst": FAR6}


def same_id(frame: bytes) -> bytes:
    """An IPv4 packet with the identification 1, which translators choose, and its checksum."""
    packet = IP(frame[14:])
    packet.id = 1
    del packet.chksum
    right = packet.copy()
    right.id = int.from_bytes(frame[18:20], "big")
    assert bytes(right) == frame[14:]
    return bytes(packet)


UPPERS = [
    (TCP(sport=1, dport=2, flags="S", options=[("MSS", 1400)]) / b"odd", None),
    (UDP(sport=1, dport=2) / b"even", None),
    (UDP(sport=1, dport=2), None),
    (ICMP(type=8, id=7, seq=9) / b"ping", ICMPv6EchoRequest(id=7, seq=9, data=b"ping")),
    (ICMP(type=0, id=7, seq=9) / b"pin", ICMPv6EchoReply(id=7, seq=9, data=b"pin")),
]


@BOTH
@pytest.mark.parametrize("tags", [0, 1, 2])
def test_protocols(tags: int, tmp_path: Path, interpret: bool) -> None:
    """TOS, TTL; also IPv4 options, which go, and extension headers."""
    head = HEAD
    for number in range(tags):
        head /= Dot1Q(vlan=number + 1)
    options = [
        IPOption(b"\x94\x04\x00\x00"),
        IPOption(bytes(40)),
        IPOption(b"\x83\x07\x08\xc0\x00\x02\x01\x00"),
    ]
    sent, inside, outside = [], [], []
    for number, (upper, other) in enumerate(UPPERS):
        fields4, fields6 = {"tos": 0xB9, "ttl": 7}, {"tc": 0xB9, "hlim": 7}
        sent.append(Sent("out", bytes(head / v4(upper, flags="DF", **fields4))))
        inside.append(bytes(head / v6(other or upper, **fields6)))
        sent.append(Sent("out", bytes(head / v4(upper, options=options[number % 3], **fields4))))
        inside.append(bytes(head / v6(other or upper, **fields6)))
        for extra in (None, IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(segleft=0)):
            whole = (extra / (other or upper)) if extra else other or upper
            sent.append(Sent("in", bytes(head / v6(whole, **BACK6, **fields6))))
            outside.append(bytes(v4(upper, **BACK4, **fields4)))
    sent.append(Sent("out", bytes(head / v4(b"gre", proto=47))))
    inside.append(bytes(head / v6(b"gre", nh=47)))
    found = run(tmp_path, interpret, *sent)
    assert found.drops == {}
    assert found.inside == inside
    skip = 4 * tags
    assert all(frame[: 12 + skip] == bytes(head)[: 12 + skip] for frame in found.outside)
    assert [same_id(frame[skip:]) for frame in found.outside] == outside


@BOTH
def test_udp_without_a_checksum(tmp_path: Path, interpret: bool) -> None:
    bare = UDP(sport=1, dport=2, chksum=0) / b"abc"
    longer = UDP(sport=1, dport=2, chksum=0, len=8) / b"abc"
    part = v4(bare, flags="MF")
    found = run(tmp_path, interpret, four(v4(bare)), four(v4(longer)), four(part))
    assert found.inside == [bytes(HEAD / v6(UDP(sport=1, dport=2) / b"abc"))]
    assert found.drops == {"udp_checksum": 2}


TABLE = {
    "2001:db8::/32": "2001:db8:c000:221::",
    "2001:db8:100::/40": "2001:db8:1c0:2:21::",
    "2001:db8:122::/48": "2001:db8:122:c000:2:2100::",
    "2001:db8:122:300::/56": "2001:db8:122:3c0:0:221::",
    "2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100::",
    "2001:db8:122:344::/96": "2001:db8:122:344::192.0.2.33",
}


@BOTH
def test_the_table_of_rfc_6052(interpret: bool) -> None:
    """Section 2.4; in user functions, which put what they find into the payload."""
    a, b, c, d, e, f = (make_mapping(IPv6Network(prefix), []) for prefix in TABLE)
    maps = [(one.to_v6, one.to_v4) for one in (a, b, c, d, e, f)]

    def put(to_v6: Any, to_v4: Any, at: int) -> Any:
        def work(packet: Any) -> None:
            found = to_v6(packet.header.src)
            packet.payload.put_u64(at, found >> 64)
            packet.payload.put_u64(at + 8, found)
            packet.payload.put_u32(at + 16, to_v4(found))

        return work

    @wirebrick.network_function
    def table(packets: Any) -> Any:
        packets = packets.parse(Ethernet).parse(IPv4)
        for number, (to_v6, to_v4) in enumerate(maps):
            packets = packets.transform(put(to_v6, to_v4, 20 * number))
        return packets

    frame = bytes(HEAD / IP(src="192.0.2.33", dst=HOST4, proto=99) / bytes(120))
    (found,) = wirebrick.run(table, rx=[frame], interpret=interpret).packets
    for number, address in enumerate(TABLE.values()):
        part = found[34 + 20 * number :][:20]
        assert part == IPv6Address(address).packed + IPv4Address("192.0.2.33").packed


@given(st.sampled_from([32, 40, 48, 56, 64, 96]), st.integers(1 << 24, 0xDFFFFFFF))
def test_there_and_back(length: int, address: int) -> None:
    mapping = make_mapping(parse_prefix(IPv6Network(f"2001:db8::/{length}")), [])
    embedded = mapping.to_v6(IPv4Address(address))
    assert embedded >> 56 & 0xFF == 0
    assert mapping.to_v4(IPv6Address(embedded)) == (address if address >> 24 != 127 else -1)


def test_mappings_and_the_well_known_prefix(tmp_path: Path) -> None:
    upper = UDP(sport=1, dport=2) / b"abc"
    sent = [
        four(v4(upper, src="8.8.8.8", dst="198.51.100.77")),
        four(v4(upper, src="10.0.0.1", dst="198.51.100.77")),
        six(v6(upper, src="2001:db8:5::9", dst="64:ff9b::8.8.4.4")),
        six(v6(upper, src="2001:db8:5::9", dst="64:ff9b::10.0.0.1")),
        six(v6(upper, src="2001:db8:6::9", dst="64:ff9b::8.8.4.4")),
    ]
    found = run(tmp_path, True, *sent, prefix=None, other="drop")
    assert found.inside == [bytes(HEAD / v6(upper, src="64:ff9b::8.8.8.8", dst="2001:db8:5::4d"))]
    assert [same_id(frame) for frame in found.outside] == [
        bytes(v4(upper, src="198.51.100.9", dst="8.8.4.4"))
    ]
    assert found.drops == {"no_address": 2, "no_prefix": 1, "not_ip": 5}


@BOTH
def test_fragments(tmp_path: Path, interpret: bool) -> None:
    upper = UDP(sport=1, dport=2) / random.Random(1).randbytes(3000)
    parts4 = fragment(v4(upper, id=0xABCD), 800)
    parts6 = fragment6(v6(IPv6ExtHdrFragment(id=0x12345678) / upper, **BACK6), 900)
    atom = v6(IPv6ExtHdrFragment(id=0x12345678) / upper.__class__(sport=1, dport=2), **BACK6)
    found = run(tmp_path, interpret, *map(four, parts4), *map(six, parts6), six(atom))
    assert (found.drops, len(found.inside), len(found.outside)) == ({}, len(parts4), len(parts6) + 1)
    whole = bytes(v6(upper))[40:]
    for frame, part in zip(found.inside, parts4, strict=True):
        packet = Ether(frame)[IPv6]
        assert (packet.src, packet.dst, packet.plen) == (FAR6, HOST6, len(packet) - 40)
        header = packet[IPv6ExtHdrFragment]
        assert (header.offset, header.m, header.id, header.nh) == (part.frag, int(part.flags.MF), 0xABCD, 17)
        at = part.frag * 8
        assert frame[62:] == whole[at : at + len(frame) - 62]
    *frames, last = found.outside
    whole = bytes(v4(upper, **BACK4))[20:]
    for frame, part in zip(frames, parts6, strict=True):
        packet = Ether(frame)[IP]
        header = part[IPv6ExtHdrFragment]
        assert (packet.src, packet.dst, packet.len, packet.id) == (HOST4, FAR4, len(packet), 0x5678)
        assert (packet.frag, int(packet.flags)) == (header.offset, header.m)
        at = packet.frag * 8
        assert frame[34:] == whole[at : at + len(frame) - 34]
        assert checksum(frame[14:34]) == 0
    assert Ether(last)[IP].id == 0x5678
    assert bytes(IP(last[14:])[UDP]) == bytes(v4(UDP(sport=1, dport=2), **BACK4))[20:]


@BOTH
def test_what_may_be_split_fits_all_ipv6_networks(tmp_path: Path, interpret: bool) -> None:
    upper = ICMP(id=7) / random.Random(2).randbytes(1400)
    bare = UDP(sport=1, dport=2, chksum=0) / bytes(2000)
    small, edge = UDP(sport=1, dport=2) / bytes(1232), UDP(sport=1, dport=2) / bytes(1233)
    kept = v4(upper, flags="DF")
    found = run(tmp_path, interpret, *map(four, (v4(upper), v4(bare), kept, v4(small), v4(edge))))
    assert found.drops == {}
    sizes = [len(frame) - 14 for frame in found.inside]
    assert sizes == [
        1280,
        40 + 8 + 8 + 1400 - 1232,
        1280,
        40 + 8 + 8 + 2000 - 1232,
        1448,
        1280,
        1280,
        40 + 8 + 9,
    ]
    joined = found.inside[0][62:] + found.inside[1][62:]
    assert joined == bytes(v6(ICMPv6EchoRequest(id=7, data=bytes(upper.payload))))[40:]
    assert found.inside[2][62:] + found.inside[3][62:] == bytes(v6(UDP(sport=1, dport=2) / bytes(2000)))[40:]


@BOTH
def test_what_must_not_be_split_says_so(tmp_path: Path, interpret: bool) -> None:
    packets = [v6(UDP(sport=1, dport=2) / bytes(size), **BACK6) for size in (1232, 1233)]
    found = run(tmp_path, interpret, *map(six, packets))
    assert [int(Ether(frame)[IP].flags) for frame in found.outside] == [0, 2]


def message4(kind: int, code: int, rest: int, quoted: Packet | bytes, **fields: Any) -> Packet:
    """An ICMP error."""
    data = bytes([kind, code, 0, 0]) + rest.to_bytes(4, "big") + bytes(quoted)
    return v4(data[:2] + checksum(data).to_bytes(2, "big") + data[4:], proto=1, **fields)


def message6(kind: int, code: int, rest: int, quoted: Packet | bytes, **fields: Any) -> Packet:
    data = bytes([kind, code, 0, 0]) + rest.to_bytes(4, "big") + bytes(quoted)
    outer = v6(b"", nh=58, **fields)
    return outer / Raw(data[:2] + in6_chksum(58, IPv6(bytes(outer)), data).to_bytes(2, "big") + data[4:])


TO_V6 = [
    *(((3, code, 0), (1, 0, 0)) for code in (0, 1, 5, 6, 7, 8, 11, 12)),
    ((3, 2, 0), (4, 1, 6)),
    ((3, 3, 0), (1, 4, 0)),
    ((3, 4, 1400), (2, 0, 1420)),
    ((3, 4, 576), (2, 0, 1280)),
    ((3, 4, 0), (2, 0, 1280)),
    *(((3, code, 0), (1, 1, 0)) for code in (9, 10, 13, 15)),
    ((11, 0, 0), (3, 0, 0)),
    ((11, 1, 0), (3, 1, 0)),
    *(
        ((12, 0, at << 24), (4, 0, to))
        for at, to in ((0, 0), (1, 1), (2, 4), (8, 7), (9, 6), (12, 8), (19, 24))
    ),
    ((12, 2, 0), (4, 0, 0)),
    *(
        ((kind, code, rest), None)
        for kind, code, rest in ((3, 14, 0), (3, 16, 0), (4, 0, 0), (5, 0, 0), (12, 1, 0))
    ),
    *(((12, 0, at << 24), None) for at in (4, 7, 10, 20, 255)),
    *(((kind, 0, 0), None) for kind in (6, 9, 10, 13, 14, 15, 16, 17, 18)),
]
TO_V4 = [
    *(((1, code, 0), (3, 1, 0)) for code in (0, 2, 3)),
    ((1, 1, 0), (3, 10, 0)),
    ((1, 4, 0), (3, 3, 0)),
    ((2, 0, 1420), (3, 4, 1400)),
    ((2, 0, 0xFFFFFFFF), (3, 4, 0xFFFF)),
    ((3, 0, 0), (11, 0, 0)),
    ((3, 1, 0), (11, 1, 0)),
    *(
        ((4, 0, at), (12, 0, to << 24))
        for at, to in ((0, 0), (1, 1), (4, 2), (6, 9), (7, 8), (8, 12), (39, 16))
    ),
    ((4, 1, 6), (3, 2, 0)),
    *(
        ((kind, code, rest), None)
        for kind, code, rest in ((1, 5, 0), (4, 2, 0), (4, 0, 2), (4, 0, 40), (100, 0, 0))
    ),
]
QUOTES = [
    (UDP(sport=5, dport=6) / b"about", None),
    (TCP(sport=5, dport=6) / b"about", None),
    (ICMP(id=7) / b"about", ICMPv6EchoRequest(id=7, data=b"about")),
]


@BOTH
def test_errors_to_v6(tmp_path: Path, interpret: bool) -> None:
    sent, expected = [], []
    for number, (before, after) in enumerate(TO_V6):
        upper, other = QUOTES[number % len(QUOTES)]
        about = v4(upper, **BACK4, ttl=1, tos=4)
        sent.append(four(message4(*before, about, src="203.0.113.77", tos=0xC0)))
        if after:
            quoted = v6(other or upper, **BACK6, hlim=1, tc=4)
            expected.append(message6(*after, quoted, src="2001:db8:64::203.0.113.77", tc=0xC0))
    found = run(tmp_path, interpret, *sent)
    assert [frame.hex() for frame in found.inside] == [bytes(HEAD / one).hex() for one in expected]
    assert found.drops == {"icmp_type": len(TO_V6) - len(expected)}


@BOTH
def test_errors_to_v4(tmp_path: Path, interpret: bool) -> None:
    sent, expected = [], []
    for number, (before, after) in enumerate(TO_V4):
        upper, other = QUOTES[number % len(QUOTES)]
        about = v6(other or upper, hlim=1, tc=4)
        router = {"src": "2001:db8:5::7" if number % 2 else "2001:db8:ffff::1", "dst": FAR6}
        sent.append(six(message6(*before, about, **router, tc=0xC0)))
        if after:
            quoted = v4(upper, ttl=1, tos=4, id=0)
            fields = {"src": "198.51.100.7" if number % 2 else "192.0.0.8", "dst": FAR4}
            expected.append(message4(*after, quoted, **fields, tos=0xC0))
    found = run(tmp_path, interpret, *sent)
    assert [same_id(frame).hex() for frame in found.outside] == [bytes(one).hex() for one in expected]
    assert found.drops == {"icmp_type": len(TO_V4) - len(expected)}


@BOTH
def test_quotes_with_options_fragments_and_extensions(tmp_path: Path, interpret: bool) -> None:
    upper = UDP(sport=5, dport=6, chksum=0x1234) / b"about"
    options = v4(b"", **BACK4, options=IPOption(bytes(40)), proto=17)
    part4 = v4(upper, **BACK4, flags="MF", id=9)
    later4 = v4(b"x" * 16, **BACK4, frag=5, id=9, proto=17)
    part6 = v6(IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(m=1, id=0x10009) / upper)
    padded = bytes(v4(UDP(sport=5, dport=6), **BACK4)).ljust(128, b"\0")
    extended = message4(11, 0, 32 << 16, padded + b"\x20\0\0\0extension")
    sent = [
        four(message4(3, 3, 0, bytes(options) + b"x" * 8)),
        four(message4(3, 3, 0, part4)),
        four(message4(3, 3, 0, later4)),
        four(extended),
        six(message6(1, 4, 0, part6, **BACK6)),
    ]
    found = run(tmp_path, interpret, *sent)
    assert found.drops == {}
    quotes = [IPv6(frame[62:]) for frame in found.inside]
    assert [(one.src, one.dst) for one in quotes] == [(HOST6, FAR6)] * 4
    assert found.inside[0][62 + 40 :][:6] == b"x" * 6
    assert quotes[0].plen == 0
    fragments = [one[IPv6ExtHdrFragment] for one in quotes[1:3]]
    assert [(one.offset, one.m, one.id, one.nh) for one in fragments] == [(0, 1, 9, 17), (5, 0, 9, 17)]
    assert len(found.inside[3]) == 14 + 48 + 20 + 128
    assert b"extension" not in found.inside[3]
    for frame in found.inside:
        packet = IPv6(frame[14:])
        assert packet.plen == len(packet) - 40
        assert in6_chksum(58, packet, frame[54:]) == 0
    (frame,) = found.outside
    quoted = IP(frame[42:])
    assert (quoted.src, quoted.dst, quoted.id, int(quoted.flags), quoted.len) == (FAR4, HOST4, 9, 1, 33)
    assert checksum(frame[34:]) == 0


@BOTH
def test_large_errors_are_cut(tmp_path: Path, interpret: bool) -> None:
    upper = UDP(sport=5, dport=6) / bytes(1300)
    about4 = bytes(v4(upper, **BACK4))[:1252]
    about6 = bytes(v6(upper))[:1232]
    found = run(
        tmp_path,
        interpret,
        four(message4(3, 3, 0, about4, flags="DF")),
        six(message6(1, 4, 0, about6, **BACK6)),
    )
    assert found.drops == {}
    (inside,), (outside,) = found.inside, found.outside
    assert (len(inside), len(outside)) == (14 + 1280, 14 + 576)
    assert in6_chksum(58, IPv6(inside[14:]), inside[54:]) == 0
    assert checksum(outside[34:]) == checksum(outside[14:34]) == 0
    assert IP(outside[14:]).len == 576


@BOTH
def test_refused(tmp_path: Path, interpret: bool) -> None:
    udp = UDP(sport=1, dport=2) / b"abc"
    wrong4, wrong6 = message4(3, 3, 0, v4(udp, **BACK4)), message6(1, 4, 0, v6(udp), **BACK6)
    wrong4[Raw].load = wrong4[Raw].load[:-1] + b"?"
    wrong6[Raw].load = wrong6[Raw].load[:-1] + b"?"
    nested4 = message4(3, 3, 0, message4(3, 3, 0, v4(udp)))
    nested6 = message6(1, 4, 0, message6(1, 4, 0, v6(udp), **BACK6), **BACK6)
    cases = {
        "bad_checksum": [four(v4(udp, chksum=1))],
        "not_unicast": [
            four(v4(udp, dst=dst)) for dst in ("224.0.0.1", "255.255.255.255", "127.0.0.1", "0.0.0.0")
        ],
        "protocol": [four(v4(b"igmpigmp", proto=2))],
        "source_routed": [
            four(v4(udp, options=IPOption(b"\x83\x07\x04\xc0\x00\x02\x07\x00"))),
            four(v4(udp, options=IPOption(b"\x01\x89\x07\x04\xc0\x00\x02\x07"))),
            six(v6(IPv6ExtHdrRouting(segleft=1, addresses=[FAR6]) / udp, **BACK6)),
        ],
        "icmp_fragment": [
            four(v4(ICMP() / b"abc", flags="MF")),
            six(v6(IPv6ExtHdrFragment(m=1) / ICMPv6EchoRequest(), **BACK6)),
        ],
        "icmp_type": [six(v6(ICMPv6MLQuery(), **BACK6)), six(v6(ICMPv6ND_NS(), **BACK6))],
        "icmp_checksum": [four(wrong4), six(wrong6)],
        "icmp_quote": [
            four(nested4),
            six(nested6),
            four(message4(3, 3, 0, bytes(v4(udp, **BACK4))[:27])),
            four(message4(3, 3, 0, bytes(v6(udp)))),
            four(message4(3, 3, 40 << 16, bytes(v4(udp, **BACK4)))),
            four(message4(3, 3, 0, v4(udp, **BACK4, len=10))),
            six(message6(1, 4, 0, bytes(v6(udp))[:47], **BACK6)),
            six(message6(1, 4, 0, bytes(v4(udp)) * 2, **BACK6)),
        ],
        "truncated": [
            four(v4(b"short", proto=17)),
            four(v4(b"x" * 19, proto=6)),
            six(v6(b"short", nh=17, **BACK6)),
            six(v6(b"shorter", nh=58, **BACK6)),
        ],
        "malformed": [Sent("out", bytes(HEAD / v4(udp))[:30])],
    }
    found = run(tmp_path, interpret, *(one for sent in cases.values() for one in sent))
    assert found.drops == {reason: len(sent) for reason, sent in cases.items()}
    assert found.inside == found.outside == []


def test_others(tmp_path: Path) -> None:
    frames = [bytes(HEAD / one) for one in (ARP(), v6(ICMPv6ND_NS(), src="fe80::1", dst="ff02::1"))]
    sent = [Sent(side, frame) for side in ("in", "out") for frame in frames]
    passed = run(tmp_path, True, *sent)
    assert passed.inside == passed.outside == frames
    dropped = run(tmp_path, True, *sent, other="drop")
    assert dropped.drops == {"not_ip": 6, "no_prefix": 2}


@BOTH
def test_random_bytes(tmp_path: Path, interpret: bool) -> None:
    """Each is accounted for; what leaves is well-formed."""
    rng = random.Random(5)
    udp = UDP(sport=1, dport=2) / b"abc"
    seeds = [
        v4(udp),
        v4(TCP() / b"abc", options=IPOption(bytes(8))),
        message4(3, 3, 0, v4(udp, **BACK4)),
        v6(udp, **BACK6),
        v6(IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(m=1) / TCP(), **BACK6),
        message6(1, 4, 0, v6(IPv6ExtHdrDestOpt() / udp), **BACK6),
    ]
    frames = []
    for _ in range(600):
        frame = bytearray(bytes(HEAD / rng.choice(seeds)))
        for _ in range(rng.choice([0, 1, 1, 2, 8])):
            frame[rng.randrange(12, len(frame))] = rng.choice([0, 1, 43, 44, 60, 255, rng.randrange(256)])
        if frame[12:14] == b"\x08\x00" and rng.random() < 0.7:
            frame[24:26] = bytes(2)
            frame[24:26] = checksum(bytes(frame[14 : 14 + (frame[14] & 15) * 4])).to_bytes(2, "big")
        frames.append(bytes(frame[: rng.choice([len(frame), rng.randrange(14, len(frame) + 1)])]))
    result = wirebrick.run(nat64(**HERE), rx=frames, interpret=interpret)
    assert result.packets_in + result.packets_copied + result.packets_made == (
        result.packets_out + result.packets_dropped
    )
    assert not [reason for reason in result.drops if "fault" in reason], result.drops


@pytest.mark.parametrize(
    ("mappings", "message"),
    [
        ("192.0.2.1", "no pair"),
        ("192.0.2.1=192.0.2.2", "no pair"),
        ("192.0.2.0/24=2001:db8::/64", "not of one size"),
        ("192.0.2.0/24=2001:db8::/120 192.0.2.7=2001:db8:1::", "192.0.2.0/24 and 192.0.2.7/32 overlap"),
        ("192.0.2.1=2001:db8:: 192.0.2.7=2001:db8::", "overlap"),
    ],
)
def test_mistakes(mappings: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_mappings(mappings)
    with pytest.raises(ParameterError, match="prefix can't be"):
        parse_prefix(IPv6Network("2001:db8:0:0:100::/96"))
