"""GRE."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import GRE as ScapyGRE

from wirebrick.headers import GRE, MPLS, Ethernet, IPv4, IPv6, golden
from wirebrick.headers.header import announcements

NAMES = {
    "checksum_present": "chksum_present",
    "key_present": "key_present",
    "sequence_present": "seqnum_present",
    "version": "version",
    "protocol": "proto",
}


def layer_of(values, **more):
    return ScapyGRE(
        strict_route_source=values["reserved"] >> 8,
        recursion_control=values["reserved"] >> 5 & 7,
        flags=values["reserved"] & 31,
        routing_present=values["routing_present"],
        **{theirs: values[ours] for ours, theirs in NAMES.items()},
        **more,
    )


def test_golden():
    header = GRE(
        checksum_present=1,
        key_present=1,
        sequence_present=1,
        protocol=0x0800,
        optional=bytes.fromhex("beef0000 0000002a 00000007"),
    )
    golden(header, bytes.fromhex("b0000800 beef0000 0000002a 00000007"))
    assert (header.checksum, header.key, header.sequence, header.header_length()) == (0xBEEF, 42, 7, 16)


FIRST = ["8000", "4000", "2000", "1000", "0ff8", "0007"]


@pytest.mark.parametrize(("name", "data"), list(zip(GRE.fields, FIRST, strict=False)))
def test_bits_lie_in_their_places(name, data):
    assert bytes(GRE(**{name: GRE.fields[name].mask}))[:2].hex() == data


@given(
    random_values(
        GRE,
        checksum_present=st.just(0),
        routing_present=st.just(0),
        key_present=st.just(0),
        sequence_present=st.just(0),
    )
)
def test_scapy(values):
    compare(GRE, values, layer_of(values), NAMES)


@given(
    random_values(GRE, routing_present=st.just(0), reserved=st.just(0), version=st.just(0)),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
)
def test_scapy_optional_parts(values, checksum, key, sequence):
    data = bytes(layer_of(values, chksum=checksum, key=key, sequence_number=sequence))
    header = GRE.from_bytes(data + b"payload")
    assert header.header_length() == len(data)
    assert header.valid()
    assert header.checksum == (checksum if values["checksum_present"] else 0)
    assert header.key == (key if values["key_present"] else 0)
    assert header.sequence == (sequence if values["sequence_present"] else 0)
    golden(GRE(**values, optional=data[4:]), data)


@pytest.mark.parametrize(
    ("values", "valid"),
    [
        ({"version": 1}, False),
        ({"routing_present": 1}, False),
        ({"reserved": 0b100000000}, False),
        ({"reserved": 0b010000000}, False),
        ({"reserved": 0b001111111}, True),
    ],
)
def test_valid(values, valid):
    assert GRE(**values).valid() is valid


@pytest.mark.parametrize("name", ["key", "sequence", "checksum"])
def test_a_part_that_is_not_there_is_truncated(name):
    header = GRE(**{f"{name}_present": 1})
    assert header.header_length() == 8
    with pytest.raises(IndexError):
        getattr(header, name)


@pytest.mark.parametrize(
    ("header", "protocols"),
    [(Ethernet, [0x6558]), (MPLS, [0x8847, 0x8848]), (IPv4, [0x0800]), (IPv6, [0x86DD])],
)
def test_what_it_carries(header, protocols):
    assert [c.terms[0].value for c in announcements(header, GRE)] == protocols
