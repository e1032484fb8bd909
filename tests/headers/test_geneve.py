"""Geneve."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE, GeneveOptions

from wirebrick.headers import UDP, Ethernet, Geneve, IPv4, IPv6, golden
from wirebrick.headers.header import announcements

NAMES = {
    "version": "version",
    "opt_len": "optionlen",
    "oam": "oam",
    "critical": "critical",
    "reserved1": "reserved",
    "protocol": "proto",
    "vni": "vni",
    "reserved2": "reserved2",
}


def test_golden():
    header = Geneve(opt_len=2, critical=1, vni=0xABCDEF, options=bytes.fromhex("0102800111223344"))
    golden(header, bytes.fromhex("02406558 abcdef00 0102800111223344"))


PLACES = ["c0000000", "3f000000", "00800000", "00400000", "003f0000", "0000ffff"]


@pytest.mark.parametrize(("name", "data"), list(zip(Geneve.fields, PLACES, strict=False)))
def test_bits_lie_in_their_places(name, data):
    assert bytes(Geneve(**{"protocol": 0, name: Geneve.fields[name].mask}))[:4].hex() == data


@given(random_values(Geneve, opt_len=st.just(0)))
def test_scapy(values):
    compare(Geneve, values, GENEVE(**{theirs: values[ours] for ours, theirs in NAMES.items()}), NAMES)


@given(st.lists(st.binary(max_size=24).map(lambda data: data[: len(data) // 4 * 4]), max_size=6))
def test_scapy_options(parts):
    options = [GeneveOptions(classid=0x0102, type=7, data=part) for part in parts]
    data = bytes(GENEVE(vni=5, options=options))
    header = Geneve.from_bytes(data + b"payload")
    assert header.header_length() == len(data)
    assert bytes(header.options) == data[8:]
    assert (header.opt_len, header.vni) == ((len(data) - 8) // 4, 5)


def test_valid():
    assert [version for version in range(4) if Geneve(version=version).valid()] == [0]


@pytest.mark.parametrize(("header", "protocol"), [(Ethernet, 0x6558), (IPv4, 0x0800), (IPv6, 0x86DD)])
def test_what_it_carries(header, protocol):
    assert [c.terms[0].value for c in announcements(header, Geneve)] == [protocol]
    assert repr(announcements(Geneve, UDP)) == "[UDP.dst_port == 6081]"
