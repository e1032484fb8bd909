"""Made packets in real time: no more of them than the rate allows by the wall's clock, with its time.

What could not be made is made up for when it is no longer ago than LATE. Runs in CPython and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, store64
from wirebrick.ports.base import ENDED
from wirebrick.ports.clock_native import clock
from wirebrick.ports.memory.native import (
    S_GAP,
    S_INDEX,
    S_INDEX_AT,
    S_INDEX_END,
    S_LEFT,
    S_LENGTH,
    S_TIME,
    STATE,
    receive,
)

# Behind the state block of the packets.
P_CLOCK = STATE  # address of clock_gettime
P_FIRST = STATE + 8  # packets or bits a second at the beginning
P_LAST = STATE + 16  # and from the end of the ramp on
P_RAMP = STATE + 24  # nanoseconds that the ramp takes, or 0
P_BITS = STATE + 32  # 1: bits a second; 0: packets
P_BEGAN = STATE + 40  # when the first packet might be made
P_THEN = STATE + 48  # when the rate was looked at last
P_CREDIT = STATE + 56  # what may be made: packets or bits, a billion times over
P_MOST = STATE + 64  # what the largest packet takes of that
P_CELL = STATE + 72  # 16 bytes for the clock to write to
PACED = STATE + 88  # bytes

SECOND = 1_000_000_000
LATE = 10_000_000  # nanoseconds
_MS = 1_000_000


def rate_at(state: int, elapsed: int) -> int:
    """Packets or bits a second, so many nanoseconds after the beginning."""
    first = load64(state + P_FIRST)
    ramp = load64(state + P_RAMP)
    if elapsed >= ramp:
        return load64(state + P_LAST)
    return first + (load64(state + P_LAST) - first) * (elapsed // _MS) // max(1, ramp // _MS)


def credit_at(state: int, now: int) -> int:
    """What may be made by now."""
    then = load64(state + P_THEN)
    if then == 0:
        store64(state + P_BEGAN, now)
        then = now
    store64(state + P_THEN, max(now, then))
    rate = rate_at(state, now - load64(state + P_BEGAN))
    credit = load64(state + P_CREDIT) + min(max(now - then, 0), LATE) * rate
    return min(credit, LATE * rate + load64(state + P_MOST))


def cost(length: int, bits: int) -> int:
    """What a packet takes of the credit."""
    return length * 8 * SECOND if bits != 0 else SECOND


def receive_paced(state: int, context: int, room: int) -> int:
    """Write up to ``room`` packets into the burst, as the rate allows; how many, or ENDED behind the last one."""
    if load64(state + S_LEFT) <= 0:
        return ENDED
    now = clock(load64(state + P_CLOCK), state + P_CELL)
    credit = credit_at(state, now)
    bits = load64(state + P_BITS)
    length = load64(state + S_LENGTH)
    most = min(room, load64(state + S_LEFT))
    count = 0
    if length != 0 or bits == 0:
        count = min(most, credit // cost(length, bits))
        credit -= count * cost(length, bits)
    else:
        entry = load64(state + S_INDEX_AT)
        while count < most and credit >= cost(load32(entry + 4), bits):
            credit -= cost(load32(entry + 4), bits)
            count += 1
            entry += 8
            if entry == load64(state + S_INDEX_END):
                entry = load64(state + S_INDEX)
    store64(state + P_CREDIT, credit)
    if count == 0:
        return 0
    store64(state + S_TIME, now)
    store64(state + S_GAP, 0)
    return receive(state, context, count)
