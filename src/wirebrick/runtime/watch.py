"""Watch: notices workers that hang: that neither go on to another burst nor wait for something."""

from __future__ import annotations

from collections.abc import Sequence

from wirebrick.packet.frame import W_BEAT
from wirebrick.runtime.worker import Worker

HANG = 5.0  # seconds for one burst


class Watch:
    """Looks at ``workers`` now and then; what it says of one is taken back when that one moves on."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._seen: dict[int, tuple[int, str, float]] = {}  # beat, what it waits in, and since when

    def look(self, now: float) -> None:
        """Look; ``now`` in seconds of any clock."""
        for worker in self._workers:
            beat, waits = worker.context[W_BEAT], worker.waits
            if self._seen.get(worker.index, (None, None))[:2] != (beat, waits):
                self._seen[worker.index] = beat, waits, now

    def quiet(self, worker: Worker, now: float) -> float:
        """Seconds since a worker went on, or began to wait for something else."""
        return now - self._seen[worker.index][2] if worker.index in self._seen else 0.0

    def hanging(self, now: float) -> tuple[int, ...]:
        """The workers that seem to hang."""
        return tuple(
            worker.index
            for worker in self._workers
            if not worker.finished and not worker.waits and self.quiet(worker, now) >= HANG
        )
