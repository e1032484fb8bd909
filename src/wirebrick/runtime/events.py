"""Events on the control thread, and what is counted about all events of a run."""

from __future__ import annotations

import time
import traceback
from bdb import BdbQuit
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from wirebrick.errors import PACKAGE, Place
from wirebrick.packet.faults import RAISE, REASONS
from wirebrick.state.base import State
from wirebrick.state.timers import Timers
from wirebrick.stream.events import Event, events_of
from wirebrick.stream.graph import Graph


@dataclass(frozen=True)
class EventTotals:
    """An event's calls in a run; ``reasons``: its faults, on the workers by what they were."""

    nf: str
    name: str
    on: str
    fired: int
    late: int
    overruns: int
    faults: int
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """What the function of a control event gets: when it was due (ns since 1970), and how late it is (ns)."""

    now: int
    late: int


class _Timer:
    """One event's clock and counts; times are nanoseconds since the run began."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.due: int | None = event.period
        self.fired = self.late = self.overruns = self.faults = 0

    def go_on(self, now: int) -> None:
        """When it is due next, behind ``now``; what should have been called in between is left out."""
        assert self.due is not None
        if not self.event.repeats:
            self.due = None
            return
        missed = max(0, now - self.due) // self.event.period
        self.overruns += missed
        self.due += (missed + 1) * self.event.period


class ControlEvents:
    """The events of a graph that are called on the control thread, by the system's monotonic clock.

    ``clock`` gives nanoseconds. ``start`` when the workers begin; then ``call_due`` at the latest ``wait()``
    seconds later.

    >>> ControlEvents(Graph()).wait() is None
    True
    """

    def __init__(self, graph: Graph, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.warnings: list[str] = []
        self._timers = [_Timer(event) for event in events_of(graph, "control")]
        self._clock = clock
        self._began = self._epoch = 0

    def start(self) -> None:
        """Begin to count time."""
        self._began, self._epoch = self._clock(), time.time_ns()

    def wait(self) -> float | None:
        """Seconds until the next event is due, 0 if it is; None where there is none."""
        dues = [timer.due for timer in self._timers if timer.due is not None]
        return max(0, min(dues) - self._now()) / 1e9 if dues else None

    def call_due(self, paused: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        """Call what is due, once each, in the order of due times, with the workers paused by ``paused()``."""
        now = self._now()
        due = [timer for timer in self._timers if timer.due is not None and timer.due <= now]
        if due:
            with paused():
                for timer in sorted(due, key=lambda timer: timer.due or 0):
                    self._call(timer)

    def totals(self) -> list[tuple[int, EventTotals]]:
        """What was counted, with the number of each event."""
        return [
            (
                timer.event.number,
                _totals(timer.event, timer.fired, timer.late, timer.overruns, _raised(timer.faults)),
            )
            for timer in self._timers
        ]

    def _now(self) -> int:
        return self._clock() - self._began

    def _call(self, timer: _Timer) -> None:
        event = timer.event
        assert timer.due is not None
        late = self._now() - timer.due
        timer.fired += 1
        timer.late += late > event.period
        call = Call(self._epoch + timer.due, late)
        try:
            event.function(*([call] if event.takes_event else []))
        except BdbQuit:
            raise KeyboardInterrupt from None
        except Exception as error:
            timer.faults += 1
            if timer.faults == 1:
                self.warnings.append(_warning(event, error))
        finally:
            timer.go_on(self._now())


def first_due(states: Iterable[State]) -> int:
    """What W_DUE begins as: 0 without events on the workers, else long ago, so that idle live workers begin too."""
    return int(any(isinstance(state, Timers) for state in states))


def make_packets(states: Iterable[State]) -> bool:
    """Whether events on the workers make packets: there must be room for them."""
    return any(isinstance(state, Timers) and state.makes for state in states)


def event_totals(states: Iterable[State], control: ControlEvents) -> list[EventTotals]:
    """The totals of all events of a run, in the order of declaration; ``states``: of the run's program."""
    found = control.totals()
    for timers in states:
        if isinstance(timers, Timers):
            for number, event in enumerate(timers.events):
                counts, faults = timers.counts(number), timers.faults(number)
                found.append((event.number, _totals(event, **counts, reasons=faults)))
    return [totals for _, totals in sorted(found, key=lambda pair: pair[0])]


def _totals(event: Event, fired: int, late: int, overruns: int, reasons: dict[str, int]) -> EventTotals:
    faults = sum(reasons.values())
    return EventTotals(event.scope.name, event.name, event.on, fired, late, overruns, faults, reasons)


def _raised(faults: int) -> dict[str, int]:
    return {REASONS[RAISE]: faults} if faults else {}


def _warning(event: Event, error: Exception) -> str:
    place = _place(error.__traceback__) or event.place
    what = traceback.format_exception_only(error)[-1].strip()
    return f"{place}: the event {event.name} of {event.scope.name} failed (later failures are only counted): {what}"


def _place(trace: TracebackType | None) -> Place | None:
    """The innermost line of the user's that an exception went through."""
    lines = [Place(f.filename, f.lineno or 1) for f in traceback.extract_tb(trace)]
    own = [place for place in lines if not place.file.startswith(PACKAGE)]
    return own[-1] if own else None
