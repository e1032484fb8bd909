"""IPv4."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP

from wirebrick.headers import Checksum, IPv4, golden

NAMES = {
    "version": "version",
    "ihl": "ihl",
    "total_length": "len",
    "identification": "id",
    "fragment_offset": "frag",
    "ttl": "ttl",
    "protocol": "proto",
    "checksum": "chksum",
    "src": "src",
    "dst": "dst",
}


def layer_of(values, **more):
    return IP(
        tos=values["dscp"] << 2 | values["ecn"],
        flags=values["flags"],
        **{
            theirs: str(values[ours]) if ours in ("src", "dst") else values[ours]
            for ours, theirs in NAMES.items()
        },
        **more,
    )


def test_golden():
    header = IPv4(
        dscp=46,
        ecn=1,
        total_length=84,
        identification=0x1234,
        flags=2,
        fragment_offset=0x155,
        ttl=63,
        protocol=1,
        checksum=0xBEEF,
        src="192.0.2.1",
        dst="198.51.100.7",
    )
    golden(header, bytes.fromhex("45b90054 12344155 3f01beef c0000201 c6336407"))
    assert (header.dont_fragment, header.more_fragments) == (1, 0)


@given(random_values(IPv4, ihl=st.just(5)))
def test_scapy(values):
    compare(IPv4, values, layer_of(values), NAMES)


@given(random_values(IPv4), st.data())
def test_scapy_with_options(values, data):
    words = data.draw(st.integers(0, 10))
    values["ihl"] = 5 + words
    options = b"\x01" * (words * 4)
    header = IPv4(**values, options=options)
    assert bytes(header) == bytes(layer_of(values, options=[b"\x01" * (words * 4)] if words else []))
    assert header.header_length() == 20 + words * 4
    assert header.options == options
    golden(header, bytes(header))


@pytest.mark.parametrize(
    ("ihl", "total_length", "valid"),
    [(5, 20, True), (5, 19, False), (4, 60, False), (0, 60, False), (15, 59, False)],
)
def test_valid(ihl, total_length, valid):
    header = IPv4(ihl=ihl, total_length=total_length)
    assert header.valid()
    assert (header.header_length() >= IPv4.size and header.claimed_payload() >= 0) is valid


def test_other_versions_are_not_valid():
    assert [version for version in range(16) if IPv4(version=version).valid()] == [4]


def test_claimed_payload():
    assert IPv4(total_length=100).claimed_payload() == 80
    assert IPv4(ihl=6, total_length=100).claimed_payload() == 76


def test_options_end_with_the_bytes_there_are():
    header = IPv4.from_bytes(bytes(IPv4(ihl=15)) + b"\x01\x02\x03")
    assert (header.header_length(), bytes(header.options)) == (60, b"\x01\x02\x03")


def test_rules():
    assert IPv4.checksum_rule == Checksum()
    assert (IPv4.length_field, IPv4.length_includes_header) == ("total_length", True)
    assert IPv4.pseudo_header[:2] == ("src", "dst")
