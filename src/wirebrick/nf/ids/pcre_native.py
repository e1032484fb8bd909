"""Expressions in payloads, native."""

from __future__ import annotations

from wirebrick.nf.ids.layout import B_REGEXES, D_FUEL, D_WAYS, I_A, I_FLAGS, RELATIVE
from wirebrick.packet.memory import load64, store64
from wirebrick.state.regexes_native import regexes_search


def ids_pcre(
    book: int, desk: int, step: int, base: int, size: int, begin: int, cursor: int, resume: int
) -> int:
    """Where the match of an expression ends that is first at or behind ``resume``; -1: there is none.

    ``^`` is where the payload begins or, of a relative one, the cursor: never where the bytes begin that are left
    of a stream.
    """
    first = 0
    if load64(step + I_FLAGS) & RELATIVE != 0:
        if cursor < 0 or cursor > size:
            return -1
        first = cursor
    start = max(resume - first, 0)
    if first == 0 and begin < 0:
        start = max(start, 1)
    store64(desk + D_FUEL, load64(desk + D_FUEL) - (max(size - first - start, 0) >> 2))
    ways = desk + load64(desk + D_WAYS)
    end = regexes_search(
        book + load64(book + B_REGEXES), ways, load64(step + I_A), base + first, size - first, start
    )
    return first + end if end >= 0 else -1
