"""Meters: packets become green, yellow or red, exactly, by one rate (RFC 2697) or two (RFC 2698), color-blind.

Kept is what is missing in each bucket, in bits (or packets) a billion times over: so a nanosecond brings exactly
``rate``, nothing is rounded, and a record of zeros is a meter with full buckets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirebrick.fields import U64
from wirebrick.state.record import Record

GREEN, YELLOW, RED = 0, 1, 2
SECOND = 10**9


class Meter(Record):
    """What is missing in the committed bucket and in the other one, at a time in nanoseconds."""

    since: U64
    committed: U64
    other: U64


@dataclass(frozen=True)
class Buckets:
    """Rates in bits or packets a second, depths in bits or packets. ``peak`` 0: one rate, RFC 2697."""

    rate: int
    burst: int
    peak: int
    other: int  # the excess burst of RFC 2697, the peak burst of RFC 2698; 0: there is no yellow


def colouring(buckets: Buckets) -> Callable[[Any, int, int], int]:
    """The function ``colour(meter, now, amount)``, for user functions.

    >>> colour = colouring(Buckets(rate=8, burst=16, peak=0, other=8))
    >>> meter = Meter()
    >>> [colour(meter, 0, 8) for _ in range(4)], colour(meter, SECOND, 8)
    ([0, 0, 1, 2], 0)
    """
    rate, peak = buckets.rate, buckets.peak
    depth, other = buckets.burst * SECOND, buckets.other * SECOND
    # After so many nanoseconds a bucket is full, however empty it was: no product leaves 64 bits.
    full = -(-depth // rate)
    other_full = -(-other // peak) if peak else full + -(-other // rate)

    def colour(meter: Any, now: int, amount: int) -> int:
        elapsed = now - meter.since
        if elapsed > 0:
            meter.since = now
            if peak:
                meter.committed = 0 if elapsed >= full else max(meter.committed - elapsed * rate, 0)
                meter.other = 0 if elapsed >= other_full else max(meter.other - elapsed * peak, 0)
            elif elapsed >= other_full:
                meter.committed = 0
                meter.other = 0
            else:
                left = meter.committed - elapsed * rate
                meter.committed = max(left, 0)
                if left < 0:  # the committed bucket is full: what runs over goes into the other one
                    meter.other = max(meter.other + left, 0)
        need = amount * SECOND
        if peak:
            if meter.other + need > other:
                return RED
            meter.other += need
            if meter.committed + need > depth:
                return YELLOW
            meter.committed += need
            return GREEN
        if meter.committed + need <= depth:
            meter.committed += need
            return GREEN
        if other and meter.other + need <= other:
            meter.other += need
            return YELLOW
        return RED

    return colour
