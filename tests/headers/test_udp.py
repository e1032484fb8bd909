"""UDP."""

from header_oracle import compare, random_values
from hypothesis import given
from scapy.layers.inet import UDP as ScapyUDP

from wirebrick.headers import UDP, Checksum, IPv4, IPv6, golden
from wirebrick.headers.header import announcements

NAMES = {"src_port": "sport", "dst_port": "dport", "length": "len", "checksum": "chksum"}


def test_golden():
    golden(UDP(src_port=53, dst_port=0xABCD, length=100, checksum=0xBEEF), bytes.fromhex("0035abcd0064beef"))


@given(random_values(UDP))
def test_scapy(values):
    compare(UDP, values, ScapyUDP(**{theirs: values[ours] for ours, theirs in NAMES.items()}), NAMES)


def test_length():
    assert [length for length in range(20) if UDP(length=length).valid()] == list(range(8, 20))
    assert UDP(length=65535).claimed_payload() == 65527


def test_announcements():
    assert repr(announcements(UDP, IPv4)) == "[IPv4.protocol == 17 & IPv4.fragment_offset == 0]"
    assert repr(announcements(UDP, IPv6)) == "[IPv6.protocol == 17 & IPv6.fragment_offset == 0]"


def test_rules():
    assert UDP.checksum_rule == Checksum(payload=True, pseudo=True, own_length=True, optional=True)
    assert (UDP.length_field, UDP.length_includes_header) == ("length", True)
