"""Sets of numbers as sorted ranges that don't touch: what address and port lists become.

>>> union([(1, 2), (5, 9)], [(3, 4)])
((1, 9),)
>>> minus(((0, 255),), ((10, 19), (255, 255)))
((0, 9), (20, 254))
"""

from __future__ import annotations

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]  # both ends belong to a range


def union(*sets: Iterable[tuple[int, int]]) -> Ranges:
    """All that is in one of the sets."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(one for ranges in sets for one in ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def minus(ranges: Ranges, without: Ranges) -> Ranges:
    """What is in ``ranges`` and not in ``without``; both are sorted."""
    found = []
    for low, high in ranges:
        for begin, end in without:
            if end < low:
                continue
            if begin > high:
                break
            if begin > low:
                found.append((low, begin - 1))
            low = end + 1
        if low <= high:
            found.append((low, high))
    return tuple(found)
