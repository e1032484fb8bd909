"""ICMPv6."""

from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig

from wirebrick.headers import Checksum, ICMPv6, IPv6, golden
from wirebrick.headers.header import announcements

NAMES = {"type": "type", "code": "code", "checksum": "cksum", "identifier": "id", "sequence": "seq"}


def test_golden():
    header = ICMPv6(type=128, checksum=0xBEEF, identifier=0x1234, sequence=0x5678)
    golden(header, bytes.fromhex("8000beef12345678"))


@given(random_values(ICMPv6, type=st.sampled_from([128, 129])))
def test_scapy(values):
    echo = ICMPv6EchoRequest if values["type"] == 128 else ICMPv6EchoReply
    compare(ICMPv6, values, echo(**{theirs: values[ours] for ours, theirs in NAMES.items()}), NAMES)


@given(st.integers(0, 0xFFFFFFFF))
def test_scapy_mtu(mtu):
    header = ICMPv6.from_bytes(bytes(ICMPv6PacketTooBig(mtu=mtu, cksum=0)))
    assert (header.type, header.rest) == (2, mtu)


def test_announcements_and_rules():
    assert repr(announcements(ICMPv6, IPv6)) == "[IPv6.protocol == 58 & IPv6.fragment_offset == 0]"
    assert ICMPv6.checksum_rule == Checksum(payload=True, pseudo=True)
