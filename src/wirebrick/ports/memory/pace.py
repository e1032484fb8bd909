"""How fast packets of `memory:` are made in real time: ``rate=10kpps``, or ``rate=1kpps-100kpps,ramp=10s``."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.errors import ParameterError, PortError
from wirebrick.quantities import duration, rate

FASTEST = 10**11  # packets or bits a second
LONGEST = 3600 * 10**9  # nanoseconds of a ramp


@dataclass(frozen=True)
class Pace:
    """Packets or bits a second: from ``first`` to ``last`` within ``ramp`` nanoseconds, then on at ``last``."""

    first: int
    last: int
    ramp: int
    bits: bool


def read_pace(text: str, ramp: str) -> Pace | None:
    """What ``rate`` and ``ramp`` say; None where there is no rate. Raises PortError.

    >>> read_pace("10kpps", "")
    Pace(first=10000, last=10000, ramp=0, bits=False)
    >>> read_pace("1Mbit-1Gbit", "2s")
    Pace(first=1000000, last=1000000000, ramp=2000000000, bits=True)
    """
    if not text:
        if ramp:
            raise PortError("memory: a ramp needs two rates", cure="rate=1kpps-100kpps,ramp=10s")
        return None
    low, dash, high = text.partition("-")
    try:
        first, last = rate("memory", "rate", low), rate("memory", "rate", high if dash else low)
        time = duration("memory", "ramp", ramp or "0")
    except ParameterError as error:
        raise PortError(error.message, cure=error.cure) from None
    if first.unit != last.unit or bool(dash) != (time > 0) or max(first.amount, last.amount) > FASTEST:
        raise PortError(
            f"memory: rate={text}{f',ramp={ramp}' if ramp else ''} can't be",
            cure="a rate up to 100G, or two of them and how long it takes: rate=1kpps-100kpps,ramp=10s",
        )
    return Pace(first.amount, last.amount, time, first.unit == "bit")
