"""MPLS label stack entries."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from scapy.contrib.mpls import MPLS as ScapyMPLS

from wirebrick.headers import GRE, MPLS, VLAN, Ethernet, IPv4, IPv6, golden
from wirebrick.headers.header import announcements


def test_golden():
    golden(MPLS(label=0x12345, tc=5, s=1, ttl=0xAB), bytes.fromhex("12345bab"))


@pytest.mark.parametrize(
    ("field", "data"), [("label", "fffff000"), ("tc", "00000e00"), ("s", "00000100"), ("ttl", "000000ff")]
)
def test_bits_lie_in_their_places(field, data):
    golden(MPLS(**{"s": 0, "ttl": 0, field: MPLS.fields[field].mask}), bytes.fromhex(data))


@given(random_values(MPLS))
def test_scapy(values):
    layer = ScapyMPLS(label=values["label"], cos=values["tc"], s=values["s"], ttl=values["ttl"])
    compare(MPLS, values, layer, {"label": "label", "tc": "cos", "s": "s", "ttl": "ttl"})


@pytest.mark.parametrize("parent", [Ethernet, VLAN, GRE])
def test_announced_by_unicast_and_multicast(parent):
    assert {c.terms[0].value for c in announcements(MPLS, parent)} == {0x8847, 0x8848}


def test_the_bottom_of_the_stack_says_whether_another_entry_follows():
    assert [repr(c) for c in announcements(MPLS, MPLS)] == ["MPLS.s == 0"]
    assert [repr(c) for c in announcements(IPv4, MPLS)] == ["MPLS.s == 1"]
    assert [repr(c) for c in announcements(IPv6, MPLS)] == ["MPLS.s == 1"]
