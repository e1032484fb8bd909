"""Timer: one event whose function is called from Python, on the control thread or in the background."""

from __future__ import annotations

import time
import traceback
from bdb import BdbQuit
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from wirebrick.errors import PACKAGE, Place
from wirebrick.packet.faults import RAISE, REASONS
from wirebrick.stream.events import Event, events_of
from wirebrick.stream.graph import Graph

if TYPE_CHECKING:
    from wirebrick.stream.events import On


@dataclass(frozen=True)
class Call:
    """What the function gets: when it was due (ns since 1970), and how late it is (ns)."""

    now: int
    late: int
    tell: Callable[[str], None]  # has the user told something at once, as a notice


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

    @classmethod
    def of(cls, event: Event, fired: int, late: int, overruns: int, reasons: dict[str, int]) -> EventTotals:
        """The totals of an event with these faults."""
        return cls(
            event.scope.name, event.name, event.on, fired, late, overruns, sum(reasons.values()), reasons
        )


class Timer:
    """An event's clock and counts; times are nanoseconds since the run began."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.due: int | None = event.period
        self.warning = ""  # about the first failure
        self._fired = self._late = self._overruns = self._faults = 0

    def call(self, now: Callable[[], int], epoch: int, tell: Callable[[str], None]) -> None:
        """Call the function, and find out when it is due next; ``epoch``: when the run began (ns since 1970)."""
        event = self.event
        assert self.due is not None
        late = now() - self.due
        self._fired += 1
        self._late += late > event.period
        call = Call(epoch + self.due, late, tell)
        try:
            event.function(*([call] if event.takes_event else []))
        except BdbQuit:
            raise KeyboardInterrupt from None
        except Exception as error:
            self._faults += 1
            if self._faults == 1:
                self.warning = _warning(event, error)
        finally:
            self._go_on(now())

    def totals(self) -> EventTotals:
        """What was counted."""
        faults = {REASONS[RAISE]: self._faults} if self._faults else {}
        return EventTotals.of(self.event, self._fired, self._late, self._overruns, faults)

    def _go_on(self, now: int) -> None:
        """When it is due next, behind ``now``; what should have been called in between is left out."""
        assert self.due is not None
        if not self.event.repeats:
            self.due = None
            return
        missed = max(0, now - self.due) // self.event.period
        self._overruns += missed
        self.due += (missed + 1) * self.event.period


class Timers:
    """The timers of a graph's events of one kind; ``clock`` gives nanoseconds."""

    def __init__(self, graph: Graph, on: On, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.timers = [Timer(event) for event in events_of(graph, on)]
        self._clock = clock
        self._began = self._epoch = 0
        self._told: deque[str] = deque()

    @property
    def warnings(self) -> list[str]:
        """What the user should know about functions that failed."""
        return [timer.warning for timer in self.timers if timer.warning]

    def start(self) -> None:
        """Begin to count time."""
        self._began, self._epoch = self._clock(), time.time_ns()

    def told(self) -> list[str]:
        """What functions have told since this was asked last."""
        return [self._told.popleft() for _ in range(len(self._told))]

    def totals(self) -> list[tuple[int, EventTotals]]:
        """What was counted, with the number of each event."""
        return [(timer.event.number, timer.totals()) for timer in self.timers]

    def _now(self) -> int:
        return self._clock() - self._began

    def _call(self, timer: Timer) -> None:
        timer.call(self._now, self._epoch, self._told.append)


def _warning(event: Event, error: Exception) -> str:
    place = _place(error.__traceback__) or event.place
    what = traceback.format_exception_only(error)[-1].strip()
    return f"{place}: the event {event.name} of {event.scope.name} failed (later failures are only counted): {what}"


def _place(trace: TracebackType | None) -> Place | None:
    """The innermost line of the user's that an exception went through."""
    lines = [Place(f.filename, f.lineno or 1) for f in traceback.extract_tb(trace)]
    own = [place for place in lines if not place.file.startswith(PACKAGE)]
    return own[-1] if own else None
