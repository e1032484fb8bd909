"""Frames that are exchanged: whatever worker and kernel do, none is lost, none is in two places, bytes stay."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdp_kernel import BURST, Kernel

from wirebrick.packet.memory import load64, store64
from wirebrick.ports.xdp.layout import S_QUEUES, T_GONE, T_NOT_SENT

FIRSTS = [0, (1 << 32) - 64, (1 << 32) - 192]
both = pytest.mark.parametrize("compiled", [False, True])

operations = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "forward", "forward", "send", "complete", "kick"]),
        st.integers(0, 40),
        st.randoms(use_true_random=False),
    ),
    max_size=60,
)


def packet(number: int, size: int = 60) -> bytes:
    return number.to_bytes(4, "big") + bytes(number + at & 0xFF for at in range(size - 4))


@settings(max_examples=60, deadline=None)
@given(operations, st.sampled_from(FIRSTS), st.integers(1, 3))
@both
def test_whatever_happens(compiled, steps, first, workers):
    with pytest.MonkeyPatch.context() as patch:
        kernel = Kernel(patch, first=first, workers=workers, compiled=compiled)
        coming: deque[bytes] = deque()
        tried: dict[int, list[bytes]] = {worker: [] for worker in range(workers)}
        number = received = spoilt = 0
        for what, count, chance in steps:
            worker = chance.randrange(workers)
            if what == "arrive":
                for _ in range(count):
                    one = packet(number, chance.choice([60, 61, 1514]))
                    if kernel.arrive(one):
                        coming.append(one)
                    number += 1
            elif what == "forward":
                room = max(1, min(count, BURST))
                got = kernel.get(worker, room)
                assert got == [coming.popleft() for _ in got]
                received += len(got)
                positions = [at for at in range(len(got)) if chance.random() < 0.9]
                chance.shuffle(positions)
                for at in positions:
                    if chance.random() < 0.1:
                        length, wire = chance.choice([(60, 61), (1515, 1515), (13, 13), (0, 0), (14, 9000)])
                        kernel.set_length(worker, at, length, wire)
                        spoilt += 1
                    else:
                        tried[worker].append(got[at])
                kernel.put(worker, positions)
            elif what == "send":
                kernel.send(worker, count)
            elif what == "complete":
                kernel.complete(count)
            else:
                kernel.kicked = lambda sink, count=count: (kernel.send(sink, count), kernel.complete(count))
            kernel.check()
        for worker in range(workers):
            for _ in range(4):
                kernel.send(worker, 64)
                kernel.complete(64)
                kernel.put(worker, [])
        kernel.check()
        left = kernel.queue.unsent
        dropped = kernel.dropped
        no_room = dropped.pop("no_room", 0)
        assert sum(dropped.values()) == spoilt
        all_tried = sum(map(len, tried.values()))
        assert len(kernel.wire) + left + no_room == all_tried
        if workers == 1:
            there = iter(tried[0])
            assert all(one in there for one in kernel.wire)  # in order


def full(kernel: Kernel) -> int:
    """Transmit until a burst finds no room at all; how many packets were tried."""
    tried = number = 0
    while kernel.dropped.get("no_room", 0) < BURST:
        for _ in range(BURST):
            assert kernel.arrive(packet(number))
            number += 1
        assert len(kernel.get(0)) == BURST
        kernel.put(0, list(range(BURST)))
        kernel.check()
        tried += BURST
    return tried


@both
@pytest.mark.parametrize("first", FIRSTS)
def test_a_full_ring_drops_and_counts_what_has_no_room(monkeypatch, compiled, first):
    kernel = Kernel(monkeypatch, first=first, compiled=compiled)
    tried = full(kernel)
    assert kernel.dropped == {"no_room": BURST}
    assert kernel.sinks[0].dropped["no_room"] == (BURST, 60 * BURST)
    assert tried == 64 + BURST
    assert kernel.kicks >= 64 // BURST + 1  # it asked the kernel before it dropped any
    kernel.send(0, 64)
    assert kernel.wire == [packet(number) for number in range(64)]
    kernel.complete(64)
    kernel.arrive(packet(7))
    kernel.get(0)
    kernel.put(0, [0])
    assert kernel.dropped == {"no_room": BURST}
    kernel.check()


@both
def test_the_kernel_is_asked_before_any_is_dropped(monkeypatch, compiled):
    kernel = Kernel(monkeypatch, compiled=compiled)
    for number in range(64 + 1):
        if number == 64:
            kernel.kicked = lambda sink: (kernel.send(sink, 64), kernel.complete(64))
        kernel.arrive(packet(number))
        kernel.get(0)
        kernel.put(0, [0])
    assert kernel.dropped == {}
    assert len(kernel.wire) >= 64


@both
def test_a_kick_makes_room(monkeypatch, compiled):
    kernel = Kernel(monkeypatch, compiled=compiled)
    kernel.kicked = lambda sink: (kernel.send(sink, 64), kernel.complete(64))
    for number in range(200):
        kernel.arrive(packet(number))
        kernel.get(0)
        kernel.put(0, [0])
    kernel.check()
    assert kernel.wire == [packet(number) for number in range(200)]
    assert kernel.dropped == {}


@both
def test_the_kernel_gets_no_more_than_it_can_give_back(monkeypatch, compiled):
    """It sends nothing while its ring of completions is full: several workers share that."""
    kernel = Kernel(monkeypatch, workers=3, compiled=compiled)
    for number in range(400):
        kernel.arrive(packet(number))
        kernel.get(0)
        kernel.put(0, [0])
        kernel.send(0, 1)
        kernel.complete(1)
        assert kernel.queue.unsent == 0
    assert len(kernel.wire) == 400


@both
def test_the_same_frame_never_leaves_twice(monkeypatch, compiled):
    """A packet that isn't transmitted leaves its frame at its position, to be filled again."""
    kernel = Kernel(monkeypatch, compiled=compiled)
    for number in range(300):
        assert kernel.arrive(packet(number))
        assert kernel.get(0) == [packet(number)]
        if number % 3 == 0:
            kernel.put(0, [0])
            kernel.send(0, 1)
            kernel.complete(1)
        kernel.check()
    assert kernel.wire == [packet(number) for number in range(0, 300, 3)]


@both
def test_lengths_that_cannot_leave(monkeypatch, compiled):
    kernel = Kernel(monkeypatch, compiled=compiled)
    for number in range(5):
        kernel.arrive(packet(number))
    kernel.get(0)
    for position, sizes in enumerate([(60, 61), (1515, 1515), (13, 13), (14, 14), (1514, 1514)]):
        kernel.set_length(0, position, *sizes)
    kernel.put(0, [0, 1, 2, 3, 4])
    kernel.send(0, 9)
    assert [len(one) for one in kernel.wire] == [14, 1514]
    assert {reason: found for reason, found in kernel.sinks[0].dropped.items() if found[0]} == {
        "cut_by_capture": (1, 61),
        "too_long": (1, 1515),
        "too_short": (1, 13),
    }


@both
@pytest.mark.parametrize("counter", [T_GONE, T_NOT_SENT])
def test_what_is_in_the_rings_when_they_close_is_counted(monkeypatch, compiled, counter):
    kernel = Kernel(monkeypatch, first=(1 << 32) - 64, compiled=compiled)
    for number in range(10):
        kernel.arrive(packet(number, 60 + number))
    kernel.get(0)
    kernel.put(0, list(range(10)))
    kernel.send(0, 4)
    kernel.queue.close(counter)
    reason = {T_GONE: "interface_gone", T_NOT_SENT: "not_sent"}[counter]
    assert kernel.sinks[0].dropped[reason] == (6, sum(60 + number for number in range(4, 10)))
    kernel.put(0, [1, 2])  # while it is gone
    assert kernel.sinks[0].dropped["interface_gone"][0] == 2 + 6 * (counter == T_GONE)
    assert load64(kernel.source.state + S_QUEUES) == 1


@both
def test_opened_again_with_all_its_frames(monkeypatch, compiled):
    """Wherever they were: in rings, at the kernel, sent and not given back."""
    kernel = Kernel(monkeypatch, compiled=compiled)
    for _ in range(5):
        for number in range(30):
            kernel.arrive(packet(number))
        kernel.get(0)
        kernel.put(0, list(range(BURST)))
        kernel.send(0, 9)
        kernel.complete(3)
        kernel.check()
        kernel.queue.close(T_GONE)
        kernel.source.gone()
        assert kernel.get(0) == []
        kernel.open()
        store64(kernel.source.state + S_QUEUES, 1)
        kernel.check()
    assert kernel.dropped == {"interface_gone": 5 * (BURST - 9)}


@both
def test_bursts_are_no_larger_than_asked_for(monkeypatch, compiled):
    kernel = Kernel(monkeypatch, compiled=compiled)
    assert kernel.get(0) == []
    for number in range(40):
        kernel.arrive(packet(number))
    assert [len(kernel.get(0, 16)) for _ in range(4)] == [16, 16, 8, 0]


def test_sinks_tell_what_waits(monkeypatch):
    kernel = Kernel(monkeypatch)
    sink = kernel.sinks[0]
    assert not sink.pending
    kernel.arrive(packet(1))
    kernel.get(0)
    kernel.put(0, [0])
    assert sink.pending
    sink.flush()
    assert kernel.sockets[0].sends == 1
    kernel.send(0, 1)
    assert not sink.pending
