"""The policer's parameters, checked."""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.nf.dscp import code_point
from wirebrick.nf.policer.meter import Buckets
from wirebrick.quantities import Quantity, Rate, amount, rate

PASS, DROP = -1, -2  # actions; others are code points to write
LARGEST = 1 << 32  # bits or packets of a bucket: a billion times as much is counted in 64 bits


def buckets_of(
    speed: Quantity, burst: Quantity, excess: Quantity, peak: Quantity, peak_burst: Quantity
) -> tuple[Buckets, Rate]:
    """The buckets, and the committed rate. Raises ParameterError."""
    committed = rate("policer", "rate", speed)
    depth = _depth("burst", burst, committed)
    if depth < 1:
        raise ParameterError(f"policer: burst={burst!r} lets nothing through", cure="give 15KB, say")
    most = _depth("excess", excess, committed)
    if str(peak) in ("none", "0"):
        return Buckets(committed.amount, depth, 0, most), committed
    faster = rate("policer", "peak", peak)
    if most:
        raise ParameterError(
            "policer: excess and peak are two ways to tell yellow from red",
            cure="give excess (one rate, RFC 2697), or peak and peak_burst (two rates, RFC 2698)",
        )
    if faster.unit != committed.unit or faster.amount < committed.amount:
        raise ParameterError(
            f"policer: peak={peak!r} can't go with rate={speed!r}",
            cure="give a peak that is not below the rate, in the same unit",
        )
    return Buckets(
        committed.amount, depth, faster.amount, max(1, _depth("peak_burst", peak_burst, committed))
    ), committed


def action(name: str, value: str) -> int:
    """What is done with a colour: PASS, DROP or a code point. Raises ParameterError."""
    if value in ("pass", "drop"):
        return PASS if value == "pass" else DROP
    try:
        return code_point("policer", name, value)
    except ParameterError as error:
        raise ParameterError(error.message, cure=f"pass, drop, or a DSCP: {error.cure}") from None


def _depth(name: str, value: Quantity, speed: Rate) -> int:
    """Bits or packets of a bucket."""
    found = amount("policer", name, value, speed)
    if found > LARGEST:
        raise ParameterError(f"policer: {name}={value!r} is too much", cure="500MB at most")
    return found
