"""ARP."""

import pytest
from header_oracle import compare, random_values
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP as ScapyARP

from wirebrick.headers import ARP, golden


def test_golden():
    header = ARP(
        operation=2,
        sender_mac="02:00:00:00:00:01",
        sender_ip="192.0.2.1",
        target_mac="02:00:00:00:00:02",
        target_ip="192.0.2.2",
    )
    golden(header, bytes.fromhex("0001 0800 06 04 0002 020000000001 c0000201 020000000002 c0000202"))


@given(
    random_values(
        ARP,
        hardware_type=st.just(1),
        protocol_type=st.just(0x0800),
        hardware_length=st.just(6),
        protocol_length=st.just(4),
    )
)
def test_scapy(values):
    layer = ScapyARP(
        op=values["operation"],
        hwsrc=str(values["sender_mac"]),
        psrc=str(values["sender_ip"]),
        hwdst=str(values["target_mac"]),
        pdst=str(values["target_ip"]),
    )
    names = {
        "operation": "op",
        "sender_mac": "hwsrc",
        "sender_ip": "psrc",
        "target_mac": "hwdst",
        "target_ip": "pdst",
    }
    compare(ARP, values, layer, names)


@pytest.mark.parametrize(
    "wrong",
    [{"hardware_type": 6}, {"protocol_type": 0x86DD}, {"hardware_length": 8}, {"protocol_length": 16}],
)
def test_other_kinds_are_not_valid(wrong):
    assert ARP().valid()
    assert not ARP(**wrong).valid()
