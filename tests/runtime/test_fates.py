"""Fates in the interpreter: sent, dropped, copied, faults; all accounted for."""

from __future__ import annotations

import bdb

import pytest
from bench_of import run
from nfs_and_frames import TCP4, TCP6, UDP4, one

from wirebrick.headers import VLAN, Ethernet, IPv4, IPv6
from wirebrick.stream.network_function import network_function


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
