"""VLAN tags."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from scapy.layers.l2 import Dot1Q, Ether

from wirebrick.headers import VLAN, Ethernet, golden
from wirebrick.headers.header import announcements


def test_golden():
    golden(VLAN(pcp=5, dei=1, vid=0xABC, ethertype=0x0800), bytes.fromhex("babc0800"))


@pytest.mark.parametrize(
    ("field", "data"),
    [("pcp", "e0000000"), ("dei", "10000000"), ("vid", "0fff0000"), ("ethertype", "0000ffff")],
)
def test_bits_lie_in_their_places(field, data):
    golden(VLAN(**{field: VLAN.fields[field].mask}), bytes.fromhex(data))


@given(random_values(VLAN))
def test_scapy(values):
    layer = Dot1Q(prio=values["pcp"], dei=values["dei"], vlan=values["vid"], type=values["ethertype"])
    compare(VLAN, values, layer, {"pcp": "prio", "dei": "dei", "vid": "vlan", "ethertype": "type"})


@pytest.mark.parametrize("parent", [Ethernet, VLAN])
def test_announced_by_three_ethertypes(parent):
    assert {c.terms[0].value for c in announcements(VLAN, parent)} == {0x8100, 0x88A8, 0x9100}


def test_qinq():
    data = bytes(Ether(type=0x88A8) / Dot1Q(vlan=10, type=0x8100) / Dot1Q(vlan=20, type=0x0800))
    outer, inner = VLAN.from_bytes(data[14:]), VLAN.from_bytes(data[18:])
    assert (outer.vid, outer.ethertype, inner.vid, inner.ethertype) == (10, 0x8100, 20, 0x0800)
