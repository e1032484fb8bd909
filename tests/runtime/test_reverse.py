"""Chains that some packets pass in reverse: each NF stands in the graph twice, with one state and one count."""

from __future__ import annotations

from collections import Counter

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap

import wirebrick
from wirebrick import Array, FlowKey, IPv4Address, Record, Stream, Table, at_end, every, network_function
from wirebrick.errors import GraphError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4
from wirebrick.nf.external import external
from wirebrick.nf.firewall import firewall
from wirebrick.nf.monitor import monitor
from wirebrick.stream.draw import draw
from wirebrick.stream.network_function import build_chain

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def stamp(name: str, digit: int):
    """An NF that writes its digit behind those before it, into the IP identification."""

    def work(packets):
        def write(packet):
            packet.header.identification = packet.header.identification * 10 + digit

        return packets.parse(Ethernet).parse(IPv4).transform(write)

    work.__name__ = name
    return network_function(work)


def frame(sport: int = 1, src: str = "10.0.0.1", dst: str = "192.0.2.9", dport: int = 2) -> bytes:
    return bytes(Ether() / IP(src=src, dst=dst, id=0) / UDP(sport=sport, dport=dport) / b"payload")


def both(chain, tmp_path, outgoing: list[bytes], incoming: list[bytes], interpret: bool, **options):
    """Run captures from two sides through a chain; the result, what left outside, what left inside."""
    for name, frames in (("in", outgoing), ("out", incoming)):
        wrpcap(str(tmp_path / f"{name}.pcap"), [Ether(one) for one in frames])
    ports = [f"pcap:{tmp_path / name}.pcap,{tmp_path / name}.sent.pcap" for name in ("in", "out")]
    result = wirebrick.run(chain, ports[0], ports[1], reverse="out", interpret=interpret, **options)
    inside, outside = (rdpcap(str(tmp_path / f"{name}.sent.pcap")) for name in ("in", "out"))
    return result, outside, inside


@BOTH
def test_the_order_is_the_other_way_round(interpret, tmp_path) -> None:
    chain = [stamp("one", 1), stamp("two", 2), stamp("three", 3)]
    result, outside, inside = both(chain, tmp_path, [frame()] * 3, [frame()] * 2, interpret)
    assert [packet[IP].id for packet in outside] == [123] * 3
    assert [packet[IP].id for packet in inside] == [321] * 2
    assert [(nf.name, nf.packets_in, nf.packets_out) for nf in result.nfs] == [
        ("one", 5, 5),
        ("two", 5, 5),
        ("three", 5, 5),
    ]


class Seen(Record):
    packets: U64


@BOTH
@pytest.mark.parametrize("workers", [1, 2])
def test_state_is_one_and_everything_is_registered_once(interpret, workers, tmp_path) -> None:
    if interpret and workers == 2:
        pytest.skip("once is enough")
    ends, flows = [], []

    @network_function
    def counting(packets: Stream) -> Stream:
        table = Table(FlowKey, Seen, capacity=100)
        ticks = Array(U64, 1)
        flows.append(table)

        def tick() -> None:
            ticks[0] += 1

        def count(packet) -> None:
            table[packet.flow()].packets += 1

        every(1.0, tick)
        at_end(lambda: ends.append(ticks.total(0)))
        return packets.parse(Ethernet).parse(IPv4).map(count)

    @network_function
    def within(packets: Stream) -> Stream:
        return counting(packets)

    frames = [frame(sport=port) for port in (1, 1, 2)]
    result, _, _ = both([within, stamp("one", 1)], tmp_path, frames, frames[:2], interpret, workers=workers)
    assert flows[0] is flows[1]
    assert sorted(seen.packets for _, seen in flows[0].items()) == [1, 4]
    assert len(ends) == len(result.events) == 1
    assert [nf.name for nf in result.nfs] == ["within", "counting", "one"]
    assert {nf.packets_in for nf in result.nfs} == {5}


@BOTH
def test_drops_and_bypasses_are_counted_together(interpret, tmp_path) -> None:
    @network_function
    def short(packets: Stream) -> Stream:
        return packets.parse(Ethernet).parse(IPv4).filter(lambda packet: packet.header.ttl > 1, reason="old")

    old = bytes(Ether() / IP(ttl=1) / UDP())
    other = bytes(Ether(type=0x1234) / (b"x" * 50))
    frames = [frame(), old, other]
    result, outside, inside = both([short, stamp("one", 1)], tmp_path, frames, frames * 2, interpret)
    assert result.drops == {"short.old": 3}
    assert (len(outside), len(inside)) == (2, 4)
    assert [(nf.packets_in, nf.packets_out, nf.packets_dropped) for nf in result.nfs] == [
        (9, 6, 3),
        (8, 8, 0),  # it comes first for what comes back
    ]


@network_function
def static(packets: Stream) -> Stream:
    """10.0.0.1 is 203.0.113.1 outside."""
    here, there = IPv4Address("10.0.0.1"), IPv4Address("203.0.113.1")

    def translate(packet) -> None:
        ip = packet.header
        if ip.src == here:
            ip.src = there
        if ip.dst == there:
            ip.dst = here

    return packets.parse(Ethernet).parse(IPv4).transform(translate)


def test_a_firewall_with_connections_in_front_of_a_nat(tmp_path) -> None:
    """The firewall sees inside addresses in both directions: answers belong to connections."""
    rules = tmp_path / "acl"
    rules.write_text("allow udp from 10.0.0.0/8 to any\n")
    chain = [monitor(top=9), firewall(rules=rules, stateful=True), static]
    answer = frame(src="192.0.2.9", dst="203.0.113.1", sport=2, dport=5000)
    stranger = frame(src="192.0.2.66", dst="203.0.113.1", sport=2, dport=5000)
    result, outside, inside = both(chain, tmp_path, [frame(sport=5000)], [answer, stranger], False)
    assert [packet[IP].src for packet in outside] == ["203.0.113.1"]
    assert [packet[IP].dst for packet in inside] == ["10.0.0.1"]
    assert result.drops == {"firewall.default_denied": 1}
    flows = Counter((row[0], row[1]) for row in result.reports[0][1].rows)
    assert flows == {("10.0.0.1", "192.0.2.9"): 1, ("192.0.2.9", "10.0.0.1"): 1}


def test_the_drawing_shows_both_ways() -> None:
    text = draw(build_chain([stamp("one", 1), stamp("two", 2)], reverse="out"), "mermaid")
    assert text.count("transform") == 4


def test_what_can_t_be() -> None:
    with pytest.raises(GraphError, match="no packets can come in by 'outside'"):
        wirebrick.run(stamp("one", 1), rx=[frame()], reverse="outside")
    with pytest.raises(GraphError, match="the hop external can't be in a chain"):
        build_chain([external(inside="a", outside="b")], reverse="out")
    turns = []

    @network_function
    def fickle(packets: Stream) -> Stream:
        turns.append(1)
        if len(turns) == 1:
            Array(U64, 3)
        else:
            Table(FlowKey, Seen, capacity=3)
        return packets

    with pytest.raises(GraphError, match="fickle is not built twice alike"):
        build_chain([fickle], reverse="out")
