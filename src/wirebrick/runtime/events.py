"""Events on the control thread, and what is counted about all events of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from wirebrick.runtime.timer import EventTotals, Timers
from wirebrick.state.base import State
from wirebrick.state.timers import Timers as WorkerTimers
from wirebrick.stream.graph import Graph


class ControlEvents(Timers):
    """The events of a graph that are called on the control thread, by the system's monotonic clock.

    ``start`` when the workers begin; then ``call_due`` at the latest ``wait()`` seconds later.

    >>> ControlEvents(Graph()).wait() is None
    True
    """

    def __init__(self, graph: Graph, clock: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__(graph, "control", clock)

    def wait(self) -> float | None:
        """Seconds until the next event is due, 0 if it is; None where there is none."""
        dues = [timer.due for timer in self.timers if timer.due is not None]
        return max(0, min(dues) - self._now()) / 1e9 if dues else None

    def call_due(self, paused: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        """Call what is due, once each, in the order of due times, with the workers paused by ``paused()``."""
        now = self._now()
        due = [timer for timer in self.timers if timer.due is not None and timer.due <= now]
        if due:
            with paused():
                for timer in sorted(due, key=lambda timer: timer.due or 0):
                    self._call(timer)


def first_due(states: Iterable[State]) -> int:
    """What W_DUE begins as: 0 without events on the workers, else long ago, so that idle live workers begin too."""
    return int(any(isinstance(state, WorkerTimers) for state in states))


def make_packets(states: Iterable[State]) -> bool:
    """Whether events on the workers make packets: there must be room for them."""
    return any(isinstance(state, WorkerTimers) and state.makes for state in states)


def event_totals(states: Iterable[State], *called: Timers) -> list[EventTotals]:
    """The totals of all events of a run, in the order of declaration; ``states``: of the run's program."""
    found = [totals for timers in called for totals in timers.totals()]
    for state in states:
        if isinstance(state, WorkerTimers):
            for number, event in enumerate(state.events):
                counts, faults = state.counts(number), state.faults(number)
                found.append((event.number, EventTotals.of(event, **counts, reasons=faults)))
    return [totals for _, totals in sorted(found, key=lambda pair: pair[0])]
