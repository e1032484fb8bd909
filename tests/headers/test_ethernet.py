"""Ethernet."""

from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import Ether

from wirebrick.headers import Ethernet, golden
from wirebrick.headers.header import may_follow


def test_golden():
    header = Ethernet(dst="02:00:00:00:00:02", src="0a:0b:0c:0d:0e:0f", ethertype=0x86DD)
    golden(header, bytes.fromhex("020000000002 0a0b0c0d0e0f 86dd"))
    assert str(header.src) == "0a:0b:0c:0d:0e:0f"


@given(random_values(Ethernet, ethertype=st.integers(0x0600, 0xFFFF)))  # below, scapy sees a length
def test_scapy(values):
    layer = Ether(dst=str(values["dst"]), src=str(values["src"]), type=values["ethertype"])
    compare(Ethernet, values, layer, {"dst": "dst", "src": "src", "ethertype": "type"})


def test_inside_tunnels_only_where_announced():
    assert may_follow(Ethernet, None)
    assert not may_follow(Ethernet, Ethernet)
