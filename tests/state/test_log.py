"""Log: every record arrives once and in order, from several workers; what a full ring does, live and not."""

from __future__ import annotations

import threading

import pytest

import wirebrick
from wirebrick.errors import GraphError
from wirebrick.fields import U16, U64, IPv6Address
from wirebrick.headers import Ethernet, IPv4
from wirebrick.runtime.opening import Opened
from wirebrick.state.log import Log

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


class Seen(wirebrick.Record):
    number: U64
    address: IPv6Address
    port: U16


def noted(function, capacity=1 << 16, made=None):
    """An NF that logs a number for each packet."""

    @wirebrick.network_function
    def noted(packets):
        numbers = wirebrick.Array(U64, 1)
        log = Log(Seen, function, capacity=capacity)
        if made is not None:
            made.append(log)

        def note(packet):
            log.add(Seen(number=numbers[0], address=packet.header.src, port=7))
            numbers[0] += 1

        return packets.parse(Ethernet).parse(IPv4).map(note)

    return noted


@BOTH
def test_what_a_record_holds_arrives(interpret):
    rows = []
    wirebrick.run(
        noted(lambda new: rows.extend(new.tolist())), rx="memory:count=3,flows=1", interpret=interpret
    )
    assert [(number, port) for number, _, port in rows] == [(0, 7), (1, 7), (2, 7)]
    assert {high for _, (high, _), _ in rows} == {0}
    assert all(low >> 24 for _, (_, low), _ in rows)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_ring_of_a_capture_waits(workers):
    """Far more than there is room for: nothing is lost, each worker's are in order."""
    parts, made, stop = [], [], threading.Event()
    nf = noted(lambda new: parts.append(new["number"].tolist()), capacity=64, made=made)

    def hurry():  # the test would take long otherwise
        while not stop.wait(0.0005):
            for log in made:
                log.give()

    thread = threading.Thread(target=hurry)
    thread.start()
    try:
        result = wirebrick.run(nf, rx="memory:count=20000,flows=100", workers=workers)
    finally:
        stop.set()
        thread.join()
    numbers = [number for part in parts for number in part]
    assert result.packets_out == len(numbers) == 20000
    assert made[0].lost == 0
    most = max(numbers) + 1  # each worker counts from 0
    assert sorted(numbers) == sorted([*range(most), *range(20000 - most)])
    if workers == 1:
        assert numbers == sorted(numbers)


@BOTH
def test_a_full_ring_loses_where_packets_come_by_themselves(interpret, monkeypatch):
    monkeypatch.setattr(Opened, "live", True)
    numbers, made = [], []
    nf = noted(lambda new: numbers.extend(new["number"].tolist()), capacity=16, made=made)
    result = wirebrick.run(nf, rx="memory:count=2000,flows=1", interpret=interpret)
    assert result.packets_out == 2000
    assert made[0].lost > 0
    assert len(numbers) + made[0].lost == 2000
    assert numbers[:16] == list(range(16))


def test_what_the_function_raises_at_the_end_ends_the_run():
    def fails(rows):
        raise ValueError("no disk")

    with pytest.raises(ValueError, match="no disk"):
        wirebrick.run(noted(fails), rx="memory:count=3")


def test_logs_belong_to_network_functions():
    with pytest.raises(GraphError, match="must belong to a network function"):
        Log(Seen, print)

    @wirebrick.network_function
    def bad(packets):
        Log(Seen, print, capacity=0)
        return packets

    with pytest.raises(GraphError, match=r"capacity of a Log\(Seen\) can't be 0"):
        wirebrick.run(bad, rx=[bytes(60)])
