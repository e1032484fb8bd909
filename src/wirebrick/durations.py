"""Durations as users give them, in seconds, and as they are kept, in nanoseconds."""

from __future__ import annotations

from typing import Any

MOST_SECONDS = 1e9  # some 30 years


def nanoseconds(seconds: Any) -> int | None:
    """Seconds as nanoseconds, at least one; None for what is no number above 0 and up to a billion.

    >>> nanoseconds(1.5), nanoseconds(1e-12), nanoseconds(0), nanoseconds(True), nanoseconds("1")
    (1500000000, 1, None, None, None)
    """
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 < seconds <= MOST_SECONDS:
        return None
    return max(1, round(float(seconds) * 1e9))
