"""The interpreter: its operators, against scapy where bytes change."""

from __future__ import annotations

from bench_of import run
from nfs_and_frames import JUNK, TCP4, TCP6, UDP4, one, ttl
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from wirebrick.fields import U16, U64
from wirebrick.headers import TCP, UDP, VLAN, Ethernet, IPv4, IPv6
from wirebrick.packet.frame import W_FUEL_LEFT
from wirebrick.packet.memory import load64
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.plan import build_plan
from wirebrick.state.base import worker
from wirebrick.state.record import Record
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import build_chain, network_function
from wirebrick.stream.stream import Stream


def test_ttl():
    ran = run(ttl, rx=[TCP4, UDP4, JUNK, TCP6])
    aged = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2", ttl=8) / ScapyTCP() / Raw(b"abc"))
    assert ran.out == [aged, JUNK, TCP6]
    assert ran.counts == {"ttl.in": 4, "ttl.drop.ttl_expired": 1, "ttl.out": 3, "chain.out": 3}


def test_a_chain_parses_anew():
    ran = run(ttl, ttl, ttl, rx=[TCP4])
    assert ran.out[0][22] == 6
    assert ran.counts["ttl#3.out"] == 1


def test_parse_drop_and_stream():
    @network_function
    def nf(packets):
        rest = Stream()
        four = packets.parse(Ethernet, otherwise="drop").parse(IPv4, otherwise=rest)
        six = rest.parse(IPv6, otherwise="drop")
        four.send("other")
        return six

    wrong = bytes(12) + b"\x86\xdd" + bytes(6) + bytes([59]) + bytes(43)
    ran = run(nf, rx=[TCP4, TCP6, JUNK, bytes(14), wrong])
    assert ran.packets["other"] == [TCP4]
    assert ran.out == [TCP6]
    assert ran.counts["nf.drop.ethernet_truncated"] == 1
    assert ran.counts["nf.drop.ipv6_absent"] == 1
    assert ran.counts["nf.drop.ipv6_malformed"] == 1
    assert ran.counts["nf.sent"] == 1


def test_group_by():
    @network_function
    def nf(packets):
        first, second = packets.group_by(2, lambda packet: packet.length - 14)
        second.drop("second")
        return first

    ran = run(nf, rx=[bytes(14), bytes(15), bytes(16), bytes(13)])
    assert ran.out == [bytes(14)]
    assert ran.counts["nf.drop.second"] == 1
    assert ran.counts["nf.fault.fault_index"] == 2


class Size(Record):
    bytes_: U16
    stamp: U64


def test_metadata_lives_inside_one_nf():
    @network_function
    def attach(packets):
        def measure(packet):
            return Size(bytes_=packet.length, stamp=packet.timestamp)

        def change(packet):
            packet.metadata.bytes_ += 1

        def fits(packet):
            return packet.metadata.bytes_ == 15 and packet.metadata.stamp == 1_000_000_000

        return packets.metadata(Size, measure).transform(change).filter(fits)

    @network_function
    def gone(packets):
        return packets.map(lambda packet: packet.metadata)

    assert run(attach, rx=[bytes(14)]).out == [bytes(14)]
    assert run(attach, gone, rx=[bytes(14)]).counts["gone.fault.fault_raise"] == 1


def test_metadata_faults():
    @network_function
    def wrong(packets):
        return packets.metadata(Size, lambda packet: 5)

    @network_function
    def writes(packets):
        def sneak(packet):
            packet.metadata.bytes_ = 9
            return True

        return packets.metadata(Size, lambda packet: Size()).filter(sneak)

    assert run(wrong, rx=[TCP4]).counts["wrong.fault.fault_raise"] == 1
    assert run(writes, rx=[TCP4]).counts["writes.fault.fault_raise"] == 1


def test_merge_and_deparse():
    tagged = bytes(Ether() / Dot1Q(vlan=3) / IP(src="10.0.0.1", ttl=9) / ScapyUDP())

    @network_function
    def nf(packets):
        tags = Stream()
        plain = packets.parse(Ethernet).parse(IPv4, otherwise=tags)
        both = merge(plain, tags.parse(VLAN).parse(IPv4))

        def change(packet):
            packet.header.ttl = 2
            packet[Ethernet].dst = 5

        def back(packet):
            packet.header.src = 7

        return both.transform(change).deparse().transform(back)

    ran = run(nf, rx=[TCP4, tagged])
    for before, after, at in zip([TCP4, tagged], ran.out, (22, 26), strict=True):
        assert after[at] == 2
        assert after[:12] == bytes([0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 7])
        again = Ether(before)
        again[IP].ttl = 2
        del again[IP].chksum
        assert after[12:] == bytes(again)[12:]


def test_push_and_pop():
    @network_function
    def tag(packets, *, vid=5):
        def fill(packet):
            packet.header.vid = vid

        return packets.parse(Ethernet).push(VLAN, fill)

    @network_function
    def untag(packets):
        return packets.parse(Ethernet).parse(VLAN).pop()

    ran = run(tag, rx=[TCP4, JUNK])
    assert ran.out == [TCP4[:12] + bytes.fromhex("81000005") + TCP4[12:], JUNK]
    assert run(tag, untag, rx=[TCP4]).out == [TCP4]


def test_own_checksums_and_prepare():
    def store(packet):
        packet.header.ttl = 1
        packet.header.checksum = 0xBEEF

    @network_function
    def nf(packets):
        return packets.parse(Ethernet).parse(IPv4).transform(store)

    graph = build_chain([nf])
    node = next(node for node in graph.nodes if node.kind == "transform")
    seen = []

    def prepare(function):
        seen.append(function)
        return function

    own = {node: frozenset({IPv4})}
    Interpreter(graph, build_plan(graph, ["in"], [0]), prepare=prepare, own_checksums=own)
    assert seen == [store]
    assert one(store).out[0][24:26] == b"\xbe\xef"


def test_time_and_fuel():
    times, fuels = [], []

    def look(packet):
        times.append(worker.now)
        fuels.append(load64(packet._context + W_FUEL_LEFT))

    one(look, rx=[TCP4, TCP4], time=50, fuel=123)
    assert times == [50, 51]
    assert fuels == [123, 123]


def test_nested_functions_and_several_headers():
    @network_function
    def outer(packets):
        first, second = packets.group_by(2, lambda packet: packet.length & 1)
        return merge(ttl(first), ttl(second))

    ran = run(outer, rx=[TCP4, TCP4 + b"x"])
    assert [data[22] for data in ran.out] == [8, 8]
    assert ran.counts["outer.out"] == 2
    assert ran.counts["ttl.out"] == ran.counts["ttl#2.out"] == 1


def test_transport_behind_ip():
    def swap(packet):
        packet[IPv4].src, packet[IPv4].dst = packet[IPv4].dst, packet[IPv4].src
        packet.header.dst_port = 80

    ran = one(swap, headers=(Ethernet, IPv4, UDP), rx=[UDP4])
    expected = Ether() / IP(src="10.0.0.2", dst="10.0.0.1", ttl=1) / ScapyUDP(dport=80) / Raw(b"abc")
    assert ran.out == [bytes(expected)]
    assert one(lambda p: None, headers=(Ethernet, IPv4, TCP), rx=[UDP4]).out == [UDP4]
