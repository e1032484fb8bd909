"""IPv6 and its extension headers."""

import pytest
from header_oracle import compare, inspect, random_values
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.inet6 import (
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH

from wirebrick.headers import IPv6, golden

NAMES = {
    "version": "version",
    "traffic_class": "tc",
    "flow_label": "fl",
    "payload_length": "plen",
    "next_header": "nh",
    "hop_limit": "hlim",
    "src": "src",
    "dst": "dst",
}
KINDS = [0, 43, 44, 51, 60, 135]


def test_golden():
    header = IPv6(
        traffic_class=0xB8,
        flow_label=0x12345,
        payload_length=8,
        next_header=17,
        hop_limit=63,
        src="2001:db8::1",
        dst="ff02::fb",
    )
    golden(
        header,
        bytes.fromhex(
            "6b812345 0008 11 3f 20010db8000000000000000000000001 ff0200000000000000000000000000fb"
        ),
    )
    assert (header.protocol, header.header_length(), header.claimed_payload()) == (17, 40, 8)


@given(random_values(IPv6, next_header=st.sampled_from([6, 17, 59, 253])))
def test_scapy(values):
    fields = {theirs: str(values[o]) if o in ("src", "dst") else values[o] for o, theirs in NAMES.items()}
    compare(IPv6, values, ScapyIPv6(**fields), NAMES)


def test_every_extension_header():
    stack = (
        IPv6ExtHdrHopByHop()
        / IPv6ExtHdrRouting(addresses=["2001:db8::5", "2001:db8::6"])
        / IPv6ExtHdrFragment(offset=0, m=1, id=0xDEADBEEF)
        / AH(icv=bytes(12))
        / IPv6ExtHdrDestOpt(nh=6)
    )
    data = bytes(ScapyIPv6() / stack / b"payload")
    header = IPv6.from_bytes(data)
    assert header.protocol == 6
    assert header.header_length() == 40 + len(bytes(stack)) == len(data) - 7
    assert header.claimed_payload() == 7
    assert bytes(header.extensions) == bytes(stack)
    assert (header.fragment_offset, header.more_fragments, header.identification) == (0, 1, 0xDEADBEEF)
    assert header.chain >> 32 == 40 + 8 + 40


def test_mobility():
    header = IPv6(next_header=135, extensions=bytes.fromhex("3b01 0500 0000 0000 0000 0000 0000 0000"))
    assert (header.header_length(), header.protocol) == (56, 59)


@given(st.integers(0, 0x1FFF), st.integers(0, 1), st.integers(0, 0xFFFFFFFF))
def test_fragment_fields(offset, more, identification):
    fragment = IPv6ExtHdrFragment(nh=17, offset=offset, m=more, id=identification)
    header = IPv6.from_bytes(bytes(ScapyIPv6() / fragment / bytes(16)))
    assert (header.fragment_offset, header.more_fragments) == (offset, more)
    assert (header.identification, header.protocol, header.header_length()) == (identification, 17, 48)


def test_no_fragment():
    header = IPv6(next_header=6)
    assert (header.fragment_offset, header.more_fragments, header.identification) == (0, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_later_fragments_are_not_looked_into(kind):
    fragment = IPv6ExtHdrFragment(nh=kind, offset=5)
    header = IPv6.from_bytes(bytes(ScapyIPv6() / fragment / (b"\xff" * 64)))
    assert (header.protocol, header.header_length()) == (kind, 48)


def test_at_most_sixteen_are_walked():
    option = bytes.fromhex("3c00010400000000")
    header = IPv6(next_header=60, extensions=option * 20)
    assert (header.header_length(), header.protocol) == (40 + 16 * 8, 60)
    header = IPv6(next_header=60, extensions=option * 15 + b"\x06" + option[1:])
    assert (header.header_length(), header.protocol) == (40 + 16 * 8, 6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("present", [0, 1])
def test_an_extension_header_cut_short_is_truncated(kind, present):
    header = IPv6(next_header=kind, extensions=bytes(present))
    with pytest.raises(IndexError):
        header.header_length()
    assert len(bytes(header)) == 40 + present
    assert len(header.extensions) == present


def test_an_extension_header_longer_than_the_packet():
    header = IPv6(next_header=60, extensions=bytes([6, 255, 0, 0, 0, 0, 0, 0]))
    with pytest.raises(IndexError):
        header.header_length() + header.from_bytes(bytes(IPv6(next_header=60)) + bytes([60, 255])).protocol
    assert IPv6(next_header=60, extensions=bytes([6, 255, 0, 0])).claimed_payload() < 0


@settings(deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=24), st.binary(max_size=400))
def test_random_chains_are_safe(kinds, data):
    data = bytearray(data)
    for index, kind in enumerate(kinds):
        if index * 8 < len(data):
            data[index * 8] = kind
            data[min(index * 8 + 1, len(data) - 1)] &= 3
    inspect(bytes(IPv6(next_header=kinds[0] if kinds else 6)) + bytes(data), IPv6)


def test_valid():
    assert [version for version in range(16) if IPv6(version=version).valid()] == [6]


def test_jumbograms_are_not_supported():
    jumbo = IPv6(payload_length=0, next_header=0, extensions=bytes.fromhex("3b00c20400011170"))
    assert jumbo.claimed_payload() == -8


def test_rules():
    assert IPv6.checksum_rule is None
    assert (IPv6.length_field, IPv6.length_includes_header) == ("payload_length", False)
    assert IPv6.pseudo_header == ("src", "dst", "payload_length")
