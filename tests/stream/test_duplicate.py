"""duplicate: copies follow their packets, once each, by the same way; filters that send what they refuse elsewhere."""

from __future__ import annotations

import pytest

import wirebrick
from wirebrick import Record, Stream, merge, network_function
from wirebrick.fields import U16
from wirebrick.headers import Ethernet, IPv4

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def frame(number, ttl=9):
    return bytes(Ethernet(ethertype=0x0800)) + bytes(IPv4(identification=number, ttl=ttl)) + bytes(30)


def identifications(result):
    return [int.from_bytes(packet[18:20], "big") for packet in result.packets]


@BOTH
@pytest.mark.parametrize("burst", [1, 64])
def test_copies_follow_with_headers_and_metadata(interpret, burst):
    class Note(Record):
        number: U16

    @network_function
    def twice(packets):
        def note(packet):
            return Note(number=packet.header.identification * 2)

        def write(packet):
            packet.header.identification = packet.metadata.number

        ip = packets.parse(Ethernet).parse(IPv4).metadata(Note, note)
        return ip.duplicate(lambda packet: packet.header.identification % 3 == 0).transform(write)

    result = wirebrick.run(twice, rx=[frame(n) for n in range(7)], interpret=interpret, burst=burst)
    assert identifications(result) == [0, 0, 2, 4, 6, 6, 8, 10, 12, 12]
    assert result.packets_copied == 3
    assert [(nf.packets_in, nf.packets_out) for nf in result.nfs] == [(7, 10)]


@BOTH
def test_two_in_a_row_make_four(interpret):
    @network_function
    def four(packets):
        return packets.duplicate(lambda packet: True).duplicate(lambda packet: packet.length > 60)

    @network_function
    def behind(packets):
        return packets.transform(lambda packet: None)

    result = wirebrick.run([four, behind], rx=[bytes(60), bytes(61)] * 20, interpret=interpret)
    assert [len(packet) for packet in result.packets] == [60, 60, 61, 61, 61, 61] * 20
    assert result.nfs[1].packets_in == 120


@BOTH
def test_copies_are_held_by_themselves(interpret):
    @network_function
    def later(packets):
        return packets.duplicate(lambda packet: packet.length == 60).hold(
            lambda packet: packet.timestamp + packet.length
        )

    result = wirebrick.run(later, rx=[(n, bytes(60 + n)) for n in range(100)], interpret=interpret, burst=16)
    assert [len(packet) for packet in result.packets] == [60, 60, *range(61, 160)]


@BOTH
def test_a_fault_costs_the_packet(interpret):
    @network_function
    def divides(packets):
        return packets.duplicate(lambda packet: 100 // (packet.length - 60) > 0)

    result = wirebrick.run(divides, rx=[bytes(60), bytes(61)], interpret=interpret)
    assert result.packets_out == 2
    assert result.drops == {"divides.fault_division": 1}


@BOTH
@pytest.mark.parametrize(
    "wanted", [lambda packet: packet.header.ttl > 5, "ip[8] > 5"], ids=["function", "expression"]
)
def test_what_a_filter_refuses_goes_elsewhere(interpret, wanted):
    @network_function
    def apart(packets):
        rest = Stream()

        def mark(packet):
            packet.header.identification = 100

        kept = packets.parse(Ethernet).parse(IPv4).filter(wanted, otherwise=rest)
        return merge(kept, rest.transform(mark))

    result = wirebrick.run(apart, rx=[frame(1, 9), frame(2, 3), frame(3, 9)], interpret=interpret)
    assert identifications(result) == [1, 100, 3]
    assert result.drops == {}
