"""The interpreted packet: what user functions see of it, and copies."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP as ScapyICMP
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.inet6 import IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Raw

from wirebrick.addresses import IPv4Address, IPv6Address
from wirebrick.headers import TCP, UDP, VLAN, Ethernet, IPv4, IPv6
from wirebrick.packet.alone import alone
from wirebrick.packet.faults import Fault
from wirebrick.packet.frame import W_COPIED, W_COPIES, W_USED
from wirebrick.packet.memory import load64

V4 = IP(src="192.0.2.1", dst="192.0.2.2")
V6 = ScapyIPv6(src="2001:db8::1", dst="2001:db8::2")


@pytest.mark.parametrize("transport", [ScapyTCP, ScapyUDP, SCTP])
def test_flow(transport):
    for ip, header in ((V4, IPv4), (V6, IPv6), (V6 / IPv6ExtHdrHopByHop(), IPv6)):
        made = Ether() / ip / transport(sport=7, dport=50001)
        key = alone(bytes(made), Ethernet, header).flow()
        assert (key.src_port, key.dst_port) == (7, 50001)
        assert key.protocol == {ScapyTCP: 6, ScapyUDP: 17, SCTP: 132}[transport]
        assert key.version == (4 if header is IPv4 else 6)
    assert key.src == IPv6Address("2001:db8::1")


def test_flow_without_ports():
    icmp = alone(bytes(Ether() / V4 / ScapyICMP(id=9)), Ethernet, IPv4).flow()
    assert (icmp.protocol, icmp.src_port, icmp.src) == (1, 0, IPv4Address("192.0.2.1"))
    fragment = bytes(Ether() / IP(frag=3, proto=17) / Raw(bytes([9] * 8)))
    assert alone(fragment, Ethernet, IPv4).flow().src_port == 0
    six = bytes(Ether() / V6 / IPv6ExtHdrFragment(offset=3, nh=17) / Raw(bytes([9] * 8)))
    assert alone(six, Ethernet, IPv6).flow().src_port == 0
    short = bytes(Ether() / IP(proto=17) / Raw(b"abc")) + b"padding"
    assert alone(short, Ethernet, IPv4).flow().src_port == 0


def test_flow_is_of_the_innermost():
    made = bytes(Ether() / V6 / V4 / ScapyUDP(sport=5, dport=6))
    assert alone(made, Ethernet, IPv6, IPv4, UDP).flow().version == 4
    assert alone(made, Ethernet, IPv6).flow().protocol == 4
    with pytest.raises(TypeError):
        alone(made, Ethernet).flow()


def test_headers_by_class():
    made = bytes(12) + bytes.fromhex("8100 0001 8100 0002 8100 0003 0800")
    packet = alone(made, Ethernet, VLAN, VLAN, VLAN)
    assert (packet.header.vid, packet[VLAN].vid, packet[VLAN, 0].vid, packet[VLAN, 1].vid) == (3, 3, 1, 2)
    for which in (TCP, (VLAN, 3), (TCP, 0), (VLAN, -2)):
        with pytest.raises(TypeError):
            packet[which]


@pytest.mark.parametrize(
    ("data", "wire", "headers", "cause"),
    [
        (bytes(13), None, [Ethernet], "truncated"),
        (bytes(14), None, [Ethernet, IPv4], "absent"),
        (bytes(12) + b"\x08\x00" + bytes(19), None, [Ethernet, IPv4], "truncated"),
        (bytes(12) + b"\x08\x00\x65" + bytes(19), None, [Ethernet, IPv4], "malformed"),
        (bytes(12) + b"\x08\x00\x44" + bytes(19), None, [Ethernet, IPv4], "malformed"),
        (bytes(12) + b"\x08\x00\x46" + bytes(19), None, [Ethernet, IPv4], "truncated"),
        (bytes(12) + b"\x08\x00\x45\x00\x00\x15" + bytes(16), None, [Ethernet, IPv4], "malformed"),
        (bytes(12) + b"\x08\x00\x45\x00\x00\x15" + bytes(16), 35, [Ethernet, IPv4], None),
        (bytes(12) + b"\x86\xdd\x60\x00\x00\x00\x00\x00" + bytes(34), None, [Ethernet, IPv6], "truncated"),
        (b"", None, [Ethernet], "truncated"),
    ],
)
def test_parse_causes(data, wire, headers, cause):
    if cause is None:
        assert alone(data, *headers, wire=wire).header.total_length == 21
    else:
        with pytest.raises(ValueError, match=cause):
            alone(data, *headers, wire=wire)


def test_a_computed_length_past_the_end_is_truncated():
    six = bytes(12) + b"\x86\xdd" + bytes.fromhex("6000 0000 0000 0040") + bytes(32)
    with pytest.raises(ValueError, match="truncated"):
        alone(six, Ethernet, IPv6)


def test_a_copy_is_a_packet_of_its_own():
    made = bytes(Ether() / V4 / ScapyUDP(dport=9) / Raw(b"abcd"))
    packet = alone(made, Ethernet, IPv4, UDP)
    copy = packet.copy()
    copy[IPv4].ttl = 1
    copy.payload.delete(0, 2)
    assert bytes(packet) == made
    assert bytes(copy.payload) == b"cd"
    assert copy._descriptor.frame == 1
    context = packet._context
    assert (load64(context + W_USED), load64(context + W_COPIES)) == (2, 1)
    assert load64(context + W_COPIED) == len(made)
    with pytest.raises(Fault, match="no free frame"):
        packet.copy()


def test_a_packet_that_ended_is_gone():
    packet = alone(bytes(60), Ethernet)
    packet.send("out")
    for use in (
        lambda: packet.length,
        lambda: packet.header,
        lambda: packet[Ethernet],
        lambda: packet.payload,
        lambda: packet.send("out"),
        lambda: packet.drop("x"),
        lambda: packet.copy(),
        lambda: packet.egress,
        lambda: packet.timestamp,
        lambda: packet.ingress,
        lambda: packet.metadata,
        lambda: packet.flow(),
    ):
        with pytest.raises(Fault):
            use()


def test_ports_by_name():
    packet = alone(bytes(60))
    assert (packet.ingress, packet.egress) == ("in", None)
    packet.egress = "out"
    assert packet.egress == "out"
    with pytest.raises(TypeError, match="in, out"):
        packet.egress = "elsewhere"
    with pytest.raises(TypeError):
        packet.send("elsewhere")
    with pytest.raises(AttributeError):
        packet.colour = 3
