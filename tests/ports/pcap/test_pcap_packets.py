"""Packets from and to Python lists."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wirebrick.errors import PortError
from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.packets import ListSink, ListSource

TIMES = st.integers(0, (1 << 32) * 10**9 - 1)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=300), st.tuples(TIMES, st.binary(max_size=300)))))
def test_round_trip(bench, packets):
    out: list[bytes] = []
    times: list[int] = []
    sink = ListSink(out, times, transmit=0)
    source = ListSource(packets, receive=0)
    bench.send(sink, bench.drain(source))
    sink.close()
    assert out == [packet if isinstance(packet, bytes) else packet[1] for packet in packets]
    assert times == [0 if isinstance(packet, bytes) else packet[0] for packet in packets]
    assert source.progress() == (len(packets), len(packets))
    assert source.frame_size == max(map(len, out), default=0)
    assert sink.bytes_copied == sum(map(len, out))


def test_more_than_a_buffer(bench):
    packets = [bytes([n]) * layout.MAX_CAPTURED for n in range(10)] + [b"small"] * 100_000
    out: list[bytes] = []
    sink = ListSink(out, transmit=0)
    bench.send(sink, bench.drain(ListSource(packets, receive=0)))
    sink.flush()
    assert out == packets


def test_generator(bench):
    taken = 0

    def packets():
        nonlocal taken
        for _ in range(1_000_000):
            taken += 1
            yield bytes(1500)

    source = ListSource(packets(), receive=0)
    assert taken == 0
    assert source.frame_size == 65535
    assert source.progress() is None
    assert source.refill()
    assert taken < 1000
    source.close()


@pytest.mark.parametrize(
    ("packets", "text"),
    [
        ([b"good", "bad"], "packet 1 is a str, not bytes"),
        ([None], "packet 0 is a NoneType, not bytes"),
        ([(1, 2, 3)], "packet 0 is a tuple, not bytes"),
        ([(0, None)], "packet 0 is a NoneType, not bytes"),
        ([(-1, b"p")], "packet 0 has the time -1"),
        ([("now", b"p")], "packet 0 has the time 'now'"),
        ([(1.5, b"p")], "packet 0 has the time 1.5"),
        ([((1 << 32) * 10**9, b"p")], "packet 0 has the time 4294967296000000000"),
        ([bytes(262145)], "packet 0 has 262145 bytes, more than 262144"),
        (iter([bytes(65536)]), "packet 0 has 65536 bytes, more than 65535"),
    ],
)
def test_no_packets(packets, text):
    source = ListSource(packets, receive=0)
    with pytest.raises(PortError) as caught:
        source.refill()
    assert caught.value.message == text
    assert caught.value.cure
