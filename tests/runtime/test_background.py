"""Background events: beside the workers, which go on; failures; what they tell; the end. And files that are watched."""

from __future__ import annotations

import threading
import time

import pytest

import wirebrick
from wirebrick import LongestPrefixMatch, after, every, network_function
from wirebrick.errors import GraphError, ParameterError
from wirebrick.nf.watched import watch
from wirebrick.runtime.background import Background
from wirebrick.stream.network_function import build_chain

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def background_of(*declarations):
    @network_function
    def nf(packets):
        for declare in declarations:
            declare()
        return packets

    return Background(build_chain([nf]))


@BOTH
def test_workers_go_on_while_it_waits(interpret):
    """Its call ends only when the packets behind the first ones have been processed."""
    seen, behind, done = [], threading.Event(), []

    @network_function
    def nf(packets):
        def slow():
            done.append(behind.wait(20))

        every(0.001, slow, on="background")
        every(0.001, lambda: seen.append(1), on="control")
        return packets

    def progress(progress):
        if len(seen) > 5:
            behind.set()

    result = wirebrick.run(nf, rx="memory:count=0", interpret=interpret, duration=0.4, progress=progress)
    slow = next(event for event in result.events if event.on == "background")
    assert done[0]
    assert slow.overruns > 0
    assert result.warnings == []


def test_a_call_that_fails_is_a_warning_and_told_notices_arrive():
    heard = []

    @network_function
    def nf(packets):
        def fails(event):
            event.tell("going to fail")
            raise ValueError("no answer")

        after(0.001, fails, on="background")
        return packets

    result = wirebrick.run(nf, rx="memory:count=0", duration=0.2, notice=heard.append)
    assert len(result.warnings) == 1
    assert "test_background.py" in result.warnings[0]
    assert "the event fails of nf failed" in result.warnings[0]
    assert result.warnings[0].endswith("ValueError: no answer")
    assert heard == result.notices == ["going to fail"]
    assert [(one.fired, one.faults) for one in result.events] == [(1, 1)]


def test_one_that_does_not_end_is_left_behind():
    hanging, begun = threading.Event(), threading.Event()

    def hangs():
        begun.set()
        hanging.wait(20)

    background = background_of(lambda: after(0.001, hangs, on="background"))
    background.start()
    assert begun.wait(10)
    background.end(patience=0.05)
    hanging.set()
    assert len(background.warnings) == 1
    assert "the event hangs of nf did not end and was left behind" in background.warnings[0]


def test_nothing_is_called_after_the_end():
    called = []
    background = background_of(lambda: every(0.001, lambda: called.append(1), on="background"))
    background.start()
    while not called:
        time.sleep(0.001)
    background.end()
    count = len(called)
    time.sleep(0.02)
    assert len(called) == count
    assert background.totals()[0][1].fired == count


def test_other_threads_are_refused():
    with pytest.raises(GraphError, match="events don't run on 'thread'") as caught:
        background_of(lambda: every(1, print, on="thread"))
    assert 'on="background"' in str(caught.value)


@pytest.fixture
def routed(tmp_path):
    """An NF whose routes are a file, its path, and a run of it in a thread."""
    path = tmp_path / "routes"
    path.write_text("1")
    routes = []

    def load(path):
        text = path.read_text()
        if not text.isdigit():
            raise ParameterError(f"{path}:1:1: {text!r} is not a number", cure="write digits")
        routes[0].update({"0.0.0.0/0": int(text)})
        return f"now {text}"

    @network_function
    def nf(packets):
        routes.append(LongestPrefixMatch({"0.0.0.0/0": 1}))
        watch(path, load, period=0.01)
        found = routes[0]
        return packets.filter(lambda packet: found.lookup(0) > 0)

    return nf, path, routes


def test_a_changed_file_is_read_again_and_an_invalid_one_refused(routed):
    nf, path, routes = routed
    stop, results, heard = threading.Event(), [], []
    thread = threading.Thread(
        target=lambda: results.append(wirebrick.run(nf, rx="memory:count=0", stop=stop, notice=heard.append))
    )
    thread.start()

    def wait_for(count):
        end = time.monotonic() + 20
        while len(heard) < count:
            assert time.monotonic() < end, heard
            time.sleep(0.005)

    try:
        end = time.monotonic() + 20
        while not routes or routes[0].sharing is None:
            assert time.monotonic() < end
            time.sleep(0.005)
        time.sleep(0.05)
        path.write_text("22")
        wait_for(1)
        path.write_text("many")
        wait_for(2)
        assert routes[0].lookup(0) == 22
        path.unlink()
        time.sleep(0.03)
        path.write_text("333")
        wait_for(3)
    finally:
        stop.set()
        thread.join()
    assert routes[0].lookup(0) == 333
    assert heard[0] == "now 22"
    assert heard[1].startswith(
        f"{path} has changed and is refused; what was read before stays: {path}:1:1: 'many'"
    )
    assert heard[2] == "now 333"
    assert results[0].warnings == []
