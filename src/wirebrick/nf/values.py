"""Values of parameters: from text, or from what TOML gives, to the type of an annotation.

>>> read(int, "0x10", text=True), read(bool, "yes", text=True), read(float | None, "none", text=True)
(16, True, None)
>>> read(int, "many", text=True)
Traceback (most recent call last):
wirebrick.nf.values.Unfit: not a whole number, such as 1000 or 0x3e8
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from wirebrick.addresses import (
    Address,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    MacAddress,
    Network,
)
from wirebrick.fields import Bits

WHOLE = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+(_[0-9a-fA-F]+)*|0[bB][01]+(_[01]+)*|[0-9]+(_[0-9]+)*)")
TRUTH = dict.fromkeys(("yes", "true", "on", "1"), True) | dict.fromkeys(("no", "false", "off", "0"), False)
NAMES: dict[Any, str] = {
    bool: "yes or no",
    int: "a whole number, such as 1000 or 0x3e8",
    float: "a number, such as 2.5",
    str: "a text",
    Path: "a path",
    MacAddress: "a MAC address, such as 02:00:00:00:00:01",
    IPv4Address: "an IPv4 address, such as 192.0.2.1",
    IPv6Address: "an IPv6 address, such as 2001:db8::1",
    IPv4Network: "an IPv4 network, such as 192.0.2.0/24",
    IPv6Network: "an IPv6 network, such as 2001:db8::/32",
    NoneType: "none",
}


class Unfit(ValueError):
    """A value that is not of the type asked for; the text says what it is not, or why."""


def supported(kind: Any) -> bool:
    """Whether values of ``kind`` can be given.

    >>> supported(int | None), supported(Literal["a", "b"]), supported(list)
    (True, True, False)
    """
    if get_origin(kind) in (Union, UnionType):
        return all(supported(member) for member in get_args(kind))
    return kind in NAMES or get_origin(kind) is Literal or _bits(kind) is not None


def allowed(kind: Any) -> str:
    """What may be given for ``kind``, for people.

    >>> allowed(int | None), allowed(Literal["drop", "allow"])
    ('a whole number, such as 1000 or 0x3e8, or none', 'drop or allow')
    """
    if get_origin(kind) in (Union, UnionType):
        return ", or ".join(allowed(member) for member in get_args(kind))
    if get_origin(kind) is Literal:
        *most, last = map(str, get_args(kind))
        return f"{', '.join(most)} or {last}" if most else last
    bits = _bits(kind)
    return f"a whole number from 0 to {(1 << bits) - 1}" if bits is not None else NAMES[kind]


def read(kind: Any, value: Any, *, text: bool) -> Any:
    """``value`` as ``kind``. With ``text`` it was written on a command line, so a number is a text too.

    Raises Unfit.
    """
    if get_origin(kind) in (Union, UnionType):
        return _read_union(kind, value, text)
    if get_origin(kind) is Literal:
        for choice in get_args(kind):
            if (str(choice) == value) if text else (type(choice) is type(value) and choice == value):
                return choice
        raise Unfit(f"not {allowed(kind)}")
    bits = _bits(kind)
    if bits is not None:
        number = read(int, value, text=text)
        if not 0 <= number < 1 << bits:
            raise Unfit(f"not {allowed(kind)}")
        return number
    if text:
        reader = FROM_TEXT.get(kind, kind)
    elif kind in NATIVE:
        reader = NATIVE[kind]
    else:
        reader = _from_native(kind)
    return _tried(kind, reader, value)


def _tried(kind: Any, reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except Unfit:
        raise
    except ValueError as error:
        detail = str(error) if issubclass(kind, Address | Network) else ""
        raise Unfit(f"not {NAMES[kind]}" + (f" ({detail})" if detail else "")) from None


def _read_union(kind: Any, value: Any, text: bool) -> Any:
    # None first: "none" would also be a text or a path.
    members = sorted(get_args(kind), key=lambda member: member is not NoneType)
    for member in members:
        try:
            return read(member, value, text=text)
        except Unfit as error:
            last = error
    raise last if len(members) == 2 and members[0] is NoneType else Unfit(f"not {allowed(kind)}")


def _bits(kind: Any) -> int | None:
    """How many bits U1 .. U64 have; None for another type."""
    if get_origin(kind) is Annotated and get_args(kind)[0] is int:
        return next((mark.count for mark in get_args(kind)[1:] if isinstance(mark, Bits)), None)
    return None


def _none(value: str) -> None:
    if value.lower() != "none":
        raise ValueError(value)


def _truth(value: str) -> bool:
    if value.lower() not in TRUTH:
        raise ValueError(value)
    return TRUTH[value.lower()]


def _whole(value: str) -> int:
    if not WHOLE.fullmatch(value) or len(value) > 100:
        raise ValueError(value)
    return int(value, 0 if value.lstrip("+-")[1:2].isalpha() else 10)


def _number(value: str | float) -> float:
    if not math.isfinite(number := float(value)):
        raise ValueError(value)
    return number


def _path(value: str | Path) -> Path:
    if not str(value) or "\0" in str(value):
        raise ValueError(value)
    return Path(value)


def _of(reader: Callable[[Any], Any], *types: type) -> Callable[[Any], Any]:
    """``reader`` for values of ``types`` only; True and False are no numbers."""

    def read_native(value: Any) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ValueError(value)
        return reader(value)

    return read_native


def _from_native(kind: type) -> Callable[[Any], Any]:
    """Addresses and networks: by their text, or ready made."""
    return lambda value: value if isinstance(value, kind) else _of(kind, str)(value)


FROM_TEXT: dict[Any, Callable[[str], Any]] = {
    bool: _truth,
    int: _whole,
    float: _number,
    Path: _path,
    NoneType: _none,
}
NATIVE: dict[Any, Callable[[Any], Any]] = {
    bool: _of(bool, bool),
    int: _of(int, int),
    float: _of(_number, int, float),
    str: _of(str, str),
    Path: _of(_path, str, Path),
    NoneType: _of(lambda value: None, NoneType),
}
