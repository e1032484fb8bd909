"""Latencies in a histogram: 64 equal steps to each power of two, so that what is read from it is right within 1.6 %."""

from __future__ import annotations

from collections.abc import Sequence

STEPS = 64  # to each power of two
SIZE = 58 * STEPS  # of a histogram: up to 2**63 nanoseconds


def place(value: int) -> int:
    """Where a number, not negative, is counted; a user function.

    >>> [place(value) for value in (0, 63, 127, 128, 129, 130, 1 << 62)]
    [0, 63, 127, 128, 128, 129, 3648]
    """
    shift = 0
    while value >> shift >= 2 * STEPS:
        shift += 1
    return shift * STEPS + (value >> shift)


def middle(at: int) -> float:
    """The middle of the numbers that are counted at a place.

    >>> middle(63), middle(128)
    (63.0, 128.5)
    """
    shift = max(0, at // STEPS - 1)
    low = (at - shift * STEPS) << shift
    return low + ((1 << shift) - 1) / 2


def percentile(counts: Sequence[int], share: float) -> float:
    """The number that ``share`` of all counted ones don't exceed; 0 where none are.

    >>> counts = [0] * SIZE
    >>> for value in range(1, 101):
    ...     counts[place(value)] += 1
    >>> percentile(counts, 0.5), percentile(counts, 1.0), percentile([0] * SIZE, 0.5)
    (50.0, 100.0, 0.0)
    """
    wanted, passed = share * sum(counts), 0
    for at, count in enumerate(counts):
        passed += count
        if count and passed >= wanted:
            return middle(at)
    return 0.0
