"""SIGINT and SIGTERM: the first ends a run after its totals, the second ends the process at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While this lasts, a signal sets ``stop``; ``status`` is then 130 (SIGINT) or 143 (SIGTERM), else 0.

    >>> with Interrupts() as interrupts:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     interrupts.stop.is_set(), interrupts.status
    (True, 143)
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.status = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.status = 128 + number
        self.stop.set()
        # The kernel ends the process the next time, even where Python would not get to it.
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
