"""``wirebrick run --stats SECONDS``: counts and rates of a run as lines of JSON, for who has no terminal to look at."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from wirebrick.cli.main import tell

if TYPE_CHECKING:
    from wirebrick.runtime.live import Snapshot
    from wirebrick.runtime.progress import Progress


class Stats:
    """Called with the progress of a run: writes a line to ``file`` each ``seconds``."""

    def __init__(self, seconds: float, file: TextIO) -> None:
        self._seconds = seconds
        self._file = file
        self._before: Snapshot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do."""

    def note(self, text: str) -> None:
        """Tell something that has happened in the meantime."""
        tell(text)

    def __call__(self, state: Progress) -> None:
        """Write a line, if it is time."""
        now, before = state.snapshot, self._before
        if now is None:
            return
        if before is None:
            self._before = now
        elif now.elapsed_s - before.elapsed_s >= self._seconds:
            print(json.dumps(line(before, now, state.hanging)), file=self._file, flush=True)
            self._before = now


def line(before: Snapshot, now: Snapshot, hanging: tuple[int, ...]) -> dict[str, Any]:
    """The object of a line: totals, and rates since the last one (packets and bits a second, share of time)."""
    # Imported here: it is asked for once in a while.
    from wirebrick.cli.rates import rates

    found = rates(before, now)
    return {
        "elapsed_s": round(now.elapsed_s, 3),
        "ports": [
            {**asdict(port), **_rounded(asdict(one))}
            for port, one in zip(now.ports, found.ports, strict=True)
        ],
        "nfs": [{**asdict(nf), **_rounded(asdict(one))} for nf, one in zip(now.nfs, found.nfs, strict=True)],
        "drops": now.drops,
        "workers": [
            {**_rounded(asdict(one)), "load": round(one.load, 4), "hangs": one.worker in hanging}
            for one in found.workers
        ],
    }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 1) if isinstance(value, float) else value for key, value in values.items()}
