"""Several queues and several workers: one queue each, one for two queues, two at one queue."""

from __future__ import annotations

import pytest
from xdp_wires import Running, eventually, frame, refusal, same, swapped, untouched


@pytest.mark.parametrize(("queues", "workers"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)])
def test_every_frame_arrives_once(wires, box, queues, workers):
    """More of them than a ring has places, so each place is used again, by workers in turn."""
    wire = wires(queues=queues)
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name},ring=64", workers=workers)
    got, sent = [], []
    for round in range(60):
        burst = [frame(number) for number in range(20 * round, 20 * (round + 1))]
        host.send(*burst)
        sent += burst
        got += host.receive(20, 1)
        if len(got) != len(sent):
            break
    result = running.stop()
    assert same(got, [swapped(one) for one in sent]), (len(got), len(sent), result.drops)
    assert result.packets_in == result.packets_out == len(sent)
    assert wire.counter("rx_packets") == len(sent)


def test_a_queue_of_its_own(wires, box):
    """What comes in by the other queue stays with the kernel."""
    wire = wires(queues=2)
    host = wire.socket()
    sent = [frame(number) for number in range(200)]
    got = {}
    for number in range(2):
        running = Running("macswap", box, rx=f"xdp:{wire.name}@{number}")
        host.send(*sent)
        got[number] = host.receive(seconds=0.3)
        result = running.stop()
        assert result.packets_in == result.packets_out == len(got[number])
    assert len(got[0]) + len(got[1]) == 200


def test_two_queues_and_a_worker_for_each(wires, box):
    left, right = wires(queues=2), wires(queues=2)
    running = Running(untouched, box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}", workers=2)
    sent = [frame(number) for number in range(300)]
    left.socket().send(*sent)
    assert eventually(lambda: right.counter("rx_packets") == 300)
    result = running.stop()
    assert result.packets_in == result.packets_out == 300


def test_fewer_queues_than_workers_on_one_side(wires, box):
    left, right = wires(queues=2), wires(queues=1)
    ends = left.socket(), right.socket()
    running = Running(
        untouched, box, rx=f"xdp:{left.name},ring=64", tx=f"xdp:{right.name},ring=64", workers=2
    )
    for round in range(10):
        there = [frame(number) for number in range(30 * round, 30 * (round + 1))]
        back = [frame(number, 200) for number in range(30 * round, 30 * (round + 1))]
        ends[0].send(*there)
        assert same(ends[1].receive(30), there)
        ends[1].send(*back)
        assert same(ends[0].receive(30), back)
    result = running.stop()
    assert result.packets_in == result.packets_out == 600


def test_queues_that_ethtool_adds(wires, box):
    wire = wires(queues=2)
    wire.on_box("ethtool", "-L", wire.name, "rx", 1, "tx", 1)
    assert "has 1 queue, from 0 on" in str(refusal("macswap", box, rx=f"xdp:{wire.name}@1"))
    wire.on_box("ethtool", "-L", wire.name, "rx", 2, "tx", 2)
    running = Running("macswap", box, rx=f"xdp:{wire.name}@1")
    running.stop()


def test_one_interface_at_two_queues_is_one_port(wires, box):
    wire = wires(queues=2)
    error = refusal(untouched, box, rx=f"xdp:{wire.name}@0", tx=f"xdp:{wire.name}@1")
    assert f"one run names {wire.name} once" in str(error)
