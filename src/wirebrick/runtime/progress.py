"""Progress: how far a run has come, told some times a second."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.runtime.live import Snapshot


@dataclass(frozen=True)
class Progress:
    """Packets in and out so far; ``done`` of ``total`` (bytes or packets) where the inputs have an end.

    ``hanging``: the numbers of workers that have been in one burst for seconds. ``snapshot``: all counts.
    """

    packets_in: int
    packets_out: int
    elapsed_s: float
    done: int = 0
    total: int | None = None
    hanging: tuple[int, ...] = ()
    snapshot: Snapshot | None = None

    @property
    def fraction(self) -> float | None:
        """How much of the input is done, 0 .. 1; None where that can't be known.

        >>> Progress(1, 1, 0.5, done=30, total=120).fraction
        0.25
        """
        return None if not self.total else min(1.0, self.done / self.total)
