"""Options of ports of interfaces: ``kind:NAME,key=value,...``.

>>> split_options("tap:wb0,up=on", {"up": (on_off, "on or off")})
('wb0', {'up': True})
>>> split_options("tap:wb0,upp=on", {"up": (on_off, "on or off")})
Traceback (most recent call last):
wirebrick.errors.PortError: tap:wb0,upp=on: there is no option 'upp'
  help: did you mean 'up'? There are: up
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wirebrick.errors import PortError
from wirebrick.ports.suggest import did_you_mean

Allowed = Mapping[str, tuple[Callable[[str], Any], str]]


def split_options(spec: str, allowed: Allowed) -> tuple[str, dict[str, Any]]:
    """The name behind the colon, and the options behind it that are given.

    ``allowed``: for each option what turns its text into a value (ValueError where it can't), and what may be
    written. Raises PortError.
    """
    name, *parts = (part.strip() for part in spec.partition(":")[2].split(","))
    given: dict[str, Any] = {}
    for part in filter(None, parts):
        key, _, text = (piece.strip() for piece in part.partition("="))
        if key not in allowed:
            raise PortError(f"{spec}: there is no option {key!r}", cure=did_you_mean(key, allowed))
        if key in given:
            raise PortError(f"{spec}: {key} is set twice", cure="keep one of them")
        value_of, forms = allowed[key]
        try:
            given[key] = value_of(text)
        except ValueError:
            raise PortError(f"{spec}: {key} can't be {text!r}", cure=f"{key}={forms}") from None
    return name, given


def on_off(text: str) -> bool:
    """A switch.

    >>> on_off("on"), on_off("off")
    (True, False)
    """
    return one_of("off", "on")(text) == "on"


def one_of(*words: str) -> Callable[[str], str]:
    """One of several words.

    >>> one_of("v2", "v3")("v2")
    'v2'
    """

    def chosen(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return chosen


def between(least: int, most: int) -> Callable[[str], int]:
    """A whole number in a range.

    >>> between(1, 9)("7")
    7
    """

    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return number
