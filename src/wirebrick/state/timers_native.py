"""The clock of a worker's events: what is due when, and how often each was called; run in CPython and compiled.

A block is a header and an entry for each event, all 64-bit words. In the header lies a descriptor that is no
packet's: it has the time of the event that is being called, where state objects look for the time of a packet.
The clock is that of the worker's packets (ns), cut to 0 .. LATEST, so that no sum leaves 64 bits.

>>> import ctypes
>>> words = (ctypes.c_int64 * (timers_size(1) // 8))()
>>> block = ctypes.addressof(words)
>>> timers_set(block, 0, 10, 1); timers_start(block, 100)  # every 10 ns, from 100 on
0
0
>>> timers_next(block, 109), timers_next(block, 110)
(-1, 0)
>>> load64(timers_take(block, 0, 113) + D_TIME), load64(block + T_MOMENT + MOMENT_LATE)
(110, 3)
"""

from __future__ import annotations

from wirebrick.packet.frame import D_TIME, DESCRIPTOR, W_BURST, W_COUNT, W_DUE, W_NOW
from wirebrick.packet.memory import load64, store64

# The header.
T_EVENTS = 0  # how many there are
T_STARTED = 8  # 1: the clock runs
T_DUE = 16  # when the next event is due
T_MOMENT = 32  # the descriptor with the time of the event that is being called
T_ENTRIES = 128  # the entries begin here

MOMENT_LATE = DESCRIPTOR  # behind that descriptor: how long ago the event was due

# An entry.
E_PERIOD = 0
E_REPEATS = 8  # 1: every period; 0: once
E_DUE = 16  # when it is due next; NEVER: no more
E_FIRED = 24
E_LATE = 32  # calls more than a period after they were due
E_OVERRUNS = 40  # periods that were left out
E_FAULTS = 64  # calls that failed, by the number of the fault
FAULTS = 16
E_SIZE = 192

NEVER = (1 << 63) - 1
LATEST = 1 << 62  # of the clock: in the year 2116
CATCH_UP = 64  # periods of an event that are called after a jump of the clock


def timers_size(events: int) -> int:
    """Bytes of a block."""
    return T_ENTRIES + events * E_SIZE


def timers_entry(block: int, number: int) -> int:
    """Address of an event's entry."""
    return block + T_ENTRIES + number * E_SIZE


def timers_set(block: int, number: int, period: int, repeats: int) -> int:
    """Add event ``number`` (from 0, in order) to a block of zeros."""
    entry = timers_entry(block, number)
    store64(entry + E_PERIOD, period)
    store64(entry + E_REPEATS, repeats)
    store64(entry + E_DUE, NEVER)
    store64(block + T_EVENTS, number + 1)
    store64(block + T_DUE, NEVER)
    return 0


def timers_clock(time: int) -> int:
    """A packet's time as the clock has it."""
    return min(max(time, 0), LATEST)


def timers_start(block: int, time: int) -> int:
    """Start the clock: every event is due its period from now."""
    now = timers_clock(time)
    for number in range(load64(block + T_EVENTS)):
        entry = timers_entry(block, number)
        store64(entry + E_DUE, now + load64(entry + E_PERIOD))
    store64(block + T_STARTED, 1)
    return timers_settle(block)


def timers_settle(block: int) -> int:
    """Find out when the next event is due. Returns 0."""
    first = NEVER
    for number in range(load64(block + T_EVENTS)):
        first = min(first, load64(timers_entry(block, number) + E_DUE))
    store64(block + T_DUE, first if first <= LATEST else NEVER)
    return 0


def timers_begin(context: int, block: int) -> int:
    """Before a burst: start the clock with its first packet, or, in an idle worker, with the worker's clock.

    Returns 1 where there are no packets and events are due by the worker's clock, else 0.
    """
    count = load64(context + W_COUNT)
    now = load64(context + W_NOW)
    if load64(block + T_STARTED) == 0:
        if count > 0:
            now = load64(load64(context + W_BURST) + D_TIME)
        elif now <= 0:
            return 0
        timers_start(block, now)
        store64(context + W_DUE, load64(block + T_DUE))
    if count > 0 or now < load64(block + T_DUE):
        return 0
    return 1


def timers_catch_up(block: int, time: int) -> int:
    """The clock has come to ``time``: leave out, counted, what is too long ago. Returns 0."""
    now = timers_clock(time)
    for number in range(load64(block + T_EVENTS)):
        entry = timers_entry(block, number)
        due = load64(entry + E_DUE)
        if due <= now and load64(entry + E_REPEATS) != 0:
            period = load64(entry + E_PERIOD)
            skipped = (now - due) // period + 1 - CATCH_UP
            if skipped > 0:
                store64(entry + E_DUE, due + skipped * period)
                store64(entry + E_OVERRUNS, load64(entry + E_OVERRUNS) + skipped)
    return 0


def timers_next(block: int, time: int) -> int:
    """The event that is due first, at ``time`` or before, of several the one declared first; -1: none is."""
    found = -1
    earliest = timers_clock(time) + 1
    for number in range(load64(block + T_EVENTS)):
        due = load64(timers_entry(block, number) + E_DUE)
        if due < earliest:
            found = number
            earliest = due
    return found


def timers_take(block: int, number: int, time: int) -> int:
    """An event is about to be called: count it. Returns the address of the descriptor with its time."""
    now = timers_clock(time)
    entry = timers_entry(block, number)
    due = load64(entry + E_DUE)
    period = load64(entry + E_PERIOD)
    store64(entry + E_FIRED, load64(entry + E_FIRED) + 1)
    if now - due > period:
        store64(entry + E_LATE, load64(entry + E_LATE) + 1)
    store64(entry + E_DUE, due + period if load64(entry + E_REPEATS) != 0 else NEVER)
    store64(block + T_MOMENT + D_TIME, due)
    store64(block + T_MOMENT + MOMENT_LATE, now - due)
    return block + T_MOMENT


def timers_fault(block: int, number: int, code: int) -> int:
    """A call of an event has failed."""
    at = timers_entry(block, number) + E_FAULTS + 8 * code
    store64(at, load64(at) + 1)
    return 0


def timers_end(context: int, block: int, time: int) -> int:
    """All that was due at ``time`` was called: when the worker has to look again. Returns 0."""
    timers_settle(block)
    store64(context + W_DUE, load64(block + T_DUE))
    if time > load64(context + W_NOW):
        store64(context + W_NOW, time)
    return 0
