"""Background: events that are called beside the workers, each in a thread of its own, while these go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wirebrick.runtime.timer import Timer, Timers
from wirebrick.stream.graph import Graph

PATIENCE = 5.0  # seconds that a call may still take when the workers have ended


class Background(Timers):
    """The events of a graph that are called in the background; ``start`` makes their threads, ``end`` ends them.

    >>> background = Background(Graph())
    >>> background.start(); background.end()
    """

    def __init__(self, graph: Graph, clock: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__(graph, "background", clock)
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._left: list[str] = []

    @property
    def warnings(self) -> list[str]:
        """What the user should know about functions that failed, or did not end."""
        return [*super().warnings, *self._left]

    def start(self) -> None:
        """Begin to count time, and to call."""
        super().start()
        for timer in self.timers:
            name = f"wirebrick {timer.event.name}"
            thread = threading.Thread(target=self._run, args=(timer,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self, patience: float = PATIENCE) -> None:
        """Call nothing any more, and wait for the calls that go on, for ``patience`` seconds together."""
        self._ending.set()
        deadline = time.monotonic() + patience
        for thread, timer in zip(self._threads, self.timers, strict=True):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                event = timer.event
                self._left.append(
                    f"{event.place}: the event {event.name} of {event.scope.name} did not end and was left behind"
                )
        self._threads = []

    def _run(self, timer: Timer) -> None:
        while timer.due is not None and not self._ending.wait(max(0, timer.due - self._now()) / 1e9):
            self._call(timer)
