"""Worker events: compiled = interpreted, whatever the times and the bursts; faults; packets made; several workers."""

from __future__ import annotations

import json

import pytest
from events_nfs import BEACON, BEACON6, INSIDE, SECOND, busy, faulty, flood, left_by, shapes, udp
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

import wirebrick
from wirebrick import Array, Counter, Strict, after, every, network_function
from wirebrick.compiler.check import check_graph
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4
from wirebrick.stream.network_function import build_chain

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
steps = st.one_of(
    st.integers(0, SECOND // 3),
    st.integers(-3 * SECOND, 3 * SECOND),
    st.integers(0, 300 * SECOND),
    st.sampled_from([0, SECOND // 2, SECOND, 2 * SECOND]),
)


def at(moves, start=0):
    """Packets at times that the moves lead to."""
    time, packets = start, []
    for number, move in enumerate(moves):
        time = max(0, time + move)
        packets.append((time, udp(number % 7)))
    return packets


@settings(deadline=None, max_examples=25)
@given(st.lists(steps, max_size=60), st.integers(0, 1 << 61), st.sampled_from([1, 2, 64]))
def test_compiled_as_interpreted(moves, start, burst):
    packets = at(moves, start)
    compiled = left_by(busy, packets, interpret=False, burst=burst)
    assert compiled == left_by(busy, packets, interpret=True, burst=burst)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.integers(-SECOND, SECOND // 2), max_size=100), st.sampled_from([2, 16, 256]))
def test_bursts_make_no_difference(moves, burst):
    packets = at(moves)
    assert left_by(busy, packets, interpret=False, burst=burst) == left_by(busy, packets, interpret=False)


@settings(deadline=None, max_examples=8)
@given(st.lists(steps, max_size=20))
def test_shapes_compiled_as_interpreted(moves):
    packets = at(moves)
    assert left_by(shapes, packets, interpret=False) == left_by(shapes, packets, interpret=True)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.integers(0, 3 * SECOND), max_size=12))
def test_faults_compiled_as_interpreted(moves):
    packets = at(moves)
    assert left_by(faulty, packets, interpret=False) == left_by(faulty, packets, interpret=True)


@BOTH
def test_faults_are_counted_with_the_event_and_packets_stay_accounted_for(interpret):
    result = wirebrick.run(faulty, rx=at([0, *[SECOND] * 6]), interpret=interpret)
    events = {event.name: event for event in result.events}
    assert events["index"].reasons == {"fault_index": 6}
    assert events["division"].reasons == {"fault_division": 6}
    assert events["raising"].reasons == {"fault_raise": 3}
    assert events["endless"].fired == 0
    assert result.drops == {"faulty.made_lost": 6, "faulty.copy_lost": 6}
    assert result.packets_in == 7
    out = result.packets_in + result.packets_copied + result.packets_made - result.packets_dropped
    assert len(result.packets) == result.packets_out == out
    assert result.nfs[0].faults == 0  # of packets


@BOTH
def test_there_is_room_for_five_packets_for_each_of_a_burst(interpret):
    result = wirebrick.run(flood, rx=at([0, *[SECOND] * 6]), burst=4, interpret=interpret)
    assert result.events[0].reasons == {"fault_room": 1}
    assert result.packets_made == 20
    assert result.packets_out == 7 + 20


@BOTH
def test_an_endless_event_ends(interpret):
    result = wirebrick.run(faulty, rx=at([0, 7 * SECOND]), interpret=interpret)
    (endless,) = [event for event in result.events if event.name == "endless"]
    assert endless.reasons == {"fault_fuel": 1}


@BOTH
def test_a_jump_calls_the_last_64_and_counts_the_rest(interpret):
    left = left_by(busy, at([0, 1000 * SECOND, SECOND // 2]), interpret=interpret)
    tick = left[5][0]
    assert (tick["fired"], tick["overruns"], tick["late"]) == (64, 1000 - 64, 62)
    assert left[6][1] == 64


@BOTH
def test_packets_that_events_make(interpret):
    result = wirebrick.run(busy, rx=at([0, *[SECOND] * 3]), interpret=interpret)
    made = [packet for packet in result.packets if packet[-4:] != b"xxxx"]
    assert len(made) > 2
    for packet in made:
        again = Ether(packet)
        for layer in (IP, TCP, UDP):
            if layer in again:
                del again[layer].chksum
        assert bytes(again) == packet
    (six,) = [packet for packet in result.packets if packet[12:14] == b"\x86\xdd"]
    assert len(six) == len(BEACON6)
    assert six[-2:] == b"AB"


@BOTH
def test_made_packets_count_as_their_own_length(interpret):
    result = wirebrick.run(busy, rx=at([0, 10 * SECOND]), interpret=interpret)
    assert result.bytes_out == sum(len(packet) for packet in result.packets)


@network_function
def paced(packets):
    """Counts packets and ticks in each worker."""
    ticks, total = Counter("ticks"), Array(U64, 1, consistency=Strict())
    INSIDE[:] = [ticks, total]

    def tick():
        ticks.add(1)
        total[0] += 1

    every(0.25, tick)
    after(0.5, tick)
    return packets


@BOTH
def test_each_worker_has_its_clock(interpret):
    packets = at([SECOND // 10] * 200)
    result = wirebrick.run(paced, rx=packets, workers=2, interpret=interpret)
    ticks, total = INSIDE
    assert result.packets_out == 200
    assert ticks.value == total.total(0) == sum(event.fired for event in result.events)
    assert result.events[1].fired == 2


def test_no_packets_no_events():
    result = wirebrick.run(busy, rx=[])
    assert [event.fired for event in result.events] == [0, 0, 0, 0]


def test_events_of_two_uses_of_an_nf():
    result = wirebrick.run([busy(period=1.0), busy(period=0.5)], rx=at([0, 4 * SECOND]))
    assert [(event.nf, event.name, event.fired) for event in result.events if event.name == "tick"] == [
        ("busy", "tick", 4),
        ("busy#2", "tick", 8),
    ]


def test_one_function_may_be_several_events():
    @network_function
    def twice(packets):
        ticks = Counter("ticks")
        INSIDE[:] = [ticks]

        def tick():
            ticks.add(1)

        every(1.0, tick)
        every(2.0, tick)
        return packets

    for interpret in (True, False):
        result = wirebrick.run(twice, rx=at([0, 4 * SECOND]), interpret=interpret)
        assert [event.fired for event in result.events] == [4, 2]
        assert INSIDE[0].value == 6


def test_totals_are_in_the_json():
    result = wirebrick.run(busy, rx=at([0, SECOND]))
    tick = json.loads(json.dumps(result.to_dict()))["events"][0]
    assert tick == {
        "nf": "busy",
        "name": "tick",
        "on": "worker",
        "fired": 1,
        "late": 0,
        "overruns": 0,
        "faults": 0,
        "reasons": {},
    }


def test_footprint_has_what_events_do():
    @network_function
    def quiet(packets):
        sent = Counter("sent beacons")

        def beacon(event):
            packet = event.make(BEACON, Ethernet, IPv4)
            packet.header.ttl = 3
            packet.send("mirror")
            sent.add(1)

        every(1.0, beacon)
        return packets

    (found,) = check_graph(build_chain([quiet]), ["in", "out", "mirror"])
    assert found.operators == ["every(1 s, beacon)"]
    assert found.writes == ["IPv4.ttl", "sent beacons"]
    assert found.ports == ["mirror"]
    assert found.state == ["sent beacons"]
    assert (found.can_make, found.can_send, found.can_copy) == (True, True, False)
