"""VXLAN."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.vxlan import VXLAN as ScapyVXLAN

from wirebrick.headers import UDP, VXLAN, Ethernet, golden
from wirebrick.headers.header import announcements


def test_golden():
    golden(VXLAN(vni=0xABCDEF), bytes.fromhex("08000000abcdef00"))


PLACES = [
    "f000000000000000",
    "0800000000000000",
    "0700000000000000",
    "00ffffff00000000",
    "00000000ffffff00",
    "00000000000000ff",
]


@pytest.mark.parametrize(("name", "data"), list(zip(VXLAN.fields, PLACES, strict=True)))
def test_bits_lie_in_their_places(name, data):
    golden(VXLAN(**{"i": 0, name: VXLAN.fields[name].mask}), bytes.fromhex(data))


@given(random_values(VXLAN, flags1=st.just(0), i=st.just(1), flags2=st.just(0)))
def test_scapy(values):
    layer = ScapyVXLAN(
        flags=8,
        NextProtocol=0,
        reserved1=values["reserved1"],
        vni=values["vni"],
        reserved2=values["reserved2"],
    )
    compare(VXLAN, values, layer, {"vni": "vni", "reserved2": "reserved2"})


def test_valid():
    assert VXLAN().valid()
    assert not VXLAN(i=0).valid()
    assert VXLAN(flags1=15, flags2=7, reserved1=1, reserved2=1).valid()


def test_announcements():
    assert repr(announcements(VXLAN, UDP)) == "[UDP.dst_port == 4789]"
    assert repr(announcements(Ethernet, VXLAN)) == "[VXLAN.i == 1]"
