"""Allowance: how many packets the workers of a run may still receive, together.

>>> allowance = Allowance(5, workers=2)
>>> allowance.first(0), allowance.first(1)
(3, 2)
>>> allowance.give_back(1, left=2)  # nothing came in there
>>> allowance.more(0), allowance.more(0), allowance.more(0)
(1, 1, None)
"""

from __future__ import annotations

import threading


class Allowance:
    """``total`` packets, shared by ``workers``: equal parts first, then what others give back."""

    def __init__(self, total: int, workers: int) -> None:
        self._lock = threading.Lock()
        self._free = 0
        self._workers = workers
        self._given = [total // workers] * workers
        self._given[0] += total % workers

    def first(self, worker: int) -> int:
        """The part a worker begins with."""
        return self._given[worker]

    def more(self, worker: int) -> int | None:
        """More packets for a worker that has received its part.

        0: ask again, others may give back; None: there are no more.
        """
        with self._lock:
            self._given[worker] = 0
            if self._free:
                part = self._given[worker] = max(1, self._free // self._workers)
                self._free -= part
                return part
            return 0 if any(self._given) else None

    def give_back(self, worker: int, left: int) -> None:
        """What a worker can't receive, because nothing comes or because it ends."""
        with self._lock:
            self._given[worker] = 0
            self._free += left
