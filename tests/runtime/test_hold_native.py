"""Queues of holds: what comes out is what went in, in order of time, and no frame is ever in two places."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick.packet.frame import (
    ASIDE,
    D_FRAME,
    D_TIME,
    DESCRIPTOR,
    W_ASIDE,
    W_BURST,
    W_COUNT,
    W_ENTRY,
    W_FRAMES,
    W_USED,
)
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.runtime import hold_native as native
from wirebrick.runtime.context import Context
from wirebrick.runtime.hold import make_holds
from wirebrick.runtime.mempool import Mempool
from wirebrick.runtime.plan import HoldPlan
from wirebrick.runtime.receive_native import receive_burst
from wirebrick.runtime.ring_native import ring_receive

BURST = 4


class Bench:
    """A worker with queues of ``capacities``, numbered 10, 11, ...: packets put into and taken out of them."""

    def __init__(self, *capacities: int, burst: int = BURST) -> None:
        plans = [HoldPlan(10 + number, 0, size, number) for number, size in enumerate(capacities)]
        (holds,) = make_holds(plans, [], 1, burst)
        positions = 4 * burst
        self.frames = positions + holds.frames
        self.pool = Mempool(self.frames, 60)
        holds.own(positions)
        self.context = Context(
            burst=burst, frame_size=60, ports=1, counters=len(capacities), room=4, shared=(self.pool, 0)
        )
        self.context.set_holds(holds, None)
        self.holds = holds.address
        self.asides = holds.asides
        self.w = self.context.address

    def put(self, number: int, name: int, time: int) -> bool:
        """Put a packet that ``name`` tells, from position 0; whether there was room."""
        queue = native.hold_queue(self.holds, number)
        slot = native.hold_reserve(queue)
        if slot == 0:
            return False
        frame = load32(self.context[W_FRAMES])
        store32(self.context[W_BURST] + D_FRAME, frame)
        store64(self.pool.address + frame * self.pool.stride, name)
        native.hold_put(self.w, self.holds, queue, slot, 0, time)
        return True

    def take(self, until: int, behind: int = 0) -> tuple[int, int, int] | None:
        """Number of the queue, name and time of the next packet."""
        self.context[W_USED] = 1
        queue = native.hold_next(self.holds, behind, until)
        if queue == 0:
            return None
        native.hold_take(self.w, self.holds, queue)
        at = self.context[W_BURST] + DESCRIPTOR
        name = load64(self.pool.address + load32(at + D_FRAME) * self.pool.stride)
        assert load32(self.context[W_FRAMES] + 4) == load32(at + D_FRAME)
        return load64(self.holds + native.H_LABEL) - 10, name, load64(at + D_TIME)

    def held(self, number: int) -> int:
        """Packets in a queue, as its counter says."""
        return load64(self.context.counters + 8 * number)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 1), st.integers(0, 40)),
            st.tuples(st.just("take"), st.just(0), st.integers(0, 40)),
        ),
        max_size=120,
    )
)
def test_as_a_heap(steps):
    bench = Bench(5, 20)
    model: list[tuple[int, int, int]] = []
    room = [5, 20]
    for name, (what, number, time) in enumerate(steps):
        if what == "put":
            assert bench.put(number, name, time) == (room[number] > 0)
            if room[number]:
                room[number] -= 1
                heapq.heappush(model, (time, name, number))
        else:
            wanted = heapq.heappop(model) if model and model[0][0] <= time else None
            assert bench.take(time) == (wanted and (wanted[2], wanted[1], wanted[0]))
            if wanted:
                room[wanted[2]] += 1
        assert load64(bench.holds + native.H_DUE) == (model[0][0] if model else native.NEVER)
        assert [bench.held(0), bench.held(1)] == [5 - room[0], 20 - room[1]]
    while model:
        time, name, number = heapq.heappop(model)
        assert bench.take(native.LATEST) == (number, name, time)
    assert bench.take(native.LATEST) is None


def test_frames_are_never_in_two_places():
    bench = Bench(8)
    for turn in range(100):
        for name in range(8):
            assert bench.put(0, name, (turn * 7 + name * 5) % 11)
        for _ in range(8):
            assert bench.take(native.LATEST) is not None
    own = [load32(bench.context[W_FRAMES] + 4 * position) for position in range(4 * BURST)]
    queue = native.hold_queue(bench.holds, 0)
    slots, stride = load64(queue + native.Q_SLOTS), load64(queue + native.Q_STRIDE)
    own += [load32(slots + number * stride + D_FRAME) for number in range(8)]
    assert len(set(own)) == len(own)


def test_only_holds_behind_a_node():
    bench = Bench(4, 4)
    bench.put(0, 1, 10)
    bench.put(1, 2, 20)
    assert bench.take(100, behind=10) == (1, 2, 20)
    assert bench.take(100, behind=10) is None
    assert native.hold_last(bench.holds, 11) == 10
    assert native.hold_last(bench.holds, 10) == -1
    assert bench.take(100) == (0, 1, 10)


@pytest.mark.parametrize("first", [0, 1, 3])
def test_what_is_set_aside_comes_first(first):
    bench = Bench(4)
    context = bench.context
    context[W_COUNT] = BURST
    for position in range(BURST):
        at = context[W_BURST] + position * DESCRIPTOR
        store32(at + D_FRAME, load32(context[W_FRAMES] + 4 * position))
        store64(at + D_TIME, position)
    native.hold_set_aside(bench.w, first, 0)
    assert context[W_ASIDE] == BURST - first
    # The driver calls native code; here the ring is asked itself.
    assert ring_receive(bench.asides[0].address, bench.w, BURST) == BURST - first
    times = [load64(context[W_BURST] + position * DESCRIPTOR + D_TIME) for position in range(BURST - first)]
    assert times == list(range(first, BURST))
    context[W_ASIDE] = 0
    assert receive_burst is not None
    assert (context[W_ENTRY], ASIDE) == (0, 1)
