"""Progress of a run, in one line on a terminal; in a pipe nothing.

>>> import io
>>> progress_on(io.StringIO()) is None
True
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

PATIENCE = 0.7  # seconds without a line: most runs are over by then


class State(Protocol):
    """What a run tells about ten times a second."""

    packets_in: int
    packets_out: int
    elapsed_s: float
    fraction: float | None


def progress_on(file: TextIO) -> ProgressLine | None:
    """A progress line on ``file``, or None where it is no terminal."""
    return ProgressLine(file) if file.isatty() else None


class ProgressLine:
    """Call it with a State; leave it (``with``) to take the line away."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._begin = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, state: State) -> None:
        """Show where the run is."""
        if self._bar is None:
            if time.monotonic() - self._begin < PATIENCE:
                return
            self._start()
        rate = state.packets_in / state.elapsed_s / 1e6 if state.elapsed_s > 0 else 0.0
        self._bar.update(
            self._task,
            total=None if state.fraction is None else 1.0,
            completed=state.fraction or 0.0,
            description=f"{state.packets_in:,} packets in, {state.packets_out:,} out, {rate:.2f} Mpps",
        )

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=self._file),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._bar.start()
