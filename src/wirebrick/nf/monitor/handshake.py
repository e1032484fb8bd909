"""The round trip times of TCP handshakes: a histogram that user functions fill, and its percentiles.

Buckets are a sixteenth of a power of two wide: a percentile is at most 6.25 % too high.
"""

from __future__ import annotations

from collections.abc import Sequence

STEPS = 16  # buckets for each doubling
BUCKETS = STEPS * 60
PERCENTS = (50, 95, 99)


def bucket(microseconds: int) -> int:
    """The bucket of a time (in user functions).

    >>> bucket(3), bucket(16), bucket(17), bucket(32), bucket(33)
    (3, 16, 17, 32, 32)
    """
    doublings = 0
    value = max(microseconds, 0)
    while value >= 2 * STEPS:
        value >>= 1
        doublings += 1
    return min(doublings * STEPS + value, BUCKETS - 1)


def highest(number: int) -> int:
    """The highest time in a bucket, in microseconds.

    >>> [highest(bucket(time)) for time in (3, 16, 33, 1000)]
    [3, 16, 33, 1023]
    """
    if number < 2 * STEPS:
        return number
    doublings, value = number // STEPS - 1, number % STEPS + STEPS
    return (value + 1 << doublings) - 1


def percentiles(counts: Sequence[int]) -> list[float]:
    """The times below which 50, 95 and 99 percent lie, and the highest, in milliseconds; nothing without any.

    >>> counts = [0] * BUCKETS
    >>> for time in range(1, 101):
    ...     counts[bucket(1000 * time)] += 1
    >>> percentiles(counts)
    [51.199, 98.303, 102.399, 102.399]
    >>> percentiles([0] * BUCKETS)
    []
    """
    total = sum(counts)
    if not total:
        return []
    found, seen = [], 0
    wanted = [-(-total * percent // 100) for percent in PERCENTS] + [total]
    for number, count in enumerate(counts):
        seen += count
        while wanted and seen >= wanted[0]:
            found.append(highest(number) / 1000)
            wanted.pop(0)
    return found
