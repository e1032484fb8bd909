"""The interpreter: operators, fates, faults, counters."""

from __future__ import annotations

import bdb

import pytest
from bench_of import run
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from wirebrick.errors import GraphError
from wirebrick.fields import U16, U64
from wirebrick.headers import TCP, UDP, VLAN, Ethernet, IPv4, IPv6
from wirebrick.packet.frame import W_FUEL_LEFT
from wirebrick.packet.memory import load64
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.plan import build_plan
from wirebrick.runtime.trace import Trace
from wirebrick.state.base import worker
from wirebrick.state.record import Record
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import build_chain, network_function
from wirebrick.stream.stream import Stream

TCP4 = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2", ttl=9) / ScapyTCP() / Raw(b"abc"))
UDP4 = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2", ttl=1) / ScapyUDP(dport=53) / Raw(b"abc"))
TCP6 = bytes(Ether() / ScapyIPv6(src="2001:db8::1", dst="2001:db8::2") / ScapyTCP())
JUNK = b"too short"


@network_function
def ttl(packets):
    def alive(packet):
        return packet.header.ttl > 1

    def age(packet):
        packet.header.ttl -= 1

    return packets.parse(Ethernet).parse(IPv4).filter(alive, reason="ttl_expired").transform(age)


def one(function, operator="transform", headers=(Ethernet, IPv4), rx=(TCP4,), **options):
    """Run one operator with a user function behind the parsed headers."""

    @network_function
    def nf(packets):
        for header in headers:
            packets = packets.parse(header)
        return getattr(packets, operator)(function)

    return run(nf, rx=list(rx), **options)


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


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda p: p.payload[9999], "fault_index"),
        (lambda p: 1 // (p.length - p.length), "fault_division"),
        (lambda p: 1 << -1 * p.length, "fault_value"),
        (lambda p: p.nothing, "fault_raise"),
        (lambda p: p[IPv6], "fault_raise"),
        (lambda p: setattr(p.header, "ttl", "7"), "fault_raise"),
        (lambda p: setattr(p, "egress", "nowhere"), "fault_raise"),
        (lambda p: p.payload.resize(10_000), "fault_room"),
        (lambda p: (p.drop("a"), p.length), "fault_raise"),
        (lambda p: (p.send("out"), p.send("out")), "fault_raise"),
        (lambda p: (p.drop("a"), 1 // 0), "fault_division"),
        (lambda p: [p.copy().drop("b") for _ in range(100)], "fault_room"),
    ],
)
def test_faults_cost_the_packet(body, reason):
    def function(packet):
        if packet.header.ttl > 1:
            body(packet)

    ran = one(function, rx=[UDP4, TCP4, UDP4])
    assert ran.out == [UDP4, UDP4]
    assert ran.counts[f"nf.fault.{reason}"] == 1


def test_reading_functions_can_not_write():
    def write(packet):
        packet.header.ttl = 5
        return True

    def send(packet):
        packet.send("out")

    def octets(packet):
        packet.payload[0] = 1
        return True

    for operator in ("map", "filter"):
        for function in (write, send, octets, lambda p: p.copy(), lambda p: setattr(p, "egress", "out")):
            assert one(function, operator).counts["nf.fault.fault_raise"] == 1


@pytest.mark.parametrize("quit_by", [KeyboardInterrupt, SystemExit, bdb.BdbQuit])
def test_what_ends_the_program_goes_through(quit_by):
    def function(packet):
        raise quit_by

    with pytest.raises(quit_by):
        one(function)


def test_send_drop_and_egress():
    def function(packet):
        if packet.header.protocol == 17:
            packet.send("other")
        elif packet.payload[0] == 0:
            packet.egress = "in"
        else:
            packet.drop("odd")

    ran = one(function, rx=[TCP4, UDP4, TCP4[:34] + b"\1" + TCP4[35:]])
    assert ran.packets == {"in": [TCP4], "other": [UDP4], "out": []}
    assert ran.counts == {"nf.in": 3, "nf.out": 1, "nf.sent": 1, "nf.drop.odd": 1, "chain.out": 2}


def test_copies():
    def function(packet):
        mirror = packet.copy()
        mirror[IPv4].ttl = 77
        mirror.send("other")
        packet.copy()
        packet.copy().drop("unused")
        packet.header.ttl = 3

    ran = one(function)
    assert ran.packets["other"][0][22] == 77
    assert ran.out[0][22] == 3
    assert ran.copies == 3
    assert ran.copied == 3 * len(TCP4)
    assert ran.counts["nf.drop.copy_lost"] == ran.counts["nf.drop.unused"] == ran.counts["nf.sent"] == 1


def test_a_sent_copy_stays_sent_when_the_packet_faults():
    def function(packet):
        packet.copy().send("other")
        packet.copy()
        packet.send("other")
        raise ValueError

    ran = one(function)
    assert ran.packets["other"] == [TCP4]
    assert ran.counts["nf.fault.fault_value"] == ran.counts["nf.drop.copy_lost"] == 1


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


def test_push_function_may_send_or_fault():
    @network_function
    def tag(packets):
        def fill(packet):
            if packet.header.ethertype == 0x0800:
                packet.send("other")
            else:
                raise RuntimeError

        return packets.parse(Ethernet).push(VLAN, fill)

    ran = run(tag, rx=[TCP4, TCP6])
    assert ran.packets["other"][0][12:14] == b"\x81\x00"
    assert ran.counts["tag.fault.fault_raise"] == 1


def test_no_headroom_is_a_fault():
    @network_function
    def many(packets):
        packets = packets.parse(Ethernet)
        for _ in range(65):
            packets = packets.push(VLAN)
        return packets

    assert run(many, rx=[TCP4]).counts["many.fault.fault_room"] == 1


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


def test_trace():
    trace = Trace()
    run(ttl, rx=[TCP4, UDP4, JUNK], observer=trace)
    steps = trace.of(0)
    assert [step.node.kind for step in steps] == [
        "input", "enter", "parse", "parse", "filter", "transform", "exit", "output",
    ]  # fmt: skip
    assert steps[5].changed(steps[4])[0] == (22, 9, 8)
    assert steps[-1].fate.detail == "out"
    assert (trace.of(1)[-1].fate.kind, trace.of(1)[-1].fate.detail) == ("drop", "ttl_expired")
    assert trace.of(2)[2].fate.detail == "bypass: truncated"


def test_trace_of_a_push():
    trace = Trace()

    @network_function
    def tag(packets):
        return packets.parse(Ethernet).push(VLAN)

    run(tag, rx=[TCP4], observer=trace)
    _, _, parsed, pushed, *_ = trace.of(0)
    assert all(old != new for _, old, new in pushed.changed(parsed))
    assert parsed.changed(parsed) == []


def test_a_port_that_is_not_there():
    @network_function
    def nf(packets):
        packets.send("nowhere")

    with pytest.raises(GraphError, match="nowhere"):
        run(nf, rx=[])


def test_plan_is_the_same_every_time():
    def keys():
        graph = build_chain([ttl, ttl])
        return build_plan(graph, ["in"], [0]).counters.keys

    assert keys() == keys()
    assert keys()[:3] == [("ttl", "in", ""), ("ttl", "sent", ""), ("ttl", "out", "")]
    assert keys()[3] == ("ttl", "drop", "ttl_expired")


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
