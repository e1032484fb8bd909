"""The steps of a rule through a payload, native: whether there is a way to satisfy all of them.

Steps are taken in their order. Where a content is followed by others that count from its end, the first place where it
stands may be the wrong one: then the next places are tried too, until all ways were tried or the fuel is used up.
"""

from __future__ import annotations

from wirebrick.nf.ids.layout import (
    BEGINNING,
    CHOICE,
    D_FUEL,
    D_STACK,
    D_VARIABLES,
    DO_AT,
    DO_CONTENT,
    DO_EXTRACT,
    DO_PCRE,
    DO_TEST,
    END,
    I_A,
    I_B,
    I_C,
    I_D,
    I_E,
    I_FLAGS,
    I_KIND,
    NEGATED,
    NOCASE,
    OFFSET_VARIABLE,
    RELATIVE,
    RETRY,
    SECOND_VARIABLE,
    STEP,
)
from wirebrick.nf.ids.numbers_native import ids_compared, ids_masked, ids_number, ids_place, ids_scaled
from wirebrick.nf.ids.pcre_native import ids_pcre
from wirebrick.packet.memory import load8, load64, store64

MASK32 = 0xFFFFFFFF


def ids_payload(
    book: int, desk: int, steps: int, count: int, base: int, size: int, begin: int, new: int
) -> int:
    """1 where the payload at ``base`` satisfies all steps.

    ``begin``: where the payload begins, 0, or before 0 where ``base`` is somewhere in a stream. ``new``: what was
    matched must reach beyond this offset; -1: it need not.
    """
    number = 0
    resume = -1  # a content that is tried again goes on here
    cursor = begin
    reach = -1
    choices = 0
    while True:
        store64(desk + D_FUEL, load64(desk + D_FUEL) - 1)
        if load64(desk + D_FUEL) < 0:
            return 0
        ok = 1
        if number == count:
            if new < 0 or reach > new:
                return 1
            ok = 0
        else:
            step = steps + number * STEP
            kind = load64(step + I_KIND)
            flags = load64(step + I_FLAGS)
            if kind in (DO_CONTENT, DO_PCRE):
                end = 0
                after = 0
                if kind == DO_CONTENT:
                    at = ids_content(book, desk, step, base, size, begin, cursor, resume)
                    end = at + load64(step + I_B) if at >= 0 else -1
                    after = at + 1
                else:
                    end = ids_pcre(book, desk, step, base, size, begin, cursor, resume)
                    after = max(end, resume + 1)
                if flags & NEGATED != 0:
                    ok = 1 if end < 0 else 0
                elif end < 0:
                    ok = 0
                else:
                    if flags & RETRY != 0 or new >= 0:
                        choice = desk + D_STACK + choices * CHOICE
                        store64(choice, number)
                        store64(choice + 8, after)
                        store64(choice + 16, cursor)
                        store64(choice + 24, reach)
                        choices += 1
                    cursor = end
                    reach = max(reach, end)
            elif kind == DO_AT:
                ok = ids_is_data(desk, step, size, cursor, begin)
                if ok != 0 and flags & NEGATED == 0:
                    reach = max(reach, ids_place(desk, step, cursor, begin) + 1)
            else:
                at = ids_place(desk, step, cursor, begin)
                found = ids_number(step, base, size, at)
                if found < 0:
                    ok = 0
                else:
                    after = at + (found >> 32)
                    value = ids_masked(step, found & MASK32)
                    reach = max(reach, after)
                    if kind == DO_TEST:
                        ok = ids_test(desk, step, value)
                    elif kind == DO_EXTRACT:
                        store64(
                            desk + D_VARIABLES + 8 * load64(step + I_E), ids_scaled(value, load64(step + I_D))
                        )
                    else:
                        cursor = ids_jump(desk, step, value, after, begin, size)
                        ok = 1 if cursor >= begin and cursor <= size else 0
        if ok != 0:
            number += 1
            resume = -1
        else:
            if choices == 0:
                return 0
            choices -= 1
            choice = desk + D_STACK + choices * CHOICE
            number = load64(choice)
            resume = load64(choice + 8)
            cursor = load64(choice + 16)
            reach = load64(choice + 24)


def ids_content(
    book: int, desk: int, step: int, base: int, size: int, begin: int, cursor: int, resume: int
) -> int:
    """Where a content stands first, in its place and not before ``resume``; -1: nowhere."""
    flags = load64(step + I_FLAGS)
    offset = load64(step + I_C)
    depth = load64(step + I_D)
    if flags & OFFSET_VARIABLE != 0:
        offset = load64(desk + D_VARIABLES + 8 * offset)
    if flags & SECOND_VARIABLE != 0:
        depth = load64(desk + D_VARIABLES + 8 * depth)
    low = (cursor if flags & RELATIVE != 0 else begin) + offset
    high = size if depth < 0 else min(size, low + depth)
    low = max(low, resume, begin, 0)
    text = book + load64(step + I_A)
    length = load64(step + I_B)
    last = high - length
    store64(desk + D_FUEL, load64(desk + D_FUEL) - (max(last - low, 0) >> 3))
    if flags & NOCASE != 0:
        return ids_find_folded(base, low, last, text, length)
    return ids_find(base, low, last, text, length)


def ids_find(base: int, at: int, last: int, text: int, length: int) -> int:
    """The first offset from ``at`` to ``last`` where the text stands, or -1."""
    first = load8(text)
    while at <= last:
        if load8(base + at) == first:
            i = 1
            while i < length and load8(base + at + i) == load8(text + i):
                i += 1
            if i == length:
                return at
        at += 1
    return -1


def ids_find_folded(base: int, at: int, last: int, text: int, length: int) -> int:
    """The same where letters match in either case; the text is in lower case."""
    first = load8(text)
    while at <= last:
        if ids_fold(load8(base + at)) == first:
            i = 1
            while i < length and ids_fold(load8(base + at + i)) == load8(text + i):
                i += 1
            if i == length:
                return at
        at += 1
    return -1


def ids_fold(letter: int) -> int:
    """A letter in lower case."""
    return letter + 32 if letter >= 65 and letter <= 90 else letter


def ids_is_data(desk: int, step: int, size: int, cursor: int, begin: int) -> int:
    """1 where isdataat holds: the byte is there (or, negated, is not)."""
    at = ids_place(desk, step, cursor, begin)
    there = at >= begin and at < size
    return 1 if there != (load64(step + I_FLAGS) & NEGATED != 0) else 0


def ids_test(desk: int, step: int, value: int) -> int:
    """1 where byte_test holds."""
    other = load64(step + I_E)
    flags = load64(step + I_FLAGS)
    if flags & SECOND_VARIABLE != 0:
        other = load64(desk + D_VARIABLES + 8 * other)
    holds = ids_compared(load64(step + I_D), value, other)
    return 1 - holds if flags & NEGATED != 0 else holds


def ids_jump(desk: int, step: int, value: int, after: int, begin: int, size: int) -> int:
    """Where byte_jump leads to."""
    how = load64(step + I_D)
    post = load64(step + I_E)
    if load64(step + I_FLAGS) & SECOND_VARIABLE != 0:
        post = load64(desk + D_VARIABLES + 8 * post)
    origin = how >> 24
    start = after
    if origin == BEGINNING:
        start = begin
    elif origin == END:
        start = size
    return start + ids_scaled(value, how & 0xFFFFFF) + post
