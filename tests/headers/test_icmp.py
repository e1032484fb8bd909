"""ICMP."""

from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP as ScapyICMP

from wirebrick.headers import ICMP, Checksum, IPv4, golden
from wirebrick.headers.header import announcements

NAMES = {"type": "type", "code": "code", "checksum": "chksum", "identifier": "id", "sequence": "seq"}


def test_golden():
    golden(
        ICMP(type=8, checksum=0xBEEF, identifier=0x1234, sequence=0x5678), bytes.fromhex("0800beef12345678")
    )


@given(random_values(ICMP, type=st.sampled_from([0, 8])))
def test_scapy(values):
    compare(ICMP, values, ScapyICMP(**{theirs: values[ours] for ours, theirs in NAMES.items()}), NAMES)


@given(st.integers(0, 0xFFFF))
def test_scapy_next_hop_mtu(mtu):
    header = ICMP.from_bytes(bytes(ScapyICMP(type=3, code=4, nexthopmtu=mtu)))
    assert (header.type, header.code, header.rest, header.sequence) == (3, 4, mtu, mtu)


def test_scapy_gateway_of_a_redirect():
    assert ICMP.from_bytes(bytes(ScapyICMP(type=5, gw="192.0.2.1"))).rest == 0xC0000201


def test_announcements_and_rules():
    assert repr(announcements(ICMP, IPv4)) == "[IPv4.protocol == 1 & IPv4.fragment_offset == 0]"
    assert ICMP.checksum_rule == Checksum(payload=True)
