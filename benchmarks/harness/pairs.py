"""Measuring two things in turn, so that what disturbs the machine disturbs both.

>>> numbers = iter([9, 1, 4.0, 2.0, 3.0, 6.0])  # the first two warm up; then ours, theirs, theirs, ours
>>> interleaved(lambda: next(numbers), lambda: next(numbers), 2)
((4.0, 6.0), (2.0, 3.0))
"""

from __future__ import annotations

from collections.abc import Callable

Measured = tuple[float, ...]


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], repeats: int
) -> tuple[Measured, Measured]:
    """Measure ``repeats`` pairs, after one that warms up; each is first in every other pair."""
    ours()
    theirs()
    mine, other = [], []
    for number in range(repeats):
        if number % 2:
            other.append(theirs())
            mine.append(ours())
        else:
            mine.append(ours())
            other.append(theirs())
    return tuple(mine), tuple(other)
