"""Chains that make packets longer and shorter, copy them, make new ones and hand them on: in exchanged frames."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN as Vxlan
from xdp_wires import Running, frame, same

from wirebrick import IPv4Address, Stream, network_function
from wirebrick.headers import TCP as Tcp
from wirebrick.headers import UDP, VXLAN, Ethernet, IPv4

WAYS = pytest.mark.parametrize("options", [{}, {"interpret": True}, {"workers": 2}, {"filter": "udp or tcp"}])


@network_function
def tunnel(packets: Stream) -> Stream:
    def outer(packet):
        packet.header.src = IPv4Address("198.51.100.1")
        packet.header.dst = IPv4Address("198.51.100.2")

    def network(packet):
        packet.header.vni = 7

    return packets.push(Ethernet).push(IPv4, outer).push(UDP).push(VXLAN, network)


@network_function
def unpack(packets: Stream) -> Stream:
    return packets.parse(Ethernet).parse(IPv4).parse(UDP).parse(VXLAN).pop().pop().pop().pop()


@network_function
def mirror(packets: Stream) -> Stream:
    def double(packet):
        other = packet.copy()
        other.send("copies")

    return packets.transform(double)


@network_function
def upper(packets: Stream) -> Stream:
    def louder(window):
        window.emit(window.data)
        window.emit(b"!")

    stream = packets.parse(Ethernet).parse(IPv4).parse(Tcp).window(None, None, 10.0, louder, forward=False)
    return stream.packetize((Ethernet, IPv4, Tcp))


def both_ways(left, right, sent, expected, back):
    """Send some at a time, so that frames go round and round."""
    ends = left.socket(), right.socket()
    for at in range(0, len(sent), 20):
        ends[0].send(*sent[at : at + 20])
        got = ends[1].receive(len(expected(sent[at : at + 20])), 2)
        assert same(got, expected(sent[at : at + 20]))
        if back:
            ends[1].send(*got)
            assert same(ends[0].receive(len(got), 2), back(got))


@WAYS
def test_longer_and_shorter_again(wires, box, options):
    left, right = wires(), wires()
    running = Running(
        [tunnel, unpack], box, rx=f"xdp:{left.name},ring=64", tx=f"xdp:{right.name},ring=64", **options
    )
    sent = [frame(number, 60 + number) for number in range(160)]
    both_ways(left, right, sent, list, list)
    result = running.stop()
    assert result.packets_in == result.packets_out == 320


@WAYS
def test_longer(wires, box, options):
    left, right = wires(), wires()
    running = Running(tunnel, box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}", **options)
    host, there = left.socket(), right.socket()
    sent = [frame(number, 60 + number) for number in range(100)]
    host.send(*sent)
    got = there.receive(100)
    assert same([bytes(Ether(one)[Vxlan].payload) for one in got], sent)
    assert running.stop().packets_out == 100


@WAYS
def test_copies(wires, box, options):
    left, right, third = wires(), wires(), wires()
    running = Running(
        mirror,
        box,
        rx=f"xdp:{left.name},ring=64",
        tx=f"xdp:{right.name},ring=64",
        ports={"copies": f"xdp:{third.name},ring=64"},
        **options,
    )
    host, there, copies = left.socket(), right.socket(), third.socket()
    for number in range(0, 200, 20):
        sent = [frame(number + at, 100 + at) for at in range(20)]
        host.send(*sent)
        assert same(there.receive(20), sent)
        assert same(copies.receive(20), sent)
    result = running.stop()
    assert result.packets_in == result.packets_copied == 200
    assert result.packets_out == 400


@pytest.mark.parametrize("options", [{}, {"workers": 2}])
def test_packets_that_are_made(wires, box, options):
    """A window's bytes become packets in frames of the worker's own."""
    left, right = wires(), wires()
    running = Running(upper, box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}", **options)
    host, there = left.socket(), right.socket()
    macs = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b")
    flows = [
        macs / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1000 + flow, dport=80, seq=100)
        for flow in range(8)
    ]
    for flow in flows:
        flow[TCP].flags, flow[TCP].seq = "S", 99
        host.send(bytes(flow))
    assert len(there.receive(8)) == 8
    for number in range(12):
        for flow in flows:
            flow[TCP].flags, flow[TCP].seq = "A", 100 + 10 * number
            host.send(bytes(flow / (b"%010d" % number)))
    got = [Ether(one) for one in there.receive(seconds=0.5)]
    result = running.stop()
    text = b"".join(
        bytes(one[TCP].payload) for one in sorted(got, key=lambda one: one[TCP].seq) if one[TCP].sport == 1003
    )
    assert text.replace(b"!", b"") == b"".join(b"%010d" % number for number in range(12))
    assert b"!" in text
    assert result.packets_in + result.packets_made + result.packets_copied == (
        result.packets_out + result.packets_dropped + result.packets_held
    )
