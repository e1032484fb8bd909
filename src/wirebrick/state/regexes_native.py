"""Regexes' native part: a search by table where the automaton is small enough, else by following all ways at once.

Both give the end of the first match, and of those that begin there, of the one that PCRE finds first. Both take a
time that grows with the data only.
"""

from __future__ import annotations

from wirebrick.packet.memory import fill, load8, load16, load32, load64, store32, store64
from wirebrick.state.regex_program import BYTE, LONGEST, PLACE, SPLIT
from wirebrick.state.regexes_layout import (
    E_BEGIN,
    E_CLASSES,
    E_CODE,
    E_LENGTH,
    E_START,
    E_TABLE,
    E_WIDTH,
    END,
    ENTRY,
    I_A,
    I_B,
    I_OP,
    INSTRUCTION,
    LAST_NEWLINE,
    SET,
    W_LISTS,
    W_STEP,
    X_COUNT,
    X_ENTRIES,
)

NEWLINE = 10
LISTS = 4 * (LONGEST + 8)
STACK = 8 * (LONGEST + 8)


def regexes_search(block: int, own: int, number: int, data: int, size: int, start: int) -> int:
    """The end of the first match of an expression at or behind ``start``, or -1."""
    if number >= load64(block + X_COUNT) or start > size:
        return -1
    entry = block + X_ENTRIES + number * ENTRY
    if load64(entry + E_TABLE) != 0:
        return regexes_table(block, entry, data, size, start)
    return regexes_ways(block, entry, own, data, size, start)


def regexes_table(block: int, entry: int, data: int, size: int, start: int) -> int:
    """A search by table."""
    table = block + load64(entry + E_TABLE)
    classes = block + load64(entry + E_CLASSES)
    width = load64(entry + E_WIDTH)
    begin = 0
    if start > 0:
        before = load8(data + start - 1)
        begin = 1 if before == NEWLINE else (2 if regexes_word(before) != 0 else 3)
    state = load16(entry + E_BEGIN + 2 * begin)
    found = -1
    at = start
    while at < size:
        byte = load8(data + at)
        if byte == NEWLINE and at + 1 == size:
            byte = LAST_NEWLINE
        after = load16(table + 2 * (state * width + load8(classes + byte)))
        if after & 1 != 0:
            found = at
        state = after >> 1
        if state == 0:
            return found
        at += 1
    if load16(table + 2 * (state * width + load8(classes + END))) & 1 != 0:
        found = size
    return found


def regexes_word(byte: int) -> int:
    """1 for a letter, a digit or _."""
    letter = byte | 32
    if (letter >= 97 and letter <= 122) or (byte >= 48 and byte <= 57) or byte == 95:
        return 1
    return 0


def regexes_place(kind: int, data: int, size: int, at: int) -> int:
    """1 where an assertion holds: numbers as in ``regex_program.PLACES``."""
    before = load8(data + at - 1) if at > 0 else -1
    after = load8(data + at) if at < size else -1
    if kind == 0:
        return 1 if at == 0 else 0
    if kind == 1:
        return 1 if at == 0 or before == NEWLINE else 0
    if kind == 2:
        return 1 if at == size else 0
    if kind == 3:
        return 1 if at == size or (at + 1 == size and after == NEWLINE) else 0
    if kind == 4:
        return 1 if at == size or after == NEWLINE else 0
    word = (regexes_word(before) if at > 0 else 0) ^ (regexes_word(after) if at < size else 0)
    return word if kind == 5 else 1 - word


def regexes_ways(block: int, entry: int, own: int, data: int, size: int, start: int) -> int:
    """A search along all ways at once: at each byte the instructions that wait for it, in order of preference."""
    code = block + load64(entry + E_CODE)
    sets = code + load64(entry + E_LENGTH) * INSTRUCTION
    here = own + W_LISTS
    there = here + LISTS
    stack = there + LISTS
    marks = stack + STACK
    store32(here, load64(entry + E_START))
    count = 1
    found = -1
    at = start
    while count != 0 and at <= size:
        step = load64(own + W_STEP) + 1
        if step >> 32 != 0:
            fill(marks, 0, LISTS)
            step = 1
        store64(own + W_STEP, step)
        byte = load8(data + at) if at < size else -1
        following = 0
        turn = 0
        while turn < count:
            store32(stack, load32(here + 4 * turn))
            turn += 1
            depth = 1
            while depth != 0:
                depth -= 1
                number = load32(stack + 4 * depth)
                if load32(marks + 4 * number) == step:
                    continue
                store32(marks + 4 * number, step)
                instruction = code + number * INSTRUCTION
                op = load32(instruction + I_OP)
                a = load32(instruction + I_A)
                b = load32(instruction + I_B)
                if op == BYTE:
                    if byte >= 0 and load8(sets + a * SET + (byte >> 3)) >> (byte & 7) & 1 != 0:
                        store32(there + 4 * following, b)
                        following += 1
                elif op == SPLIT:
                    store32(stack + 4 * depth, b)
                    store32(stack + 4 * depth + 4, a)
                    depth += 2
                elif op == PLACE:
                    if regexes_place(a, data, size, at) != 0:
                        store32(stack + 4 * depth, b)
                        depth += 1
                else:  # a match: what is less preferred doesn't count any more
                    found = at
                    depth = 0
                    turn = count
        swap = here
        here = there
        there = swap
        count = following
        at += 1
    return found
