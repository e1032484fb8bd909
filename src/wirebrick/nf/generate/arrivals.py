"""A numbered stream as its receiver sees it: what came, late, or twice (RFC 4737, RFC 5560)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.fields import U64
from wirebrick.state.record import Record

WINDOW = 1 << 16  # numbers that are remembered: what comes later than that can't be told from a double


class Arrivals(Record):
    """Counts; ``next`` is the number that is expected, times are nanoseconds."""

    next: U64
    received: U64  # each number once
    doubles: U64
    reordered: U64
    fastest: U64
    slowest: U64
    total: U64  # of all latencies


def arrival(known: Any) -> Callable[[Any, int], bool]:
    """The function ``arrived(seen, number)``, for user functions: whether it is there for the first time.

    ``known`` is an array of WINDOW numbers, zero at first.

    >>> known, seen = [0] * WINDOW, Arrivals()
    >>> arrived = arrival(known)
    >>> [arrived(seen, number) for number in (0, 1, 4, 4, 2, 3, 2)]
    [True, True, True, False, True, True, False]
    >>> seen.next, seen.received, seen.doubles, seen.reordered
    (5, 5, 2, 2)
    """

    def arrived(seen: Any, number: int) -> bool:
        at = number % WINDOW
        if known[at] == number + 1:
            seen.doubles += 1
            return False
        if number >= seen.next:
            seen.next = number + 1
        else:
            seen.reordered += 1
        if known[at] <= number:
            known[at] = number + 1
        seen.received += 1
        return True

    return arrived
