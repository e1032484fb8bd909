"""The numbers a run is given, checked.

>>> check_arguments(0, None, None, None, "adaptive", None)
Traceback (most recent call last):
wirebrick.errors.ParameterError: workers=0: a run has 1 to 1024
  help: give one for each core
"""

from __future__ import annotations

from typing import Any

from wirebrick.errors import ParameterError
from wirebrick.runtime.mempool import LARGEST_BURST
from wirebrick.runtime.trace import Observer

MOST_WORKERS = 1024
POLLS = (
    "adaptive",
    "busy",
)  # what workers do while no packets come in: rest, or look for them without a break


def check_arguments(
    workers: int,
    duration: float | None,
    count: int | None,
    burst: int | None,
    poll: str,
    observer: Observer | None,
) -> None:
    """Refuse what makes no run; ``observer``: one that compiled code should tell. Raises ParameterError."""
    if not _whole(workers) or not 1 <= workers <= MOST_WORKERS:
        raise ParameterError(
            f"workers={workers!r}: a run has 1 to {MOST_WORKERS}", cure="give one for each core"
        )
    if count is not None and (not _whole(count) or not 1 <= count < 1 << 62):
        raise ParameterError(f"count={count!r}: it is a number of packets, 1 or more")
    if duration is not None and (not isinstance(duration, int | float) or not duration > 0):
        raise ParameterError(f"duration={duration!r}: it is a number of seconds, more than 0")
    if burst is not None and (not _whole(burst) or not 1 <= burst <= LARGEST_BURST):
        raise ParameterError(f"burst={burst!r}: it is a number of packets, 1 to {LARGEST_BURST}")
    if poll not in POLLS:
        raise ParameterError(f"poll={poll!r}: it is {' or '.join(POLLS)}", cure='"adaptive" spares the core')
    if observer is not None:
        raise ParameterError("compiled code can't be observed", cure="run with interpret=True")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
