"""Durations, rates, sizes and chances as users write them for NFs: ``10ms``, ``5Mbit``, ``64KB``, ``0.5%``.

>>> duration("link", "delay", "1.5ms"), size("shaper", "burst", "15KB"), chance("link", "loss", "0.5%")
(1500000, 15000, Fraction(1, 200))
>>> rate("shaper", "rate", "2.5Mbit/s"), rate("policer", "rate", "10kpps")
(Rate(amount=2500000, unit='bit'), Rate(amount=10000, unit='packet'))
>>> duration("link", "delay", "soon")
Traceback (most recent call last):
wirebrick.errors.ParameterError: link: delay='soon' is no duration
  help: write 10ms, 250us or 1.5s; a number alone is seconds
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NoReturn

from wirebrick.errors import ParameterError

Quantity = float | str  # what a parameter takes that is one of these

_FORM = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]{1,2}))?\s*([a-zA-Z%/]*)\s*")
_DURATIONS = {"": 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1, "min": 60 * 10**9, "h": 3600 * 10**9}
_SIZES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
}
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_RATE = re.compile(r"([kmgt]?)(bit(?:/s)?|bps|pps|packets?/s)")
LONGEST = 3600 * 10**9  # ns
LARGEST = 1 << 40  # bytes
FRAME = 1514  # bytes of a large frame
FASTEST = 10**13  # bits or packets a second


@dataclass(frozen=True)
class Rate:
    """So many bits or packets a second."""

    amount: int
    unit: Literal["bit", "packet"]


def duration(nf: str, name: str, value: Quantity) -> int:
    """Nanoseconds, 0 to an hour. Raises ParameterError."""
    found = _read(value, _DURATIONS)
    if found is None or found > LONGEST:
        _refuse(nf, name, value, "duration", "write 10ms, 250us or 1.5s; a number alone is seconds")
    return round(found)


def size(nf: str, name: str, value: Quantity) -> int:
    """Bytes, a whole number. Raises ParameterError."""
    found = _read(value, _SIZES)
    if found is None or found.denominator != 1 or found > LARGEST:
        _refuse(nf, name, value, "size", "write 1500, 64KB or 1MiB; a number alone is bytes")
    return int(found)


def chance(nf: str, name: str, value: Quantity) -> Fraction:
    """A probability, 0 to 1. Raises ParameterError."""
    found = _read(value, {"": Fraction(1), "%": Fraction(1, 100)})
    if found is None or found > 1:
        _refuse(nf, name, value, "chance", "write 0.5% or 0.005: from 0 to 100%, or from 0 to 1")
    return found


def rate(nf: str, name: str, value: Quantity) -> Rate:
    """Bits a second (``10Mbit``, ``10Mbit/s``, ``10Mbps``; a number alone) or packets (``10kpps``).

    Raises ParameterError.
    """
    split = _split(value)
    unit = _RATE.fullmatch(split[1]) if split is not None and split[1] else None
    if split is None or (split[1] and unit is None):
        _refuse_rate(nf, name, value)
    amount = round(split[0] * _SCALES[unit[1]] if unit else split[0])
    if not 1 <= amount <= FASTEST:
        _refuse_rate(nf, name, value)
    return Rate(amount, "packet" if unit and unit[2].startswith("p") else "bit")


def backlog(nf: str, name: str, value: Quantity, speed: Rate) -> int:
    """How long a queue may become, in nanoseconds, given as that or as bytes (``64KB``) at a rate of bits.

    >>> backlog("link", "queue", "10ms", Rate(8000, "bit")), backlog("link", "queue", "2KB", Rate(8000, "bit"))
    (10000000, 2000000000)

    Raises ParameterError.
    """
    bits = _read(value, _SIZES)
    if bits is not None and speed.unit == "bit" and bits <= LARGEST:
        return round(bits * 8 * 10**9 / speed.amount)
    found = _read(value, _DURATIONS)
    if found is None or found > LONGEST:
        _refuse(nf, name, value, "length of a queue", "write 50ms, or bytes where the rate is of bits: 64KB")
    return round(found)


def amount(nf: str, name: str, value: Quantity, speed: Rate) -> int:
    """How much may come at once at a rate: in bits, given as bytes; or in packets. ``none``: 10 large frames.

    >>> amount("policer", "burst", "2KB", Rate(8000, "bit")), amount("policer", "burst", "none", Rate(5, "packet"))
    (16000, 10)

    Raises ParameterError.
    """
    if str(value) == "none":
        return 10 if speed.unit == "packet" else 10 * FRAME * 8
    if speed.unit == "bit":
        return 8 * size(nf, name, value)
    found = _read(value, {"": 1})
    if found is None or found.denominator != 1 or found > LARGEST:
        _refuse(nf, name, value, "number of packets", "give a whole number: the rate is of packets")
    return int(found)


def _split(value: Quantity) -> tuple[Fraction, str] | None:
    """The number and its unit in lower case."""
    found = _FORM.fullmatch(str(value)) if not isinstance(value, bool) else None
    if found is None:
        return None
    return Fraction(found[1]) * Fraction(10) ** int(found[2] or 0), found[3].lower()


def _read(value: Quantity, units: dict[str, int] | dict[str, Fraction]) -> Fraction | None:
    split = _split(value)
    if split is None or split[1] not in units:
        return None
    return split[0] * units[split[1]]


def _refuse_rate(nf: str, name: str, value: Quantity) -> NoReturn:
    _refuse(nf, name, value, "rate", "write 10Mbit, 2.5Gbit/s or 50kpps; a number alone is bits a second")


def _refuse(nf: str, name: str, value: Quantity, what: str, cure: str) -> NoReturn:
    raise ParameterError(f"{nf}: {name}={value!r} is no {what}", cure=cure)
