"""TCP."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import TCP as ScapyTCP

from wirebrick.headers import TCP, Checksum, IPv4, IPv6, find_option, golden
from wirebrick.headers.header import announcements

NAMES = {
    "src_port": "sport",
    "dst_port": "dport",
    "seq": "seq",
    "ack": "ack",
    "data_offset": "dataofs",
    "window": "window",
    "checksum": "chksum",
    "urgent": "urgptr",
}
FLAGS = ("cwr", "ece", "urg", "ack_flag", "psh", "rst", "syn", "fin")


def layer_of(values, **more):
    flags = (values["reserved"] & 1) << 8  # scapy takes the last reserved bit for a flag
    for place, name in enumerate(FLAGS):
        flags |= values[name] << 7 - place
    fields = {theirs: values[ours] for ours, theirs in NAMES.items()}
    return ScapyTCP(reserved=values["reserved"] >> 1, flags=flags, **fields, **more)


def test_golden():
    header = TCP(
        src_port=443,
        dst_port=50000,
        seq=0x01020304,
        ack=0xA0B0C0D0,
        data_offset=6,
        syn=1,
        ack_flag=1,
        window=0xFFFF,
        checksum=0x1234,
        urgent=1,
        options=bytes.fromhex("020405b4"),
    )
    golden(header, bytes.fromhex("01bbc350 01020304 a0b0c0d0 6012ffff 12340001 020405b4"))


@pytest.mark.parametrize(("place", "name"), list(enumerate(FLAGS)))
def test_each_flag_has_its_bit(place, name):
    header = TCP(**{name: 1})
    assert bytes(header)[12:14] == bytes([0x50, 0x80 >> place])
    assert header.flags == 0x80 >> place


@given(random_values(TCP, data_offset=st.just(5)))
def test_scapy(values):
    compare(TCP, values, layer_of(values), NAMES)


def test_scapy_options():
    layer = ScapyTCP(
        sport=1, dport=2, chksum=3, options=[("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7)]
    )
    header = TCP.from_bytes(bytes(layer) + b"payload")
    assert header.header_length() == len(bytes(layer))
    assert header.options.u16(find_option(header.options, 2) + 2) == 1460
    assert header.options[find_option(header.options, 3) + 2] == 7
    again = TCP(
        src_port=1, dst_port=2, checksum=3, data_offset=header.data_offset, options=bytes(header.options)
    )
    assert ScapyTCP(bytes(again)).options == layer.__class__(bytes(layer)).options


def test_valid():
    assert [offset for offset in range(16) if TCP(data_offset=offset).valid()] == list(range(5, 16))


def test_announcements():
    assert repr(announcements(TCP, IPv4)) == "[IPv4.protocol == 6 & IPv4.fragment_offset == 0]"
    assert repr(announcements(TCP, IPv6)) == "[IPv6.protocol == 6 & IPv6.fragment_offset == 0]"


def test_rules():
    assert TCP.checksum_rule == Checksum(payload=True, pseudo=True)
    assert TCP.length_field is None
    assert not hasattr(TCP, "claimed_payload")
