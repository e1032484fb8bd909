"""The clock of events against a simple model, and the same natives compiled."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick.compiler.native import load_native
from wirebrick.packet.frame import CONTEXT, D_TIME, DESCRIPTOR, W_BURST, W_COUNT, W_DUE, W_NOW
from wirebrick.packet.memory import load64, store64
from wirebrick.state import timers_native as native

LATEST = native.LATEST
NAMES = {
    "timers_set": 4,
    "timers_begin": 2,
    "timers_catch_up": 2,
    "timers_next": 2,
    "timers_take": 3,
    "timers_fault": 3,
    "timers_end": 3,
}


class Model:
    """What should be called when, said simply."""

    def __init__(self, events):
        self.events = events  # (period, repeats)
        self.start = None
        self.turns = [1] * len(events)  # the n-th call is due n periods after the beginning
        self.counts = [[0, 0, 0] for _ in events]  # fired, late, overruns

    def packet(self, time):
        now = min(max(time, 0), LATEST)
        if self.start is None:
            self.start = now
        due = []
        for number, (period, repeats) in enumerate(self.events):
            last = (now - self.start) // period
            turns = range(self.turns[number], last + 1) if repeats else range(1, min(last, 1) + 1)
            if not repeats and self.turns[number] > 1:
                turns = range(0)
            if len(turns) > native.CATCH_UP:
                self.counts[number][2] += len(turns) - native.CATCH_UP
                turns = turns[-native.CATCH_UP :]
            for turn in turns:
                due.append((self.start + turn * period, number))
            if len(turns):
                self.turns[number] = turns[-1] + 1
        for moment, number in sorted(due):
            self.counts[number][0] += 1
            self.counts[number][1] += now - moment > self.events[number][0]
        return [(number, moment, now - moment) for moment, number in sorted(due)]


class Worker:
    """The natives as a worker uses them, one packet a burst."""

    def __init__(self, events, functions):
        self.call = functions
        size = CONTEXT + DESCRIPTOR + native.timers_size(len(events))
        self.memory = ctypes.create_string_buffer(size + 8)
        self.context = -(-ctypes.addressof(self.memory) // 8) * 8
        self.descriptor = self.context + CONTEXT
        self.block = self.descriptor + DESCRIPTOR
        self.count = len(events)
        store64(self.context + W_BURST, self.descriptor)
        for number, (period, repeats) in enumerate(events):
            self.call["timers_set"](self.block, number, period, int(repeats))

    def packet(self, time):
        store64(self.context + W_COUNT, 1)
        store64(self.descriptor + D_TIME, time)
        assert self.call["timers_begin"](self.context, self.block) == 0
        return self.due(time) if time >= load64(self.block + native.T_DUE) else []

    def idle(self, time):
        store64(self.context + W_COUNT, 0)
        store64(self.context + W_NOW, time)
        return self.due(time) if self.call["timers_begin"](self.context, self.block) else []

    def due(self, time):
        called = []
        self.call["timers_catch_up"](self.block, time)
        while (number := self.call["timers_next"](self.block, time)) >= 0:
            moment = self.call["timers_take"](self.block, number, time)
            called.append((number, load64(moment + D_TIME), load64(moment + native.MOMENT_LATE)))
        self.call["timers_end"](self.context, self.block, time)
        return called

    def counts(self):
        entries = [native.timers_entry(self.block, number) for number in range(self.count)]
        words = (native.E_FIRED, native.E_LATE, native.E_OVERRUNS)
        return [[load64(entry + word) for word in words] for entry in entries]


PYTHON = {name: getattr(native, name) for name in NAMES}


@pytest.fixture(scope="module")
def compiled():
    addresses = load_native("wirebrick.state.timers_native", NAMES)
    kinds = {
        name: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count) for name, count in NAMES.items()
    }
    return {name: kinds[name](address) for name, address in addresses.items()}


periods = st.one_of(st.integers(1, 50), st.integers(1, 10**18))
events_lists = st.lists(st.tuples(periods, st.booleans()), min_size=1, max_size=5)
steps = st.one_of(
    st.integers(-100, 100),
    st.integers(-1000, 10_000),
    st.integers(0, 10**19),
    st.integers(-(1 << 62), 1 << 62),
)


@settings(deadline=None, max_examples=150)
@given(events_lists, st.integers(-(1 << 63), (1 << 63) - 1), st.lists(steps, max_size=40))
def test_model(compiled, events, start, moves):
    model, python, machine = Model(events), Worker(events, PYTHON), Worker(events, compiled)
    time = start
    for move in [0, *moves]:
        time = min(max(time + move, -(1 << 63)), (1 << 63) - 1)
        expected = model.packet(time)
        assert python.packet(time) == expected
        assert machine.packet(time) == expected
        assert load64(python.context + W_DUE) == load64(machine.context + W_DUE)
    assert python.counts() == machine.counts() == model.counts


def test_nothing_drifts():
    worker = Worker([(1000, True)], PYTHON)
    worker.packet(5)
    called = [call for time in range(5, 100_000, 333) for call in worker.packet(time)]
    assert [due for _, due, _ in called] == list(range(1005, 100_000, 1000))


def test_idle_worker_goes_on_by_its_own_clock():
    worker = Worker([(10, True)], PYTHON)
    assert worker.idle(0) == []  # the clock has not begun
    worker.packet(100)
    assert worker.idle(109) == []
    assert worker.idle(125) == [(0, 110, 15), (0, 120, 5)]
    assert worker.packet(130) == [(0, 130, 0)]


def test_idle_worker_without_packets_begins_by_its_own_clock():
    worker = Worker([(10, False)], PYTHON)
    assert worker.idle(1000) == []
    assert worker.idle(1010) == [(0, 1010, 0)]
    assert load64(worker.context + W_DUE) == native.NEVER


def test_ties_in_the_order_of_declaration():
    worker = Worker([(20, True), (10, True), (20, False)], PYTHON)
    worker.packet(0)
    assert [number for number, _, _ in worker.packet(20)] == [1, 0, 1, 2]


def test_after_the_end_of_time():
    worker = Worker([(10**18, True)], PYTHON)
    worker.packet(LATEST - 5)
    assert worker.packet((1 << 63) - 1) == []
    assert load64(worker.block + native.T_DUE) == native.NEVER
