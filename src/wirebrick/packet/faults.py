"""Faults: what can go wrong in a user function at run time. Each costs the packet, counted with its reason."""

from __future__ import annotations

INDEX, DIVISION, OVERFLOW, FUEL, VALUE, RAISE, ROOM, OWNER = range(1, 9)

DEFAULT_FUEL = 1_000_000  # loop iterations that a user function may make for one packet

REASONS = {
    INDEX: "fault_index",
    DIVISION: "fault_division",
    OVERFLOW: "fault_overflow",
    FUEL: "fault_fuel",
    VALUE: "fault_value",
    RAISE: "fault_raise",
    ROOM: "fault_room",
    OWNER: "fault_owner",
}

MEANINGS = {
    INDEX: "an index outside of its range",
    DIVISION: "a division by zero",
    OVERFLOW: "an integer that does not fit 64 bits",
    FUEL: "more loop iterations than a packet may have",
    VALUE: "a value that an operation can't take (a negative shift, int() of a float without a whole number)",
    RAISE: "a raise or a failed assert",
    ROOM: "no room in the frame, or no free frame for a copy",
    OWNER: "a write to a Bounded state object by a worker that is not its writer",
}


class Fault(Exception):
    """Raised by interpreted user functions; ``code`` is one of the constants of this module."""

    def __init__(self, code: int) -> None:
        super().__init__(MEANINGS[code])
        self.code = code


def code_of(error: Exception) -> int:
    """Which fault an exception of an interpreted user function is.

    >>> REASONS[code_of(IndexError())]
    'fault_index'
    """
    if isinstance(error, Fault):
        return error.code
    if isinstance(error, IndexError):
        return INDEX
    if isinstance(error, ZeroDivisionError):
        return DIVISION
    if isinstance(error, OverflowError):
        return OVERFLOW
    if isinstance(error, ValueError):
        return VALUE
    return RAISE
