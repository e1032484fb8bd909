"""A worker by itself: resting, the clock of live sources, how it ends."""

import ctypes
import threading
import time
from collections.abc import Callable

import pytest
from test_driver import PROCESS, Script, Slow, send_all

from wirebrick.packet.frame import W_COUNT, W_DUE, W_ENTRY, W_NOW, W_PACKETS_IN, W_PROCESS, W_RING_IN, W_SPIN
from wirebrick.packet.memory import load64
from wirebrick.ports.base import Source
from wirebrick.runtime import rest
from wirebrick.runtime.context import Context
from wirebrick.runtime.rest import Poll, Rest
from wirebrick.runtime.worker import Worker


def worker_of(sources: list[Source], process: object, **options: object) -> Worker:
    sink = Slow()
    context = Context(burst=8, frame_size=100, ports=1, counters=1)
    context.set_sources(list(enumerate(sources)))
    context.set_sink(0, sink)
    context[W_PROCESS] = ctypes.cast(process, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
    return Worker(0, context, sources, {0: sink}, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("live", [True, False])
def test_while_nothing_comes_the_clock_of_a_live_source_goes_on(live: bool) -> None:
    called: list[tuple[int, int, int]] = []

    def process(context: int) -> int:
        entry, count, now = (load64(context + word) for word in (W_ENTRY, W_COUNT, W_NOW))
        called.append((entry, count, now))
        worker.context[W_DUE] = 1 << 62
        return send_all(context)

    keep = PROCESS(process)
    worker = worker_of([Script([0, 0, 0])], keep, live=live)
    worker.context[W_DUE] = before = time.time_ns()
    worker.run()
    assert worker.error is None
    if live:
        ((entry, count, now),) = called
        assert (entry, count) == (0, 0)
        assert before <= now <= time.time_ns()
    else:
        assert (called, worker.context[W_NOW]) == ([], 0)


def test_the_clock_of_a_live_source_never_goes_back() -> None:
    keep = PROCESS(send_all)
    worker = worker_of([Script([0, 0])], keep, live=True)
    worker.context[W_NOW] = ahead = 1 << 62
    worker.run()
    assert worker.context[W_NOW] == ahead


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(rest.time, "sleep", found.append)
    return found


def resting(poll: Poll, rings: bool) -> tuple[Context, Callable[[], None]]:
    context = Context(burst=8, frame_size=100, ports=1, counters=1)
    return context, Rest(context, poll, rings).take


def test_naps_grow_while_nothing_comes(naps: list[float]) -> None:
    context, take = resting("adaptive", rings=False)
    for _ in range(7):
        take()
    assert naps == [1e-4, 2e-4, 4e-4, 8e-4, 1e-3, 1e-3, 1e-3]
    context[W_PACKETS_IN] = 1
    take()
    assert naps[-1] == 50e-6
    assert context[W_SPIN] == 0


def test_between_rings_it_looks_for_a_while_before_it_sleeps(naps: list[float]) -> None:
    context, take = resting("adaptive", rings=True)
    take()
    assert context[W_SPIN] == 0
    context[W_RING_IN] = 1
    take()
    assert context[W_SPIN] > 0
    take()
    assert context[W_SPIN] == 0


def test_busy_it_never_sleeps(naps: list[float]) -> None:
    context, take = resting("busy", rings=False)
    take()
    assert naps == []
    assert context[W_SPIN] > 0


def test_a_list_cut_short_by_a_flush_waits_while_the_worker_is_paused() -> None:
    """Ports exchange their sockets in a pause: what takes packets must not be called."""
    keep = PROCESS(send_all)
    worker = worker_of([Script([8])], keep)
    sink = worker.sinks[0]
    sink.room = sink.left = 4  # type: ignore[attr-defined]
    flush, seen = sink.flush, list[int]()

    def flush_in_a_pause() -> None:
        flush()
        if not seen:
            worker.pause()
            threading.Thread(target=look).start()

    def look() -> None:
        time.sleep(0.1)
        assert worker.still
        seen.append(len(sink.got))  # type: ignore[attr-defined]
        worker.resume()

    sink.flush = flush_in_a_pause  # type: ignore[method-assign]
    worker.run()
    assert worker.error is None
    assert seen == [4]
    assert sink.got == list(range(8))  # type: ignore[attr-defined]
