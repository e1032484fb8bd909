"""push and pop: scapy builds what should come out."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import GRE as ScapyGRE
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.vxlan import VXLAN as ScapyVXLAN
from scapy.packet import Raw
from stacks import corrected, random_stack

from wirebrick.headers import GRE, MPLS, TCP, UDP, VLAN, VXLAN, Ethernet, IPv4, IPv6
from wirebrick.packet.alone import alone
from wirebrick.packet.encapsulate import pop, push
from wirebrick.packet.faults import Fault

MACS = {"dst": "02:00:00:00:00:01", "src": "02:00:00:00:00:02"}
INNER = IP(src="10.0.0.1", dst="10.0.0.2") / ScapyTCP(sport=1, dport=2) / Raw(b"abc")


def put(packet, header, **values):
    """Push a header and store field values as a user function would."""
    pushed = push(packet, header, True, frozenset())
    packet._begin(True, False, frozenset())
    for name, value in values.items():
        setattr(packet.header, name, header.fields[name].number(value))
    pushed.finish()
    packet._begin(True, True, frozenset())


def test_push_and_pop_vlan():
    made = bytes(Ether(**MACS) / INNER)
    packet = alone(made, Ethernet)
    put(packet, VLAN, vid=5, pcp=3)
    tagged = bytes(Ether(**MACS) / Dot1Q(vlan=5, prio=3) / INNER)
    assert bytes(packet) == tagged
    assert packet.length == len(tagged)
    put(packet, VLAN, vid=6)
    assert bytes(packet) == bytes(Ether(**MACS) / Dot1Q(vlan=5, prio=3) / Dot1Q(vlan=6) / INNER)
    pop(packet)
    assert bytes(packet) == tagged
    pop(packet)
    assert bytes(packet) == made
    assert [layer.header for layer in packet._layers] == [Ethernet]


def test_push_gre_with_its_ip():
    packet = alone(bytes(Ether(**MACS) / INNER), Ethernet)
    put(packet, IPv4, src="192.0.2.1", dst="192.0.2.2")
    put(packet, GRE)
    outer = Ether(**MACS) / IP(src="192.0.2.1", dst="192.0.2.2", id=0) / ScapyGRE()
    assert bytes(packet) == bytes(outer / INNER)


def test_push_vxlan_on_a_whole_frame():
    frame = bytes(Ether(dst="02:00:00:00:00:0a", src="02:00:00:00:00:0b") / INNER)
    packet = alone(frame)
    put(packet, Ethernet, **MACS, ethertype=0x0800)
    put(packet, IPv4, src="192.0.2.1", dst="192.0.2.2")
    put(packet, UDP, src_port=1234)
    put(packet, VXLAN, vni=77)
    outer = Ether(**MACS) / IP(src="192.0.2.1", dst="192.0.2.2", id=0)
    expected = outer / ScapyUDP(sport=1234) / ScapyVXLAN(vni=77, flags=8) / Ether(frame)
    assert bytes(packet).hex() == bytes(expected).hex()
    for _ in range(4):
        pop(packet)
    assert bytes(packet) == frame
    assert packet._descriptor.length == packet._descriptor.wire == len(frame)


def test_push_over_ipv6():
    packet = alone(bytes(Ether(**MACS) / INNER), Ethernet)
    put(packet, IPv6, src="2001:db8::1", dst="2001:db8::2")
    assert packet[Ethernet].ethertype == 0x86DD
    put(packet, GRE)
    outer = Ether(**MACS) / ScapyIPv6(src="2001:db8::1", dst="2001:db8::2") / ScapyGRE()
    assert bytes(packet) == bytes(outer / INNER)
    pop(packet)
    put(packet, UDP, src_port=9, dst_port=9)
    outer = Ether(**MACS) / ScapyIPv6(src="2001:db8::1", dst="2001:db8::2") / ScapyUDP(sport=9, dport=9)
    assert bytes(packet) == bytes(outer / Raw(bytes(INNER)))


def test_push_a_label_marks_the_one_before():
    made = bytes(Ether(**MACS, type=0x8847)) + bytes.fromhex("00010140") + bytes(INNER)
    packet = alone(made, Ethernet, MPLS)
    put(packet, MPLS, label=99)
    assert (packet[MPLS, 0].s, packet[MPLS].s, packet[MPLS].label) == (0, 1, 99)


def test_a_function_that_writes_outer_addresses():
    packet = alone(bytes(Ether() / IP(src="1.1.1.1", dst="2.2.2.2") / ScapyUDP(dport=9)), Ethernet, IPv4, UDP)
    pushed = push(packet, VXLAN, True, frozenset())
    packet._begin(True, False, frozenset())
    packet[IPv4].src = 0x01020304
    pushed.finish()
    assert corrected(packet, bytes(packet)) == bytes(packet)
    assert packet[UDP].dst_port == 4789


def test_padding_stays_behind():
    made = bytes(Ether(**MACS) / IP(src="10.0.0.1", dst="10.0.0.2") / ScapyUDP() / Raw(b"a"))
    packet = alone(made + bytes(17), Ethernet, IPv4, UDP)
    put(packet, VXLAN)
    assert packet[IPv4].total_length == 20 + 8 + 8 + 1
    assert packet[UDP].length == 17
    assert bytes(packet).endswith(b"a" + bytes(17))


def test_a_cut_packet_keeps_its_transport_checksum():
    made = bytes(Ether(**MACS) / IP(src="10.0.0.1", dst="10.0.0.2") / ScapyUDP() / Raw(bytes(100)))
    packet = alone(made[:60], Ethernet, IPv4, UDP, wire=len(made))
    before = packet.header.checksum
    put(packet, VXLAN)
    assert packet[UDP].checksum == before
    assert packet[UDP].length == 116
    assert packet.length == len(made) + 8
    header = bytes(packet)[14:34]
    assert header == corrected(alone(bytes(14) + header, Ethernet), bytes(14) + header)[14:]


def test_no_headroom():
    packet = alone(bytes(20), Ethernet)
    for _ in range(64):
        put(packet, VLAN)
    with pytest.raises(Fault, match="no room"):
        put(packet, VLAN)
    assert packet.length == 20 + 256


@pytest.mark.parametrize("seed", range(150))
def test_checksums_and_lengths_after_random_pushes_and_pops(seed):
    rng = random.Random(seed)
    made, headers = random_stack(rng)
    packet = alone(bytes(made), *headers)
    for _ in range(4):
        if rng.random() < 0.5 and packet._layers:
            pop(packet)
        else:
            last = packet._layers[-1].header if packet._layers else None
            choice = {Ethernet: VLAN, VLAN: VLAN, UDP: VXLAN, VXLAN: Ethernet, None: Ethernet}.get(last)
            choice = choice or {IPv4: UDP, IPv6: UDP, GRE: IPv4}.get(last)
            if choice is None:
                continue
            put(packet, choice)
        assert bytes(packet) == corrected(packet, bytes(packet))


@pytest.mark.parametrize("seed", range(60))
def test_pop_undoes_push(seed):
    made, headers = random_stack(random.Random(seed))
    data = bytes(made)
    last = headers.index(IPv4) if IPv4 in headers else 0
    if last == 0:
        return
    packet = alone(data, *headers[:last])
    put(packet, IPv4)
    pop(packet)
    assert bytes(packet) == data


def test_tcp_is_computed_in_full():
    made = Ether(**MACS) / IP(src="10.0.0.1", dst="10.0.0.2", proto=6) / Raw(b"hello")
    packet = alone(bytes(made), Ethernet, IPv4)
    put(packet, TCP, src_port=1, dst_port=2, seq=3, syn=1, window=100)
    tcp = ScapyTCP(sport=1, dport=2, seq=3, flags="S", window=100)
    assert bytes(packet) == bytes(Ether(**MACS) / IP(src="10.0.0.1", dst="10.0.0.2") / tcp / Raw(b"hello"))
