"""Progress of a run, in one line on a terminal; in a pipe nothing.

>>> import io
>>> progress_on(io.StringIO()) is None
True
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

PATIENCE = 0.7  # seconds without a line: most runs are over by then


class State(Protocol):
    """What a run tells about ten times a second."""

    @property
    def packets_in(self) -> int:
        """Packets received so far."""

    @property
    def packets_out(self) -> int:
        """Packets sent so far."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""

    @property
    def fraction(self) -> float | None:
        """How much of the input is done, 0 .. 1, or None."""


def progress_on(file: TextIO) -> ProgressLine | None:
    """A progress line on ``file``, or None where it is no terminal."""
    return ProgressLine(file) if file.isatty() else None


class ProgressLine:
    """In a ``with`` block: a line that appears when the work takes long, and goes away in the end.

    Until it is called with a State, it says that code is being compiled.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._state: State | None = None
        self._bar: Any = None
        self._task: Any = None
        self._timer = threading.Timer(PATIENCE, self._start)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def __call__(self, state: State) -> None:
        """Show where the run is."""
        with self._lock:
            self._state = state
            if self._bar is not None:
                self._show(state)

    def _show(self, state: State) -> None:
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

        with self._lock:
            if self._timer.finished.is_set():  # the work has ended in the meantime
                return
            self._bar = Progress(
                BarColumn(bar_width=20),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                TextColumn("left:"),
                TimeRemainingColumn(),
                console=Console(file=self._file),
                transient=True,
            )
            self._task = self._bar.add_task("compiling", total=None)
            if self._state is not None:
                self._show(self._state)
            self._bar.start()
