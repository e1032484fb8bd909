"""Numbers in payloads, native: binary or as digits, and what is made of them."""

from __future__ import annotations

from wirebrick.nf.ids.layout import (
    AND,
    AT_LEAST,
    AT_MOST,
    D_VARIABLES,
    EQUAL,
    I_A,
    I_B,
    I_C,
    I_FLAGS,
    LESS,
    LITTLE,
    MORE,
    OFFSET_VARIABLE,
    RELATIVE,
)
from wirebrick.packet.memory import load8, load64, shift_right

MASK32 = 0xFFFFFFFF
FAILED = -1


def ids_place(desk: int, step: int, cursor: int, begin: int) -> int:
    """Where a step reads: its offset, from the cursor or from where the payload begins."""
    flags = load64(step + I_FLAGS)
    offset = load64(step + I_B)
    if flags & OFFSET_VARIABLE != 0:
        offset = load64(desk + D_VARIABLES + 8 * offset)
    return (cursor if flags & RELATIVE != 0 else begin) + offset


def ids_number(step: int, base: int, size: int, at: int) -> int:
    """The number at an offset of the payload and, in the bits from 32 on, how many bytes it has; FAILED: none."""
    count = load64(step + I_A) & 255
    radix = load64(step + I_A) >> 8
    if at < 0 or at >= size:
        return FAILED
    if radix != 0:
        return ids_digits(base + at, min(count, size - at), radix)
    if at + count > size:
        return FAILED
    value = 0
    little = load64(step + I_FLAGS) & LITTLE
    for i in range(count):
        value = value << 8 | load8(base + at + (count - 1 - i if little != 0 else i))
    return count << 32 | value


def ids_digits(at: int, size: int, radix: int) -> int:
    """A number in digits, as ids_number has it: blanks before it, 0x before a hexadecimal one; at most 32 bits."""
    i = 0
    while i < size and (load8(at + i) == 32 or (load8(at + i) >= 9 and load8(at + i) <= 13)):
        i += 1
    hex = radix == 16 and i + 2 < size and load8(at + i) == 48 and load8(at + i + 1) | 32 == 120
    if hex and ids_digit(load8(at + i + 2), 16) >= 0:
        i += 2
    value = 0
    found = 0
    while i < size:
        digit = ids_digit(load8(at + i), radix)
        if digit < 0:
            break
        value = min(value * radix + digit, MASK32)
        found = 1
        i += 1
    return i << 32 | value if found != 0 else FAILED


def ids_digit(letter: int, radix: int) -> int:
    """The worth of a digit, or -1."""
    worth = -1
    if letter >= 48 and letter <= 57:
        worth = letter - 48
    elif letter | 32 >= 97 and letter | 32 <= 102:
        worth = (letter | 32) - 87
    return worth if worth < radix else -1


def ids_masked(step: int, value: int) -> int:
    """The number behind the mask of a step, moved down by the zeros at the mask's end."""
    mask = load64(step + I_C)
    if mask == 0:
        return value
    value &= mask
    while mask & 1 == 0:
        mask = shift_right(mask, 1)
        value = shift_right(value, 1)
    return value


def ids_scaled(value: int, how: int) -> int:
    """The number times a multiplier (16 bits), rounded up to a multiple of what is above it (8 bits)."""
    value = value * (how & 0xFFFF) & MASK32
    align = how >> 16 & 255
    if align != 0:
        value = (value + align - 1) // align * align
    return value


def ids_compared(operator: int, value: int, other: int) -> int:
    """1 where byte_test's operator holds."""
    result = False
    if operator == LESS:
        result = value < other
    elif operator == MORE:
        result = value > other
    elif operator == EQUAL:
        result = value == other
    elif operator == AT_MOST:
        result = value <= other
    elif operator == AT_LEAST:
        result = value >= other
    elif operator == AND:
        result = value & other != 0
    else:
        result = value ^ other != 0
    return 1 if result else 0
