"""Events on the control thread: the clock, a consistent view, failures; and worker events while nothing comes in."""

from __future__ import annotations

import functools
import itertools
import json
import threading
import time
from contextlib import contextmanager

import pytest

import wirebrick
from wirebrick import Array, Counter, after, every, network_function
from wirebrick.cli.summary import summary
from wirebrick.compiler.native import load_source
from wirebrick.fields import U64
from wirebrick.headers import Ethernet
from wirebrick.ports import null
from wirebrick.runtime.events import ControlEvents, event_totals
from wirebrick.stream.network_function import build_chain

MILLISECOND = 1_000_000
BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = 5_000

    def __call__(self):
        return self.now


def events_for(*declarations):
    """The control events that functions declare, and their clock."""

    @network_function
    def nf(packets):
        for declare in declarations:
            declare()
        return packets

    clock = Clock()
    events = ControlEvents(build_chain([nf]), clock)
    events.start()
    return events, clock


def counts(events):
    return [(one.fired, one.late, one.overruns, one.faults) for one in event_totals([], events)]


def test_no_call_is_early_and_nothing_drifts():
    called = []
    events, clock = events_for(lambda: every(0.010, lambda event: called.append(event.late), on="control"))
    began = clock.now
    for _ in range(1000):
        wait = events.wait()
        clock.now += round(wait * 1e9) + 300_000  # each call 0.3 ms late
        events.call_due()
    assert called == [300_000] * 1000
    assert clock.now - began == 1000 * 10 * MILLISECOND + 300_000
    assert counts(events) == [(1000, 0, 0, 0)]


def test_what_is_due_while_it_runs_is_left_out():
    events, clock = events_for(
        lambda: every(0.010, lambda: setattr(clock, "now", clock.now + 25 * MILLISECOND), "control")
    )
    clock.now += 10 * MILLISECOND
    events.call_due()
    assert counts(events) == [(1, 0, 2, 0)]
    assert events.wait() == pytest.approx(0.005)


def test_late_calls_are_counted():
    called = []
    events, clock = events_for(lambda: every(0.010, lambda event: called.append(event.now), on="control"))
    clock.now += 39 * MILLISECOND
    events.call_due()
    events.call_due()  # nothing is due any more
    assert counts(events) == [(1, 1, 2, 0)]
    clock.now += MILLISECOND
    events.call_due()
    assert called[1] - called[0] == 30 * MILLISECOND  # in phase


def test_once():
    called = []
    events, clock = events_for(lambda: after(0.010, functools.partial(called.append, 1), on="control"))
    assert events.wait() == pytest.approx(0.010)
    for _ in range(3):
        clock.now += 10 * MILLISECOND
        events.call_due()
    assert called == [1]
    assert events.wait() is None


def test_several_in_the_order_of_due_times():
    called = []
    events, clock = events_for(
        lambda: every(0.020, lambda: called.append("slow"), on="control"),
        lambda: every(0.010, lambda: called.append("fast"), on="control"),
    )
    clock.now += 21 * MILLISECOND
    events.call_due()
    assert called == ["fast", "slow"]


def test_workers_are_paused_once_for_all_that_is_due():
    paused = []

    @contextmanager
    def pause():
        paused.append(len(called))
        yield
        paused.append(len(called))

    called = []
    add = functools.partial(called.append, 1)
    events, clock = events_for(lambda: every(0.01, add, on="control"), lambda: every(0.01, add, on="control"))
    events.call_due(pause)
    assert paused == []
    clock.now += 10 * MILLISECOND
    events.call_due(pause)
    assert paused == [0, 2]


def test_failures_warn_once_and_count():
    def bad():
        raise KeyError("oops")

    events, clock = events_for(lambda: every(0.01, bad, on="control"))
    for _ in range(3):
        clock.now += 10 * MILLISECOND
        events.call_due()
    (warning,) = events.warnings
    place = f"{__file__}:{bad.__code__.co_firstlineno + 1}"
    assert warning.startswith(place)
    assert "the event bad of nf failed" in warning
    assert "KeyError: 'oops'" in warning
    (totals,) = event_totals([], events)
    assert totals.reasons == {"fault_raise": 3}


# In runs.


@network_function
def watched(packets, *, seconds: float = 0.02):
    """Two operators count the same packets; between two bursts they agree."""
    first, second, looks = Array(U64, 1), Array(U64, 1), LOOKS

    def one(packet):
        first[0] += 1

    def two(packet):
        second[0] += 1

    def look(event):
        looks.append((first.total(0), second.total(0), event.now, threading.current_thread()))

    every(seconds, look, on="control")
    return packets.map(one).map(two)


LOOKS = []


@pytest.fixture(autouse=True)
def _no_looks():
    LOOKS.clear()


@pytest.mark.parametrize(("workers", "interpret"), [(1, False), (2, False), (1, True), (2, True)])
def test_the_view_is_consistent(workers, interpret):
    begin = time.time_ns()
    result = wirebrick.run(watched, rx="memory:", workers=workers, duration=0.4, interpret=interpret)
    (totals,) = result.events
    assert totals.fired == len(LOOKS) >= 5
    assert all(one == two for one, two, _, _ in LOOKS)
    assert LOOKS[-1][0] > LOOKS[0][0]
    assert LOOKS[-1][0] <= result.packets_in
    assert all(thread is threading.current_thread() for *_, thread in LOOKS)
    moments = [now for _, _, now, _ in LOOKS]
    assert all((b - a) % (20 * MILLISECOND) == 0 for a, b in itertools.pairwise(moments))
    assert 0 <= moments[0] - 20 * MILLISECOND - begin < 30e9


def test_a_run_that_is_over_sooner_calls_nothing():
    result = wirebrick.run(watched(seconds=100.0), rx=[bytes(60)])
    assert [event.fired for event in result.events] == [0]
    assert LOOKS == []


@BOTH
def test_an_interrupt_in_an_event_ends_the_run(interpret):
    @network_function
    def interrupted(packets):
        def stop():
            raise KeyboardInterrupt

        after(0.05, stop, on="control")
        return packets

    result = wirebrick.run(interrupted, rx="memory:", duration=20, interpret=interpret)
    assert result.interrupted
    assert result.elapsed_s < 10


@BOTH
def test_a_failure_is_a_warning_and_the_run_goes_on(interpret):
    @network_function
    def failing(packets):
        every(0.02, lambda: [][1], on="control")
        return packets

    result = wirebrick.run(failing, rx="memory:", duration=0.2, interpret=interpret)
    (event,) = result.events
    assert event.faults == event.fired > 2
    (warning,) = [one for one in result.warnings if "failed" in one]
    assert "IndexError" in warning
    assert result.packets_in == result.packets_out + result.packets_dropped


def test_summary_and_json():
    result = wirebrick.run(watched, rx="memory:", duration=0.1)
    (table,) = [part for part in summary(result, []) if getattr(part, "title", "") == "Events"]
    assert table.rows[0][:3] == ["watched", "look", "control"]
    (event,) = json.loads(json.dumps(result.to_dict()))["events"]
    assert (event["nf"], event["name"], event["on"], event["faults"]) == ("watched", "look", "control", 0)
    quiet = wirebrick.run("ttl", rx=[])
    assert quiet.to_dict()["events"] == []
    assert not [part for part in summary(quiet, []) if getattr(part, "title", "") == "Events"]


# Worker events while nothing comes in.

FRAME = bytes(12) + b"\x88\xb5" + bytes(46)


class Quiet(null.NullSource):
    """An interface on which nothing comes in."""

    live = True

    def __init__(self):
        super().__init__()
        text = "def quiet(state, context, room):\n    return 0\n"
        self.receive = load_source("quiet", text, {"quiet": 3}, ())["quiet"]


@BOTH
def test_an_idle_live_worker_goes_on_by_the_clock_of_the_system(monkeypatch, interpret):
    monkeypatch.setattr(null, "NullSource", Quiet)

    @network_function
    def beacon(packets):
        ticks = Counter("ticks")

        def tick(event):
            packet = event.make(FRAME, Ethernet)
            packet.header.src = 5
            packet.send("out")
            ticks.add(1)

        every(0.02, tick)
        return packets

    result = wirebrick.run(beacon, rx="null:", tx=(sent := []), duration=0.5, interpret=interpret)
    (event,) = result.events
    assert 10 <= event.fired <= 25
    assert len(sent) == result.packets_out == result.packets_made == event.fired
    assert sent[0][6:14].hex() == "00000000000588b5"
