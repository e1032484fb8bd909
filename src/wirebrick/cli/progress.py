"""Progress of a run, in one line on a terminal, or as a live view; in a pipe nothing.

>>> import io
>>> progress_on(io.StringIO()) is None
True
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from wirebrick.cli.main import tell

if TYPE_CHECKING:
    from wirebrick.cli.view import View

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

    Until it is called with a State, it says that code is being compiled. A run without a known end gets the live
    view instead.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._state: State | None = None
        self._shown: Bar | View | None = None
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
            if self._shown is not None:
                self._shown.stop()
                self._shown = None

    def __call__(self, state: State) -> None:
        """Show where the run is."""
        with self._lock:
            self._state = state
            if self._shown is not None:
                self._show(state)

    def note(self, text: str) -> None:
        """Tell something that has happened in the meantime."""
        with self._lock:
            if self._shown is not None:
                self._shown.note(text)
                return
        tell(text)

    def _start(self) -> None:
        with self._lock:
            if self._timer.finished.is_set():  # the work has ended in the meantime
                return
            self._shown = Bar(self._file)
            if self._state is not None:
                self._show(self._state)

    def _show(self, state: State) -> None:
        if isinstance(self._shown, Bar) and not self._shown.told and _is_endless(state):
            from wirebrick.cli.view import View

            self._shown.stop()
            self._shown = View(self._file)
        if self._shown is not None:
            self._shown.show(state)  # type: ignore[arg-type]


def _is_endless(state: State) -> bool:
    """Whether it is a run that no input ends, with counts to be shown."""
    return state.fraction is None and getattr(state, "snapshot", None) is not None


class Bar:
    """The line, on a terminal, until ``stop``."""

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.told = False
        self._bar = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=Console(file=file),
            transient=True,
        )
        self._task = self._bar.add_task("compiling", total=None)
        self._bar.start()
        # A second signal ends the process at once: then the cursor must be there.
        self._bar.console.show_cursor(True)

    def show(self, state: State) -> None:
        """How far it is."""
        self.told = True
        rate = state.packets_in / state.elapsed_s / 1e6 if state.elapsed_s > 0 else 0.0
        self._bar.update(
            self._task,
            total=None if state.fraction is None else 1.0,
            completed=state.fraction or 0.0,
            description=f"{state.packets_in:,} packets in, {state.packets_out:,} out, {rate:.2f} Mpps",
        )

    def note(self, text: str) -> None:
        """Tell something that has happened, above the line."""
        self._bar.console.print(text, markup=False)

    def stop(self) -> None:
        """Take it away."""
        self._bar.stop()
