"""Pause: all workers stand still between two bursts while another thread looks at what they work on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

PATIENCE = 1.0  # seconds for a worker to come to the end of its burst
_LOOK = 100e-6


class Pausable(Protocol):
    """A worker, as far as pausing goes."""

    index: int

    def pause(self) -> None:
        """Stand still before the next burst."""

    def resume(self) -> None:
        """Go on."""

    @property
    def still(self) -> bool:
        """Whether it is processing no packets, and won't before ``resume``."""


class Pause:
    """Pauses ``workers``; threads that want it at once have it one after the other, and one may have it twice.

    >>> with Pause([])() as moving:
    ...     moving
    frozenset()
    """

    def __init__(self, workers: Sequence[Pausable], patience: float = PATIENCE) -> None:
        self._workers = workers
        self._patience = patience
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def __call__(self) -> Iterator[frozenset[int]]:
        """All workers stand still inside; gives the numbers of those that don't, because they hang in a burst."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    for worker in self._workers:
                        worker.pause()
                yield self._wait()
            finally:
                self._depth -= 1
                if self._depth == 0:
                    for worker in self._workers:
                        worker.resume()

    def _wait(self) -> frozenset[int]:
        end = time.perf_counter() + self._patience
        while True:
            moving = [worker.index for worker in self._workers if not worker.still]
            if not moving or time.perf_counter() > end:
                return frozenset(moving)
            time.sleep(_LOOK)
