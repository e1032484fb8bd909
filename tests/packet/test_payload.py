"""Payloads that grow and shrink."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from stacks import corrected, random_stack

from wirebrick.headers import TCP, UDP, Ethernet, IPv4, IPv6
from wirebrick.packet.alone import alone
from wirebrick.packet.faults import Fault


@pytest.mark.parametrize("transport", [(ScapyUDP, UDP), (ScapyTCP, TCP)])
@pytest.mark.parametrize("network", [(IP, IPv4), (ScapyIPv6, IPv6)])
@pytest.mark.parametrize("padding", [0, 5])
def test_edits_against_scapy(transport, network, padding):
    def build(data):
        return bytes(Ether() / network[0]() / transport[0](sport=5, dport=50000) / Raw(data))

    packet = alone(build(b"hello") + bytes(padding), Ethernet, network[1], transport[1])
    packet.payload.resize(8)
    assert bytes(packet) == build(b"hello\0\0\0")
    packet.payload.insert(1, 3)
    assert bytes(packet) == build(b"h\0\0\0ello\0\0\0")
    packet.payload.delete(0, 2)
    assert bytes(packet) == build(b"\0\0ello\0\0\0")
    packet.payload.put_u16(0, 0x4142)
    packet.payload.resize(3)
    assert bytes(packet) == build(b"ABe")
    packet.payload.resize(0)
    assert bytes(packet) == build(b"")
    packet.payload.insert(0, 1)
    packet.payload[0] = 0x7A
    assert bytes(packet) == build(b"z")


@pytest.mark.parametrize("seed", range(150))
def test_checksums_follow_in_any_stack(seed):
    rng = random.Random(seed)
    made, headers = random_stack(rng)
    packet = alone(bytes(made) + bytes(rng.choice((0, 3))), *headers)
    model = bytearray(bytes(packet.payload))
    for _ in range(3):
        at, size = rng.randrange(len(model) + 1), rng.randrange(9)
        if rng.random() < 0.5:
            packet.payload.insert(at, size)
            model[at:at] = bytes(size)
        else:
            size = min(size, len(model) - at)
            packet.payload.delete(at, size)
            del model[at : at + size]
        assert bytes(packet.payload) == bytes(model)
        assert corrected(packet, bytes(packet)) == bytes(packet)
    again = alone(bytes(packet), *headers)
    assert bytes(again.payload) == bytes(model)


@pytest.mark.parametrize(
    "edit",
    [
        lambda p: p.resize(-1),
        lambda p: p.insert(6, 1),
        lambda p: p.insert(-1, 1),
        lambda p: p.insert(0, -1),
        lambda p: p.delete(0, 6),
        lambda p: p.delete(6, 0),
        lambda p: p.delete(-1, 1),
        lambda p: p.put_u16(4, 1),
    ],
)
def test_ranges_outside(edit):
    packet = alone(bytes(14) + b"hello", Ethernet)
    with pytest.raises(IndexError):
        edit(packet.payload)
    assert bytes(packet) == bytes(14) + b"hello"


def test_a_slice_made_before_a_cut_can_not_be_stored_to():
    packet = alone(bytes(14) + b"hello", Ethernet)
    end = packet.payload[3:]
    packet.payload.resize(3)
    with pytest.raises(IndexError):
        end[1] = 7


def test_cut_packets_and_full_frames():
    packet = alone(bytes(34), Ethernet, wire=60)
    with pytest.raises(Fault, match="no room"):
        packet.payload.resize(1)
    packet = alone(bytes(34), Ethernet)
    with pytest.raises(Fault, match="no room"):
        packet.payload.resize(1 << 20)
    assert packet.length == 34


def test_surplus_behind_udp_goes_with_the_padding():
    made = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / ScapyUDP(len=10) / Raw(b"hisurplus")
    packet = alone(bytes(made), Ethernet, IPv4, UDP)
    assert bytes(packet.payload) == b"hi"
    packet.payload.insert(2, 1)
    assert (packet[UDP].length, packet[IPv4].total_length, packet.length) == (11, 31, 45)
    assert bytes(alone(bytes(packet), Ethernet, IPv4, UDP).payload) == b"hi\0"


def test_without_any_header():
    packet = alone(b"abc")
    packet.payload.insert(0, 1)
    packet.payload[0] = 0x5A
    assert bytes(packet) == b"Zabc"
