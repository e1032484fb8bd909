"""Taps: captures begin and end while a run goes on.

While none is there, workers run the code that knows nothing of taps. With the first, the graph is compiled once more,
so that packets can be watched, and the workers, standing still for a moment, go on with that, on the same memory; with
the last they go back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from wirebrick.ports.pcap.layout import MAX_CAPTURED
from wirebrick.runtime.points import Point, find_point
from wirebrick.runtime.tap_ring import Tap, TapTable
from wirebrick.runtime.worker import Worker


class Taps:
    """The taps of a run: at ``points``, of ``workers``.

    ``paused`` has the workers stand still. ``tapped`` gives the address of the native function that lets packets be
    watched; 0: they are interpreted. Methods may be called by any thread.
    """

    def __init__(
        self,
        points: dict[str, Point],
        workers: Sequence[Worker],
        paused: Callable[[], AbstractContextManager[frozenset[int]]],
        tapped: Callable[[], int],
        *,
        counters: int,
        ports: int,
    ) -> None:
        self.points = points
        self._workers = workers
        self._paused = paused
        self._tapped = tapped
        self._counters = counters
        self._ports = ports
        self._lock = threading.Lock()
        self._taps: list[Tap] = []
        self._process: int | None = None  # the function with taps, once it is known
        self._kept: list[list[TapTable]] = []  # of workers that hang: they may still look at them

    def attach(
        self,
        point: str,
        expression: str | None = None,
        *,
        snaplen: int = MAX_CAPTURED,
        count: int | None = None,
    ) -> Tap:
        """Begin to watch a point, with a filter in tcpdump's syntax. Raises ParameterError."""
        found = find_point(self.points, point)
        matches = 0
        if expression is not None:
            from wirebrick.runtime.filter import compile_filter

            matches = compile_filter(expression)
        tap = Tap(found, len(self._workers), matches=matches, snaplen=snaplen, count=count)
        with self._lock:
            self._install([*self._taps, tap])
        return tap

    def detach(self, tap: Tap) -> None:
        """End it; what is in its rings can still be read."""
        with self._lock:
            self._install([one for one in self._taps if one is not tap])

    def _install(self, taps: list[Tap]) -> None:
        if self._process is None:
            self._process = self._tapped()
        tables = [TapTable(worker.index, taps, self._counters, self._ports) for worker in self._workers]
        with self._paused() as moving:
            before = [worker.taps for worker in self._workers if worker.taps is not None]
            for worker, table in zip(self._workers, tables, strict=True):
                worker.watch(table if taps else None, self._process)
            if moving:
                self._kept.append(before)
            self._taps = taps
