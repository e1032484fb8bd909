"""Address and port lists: ``any``, ``10.0.0.0/8``, ``[80,8000:8080,!8008]``, ``!$HOME_NET``, to any depth.

A list holds what one of its items holds, less what one of its negated items holds; a list of negated items alone
begins with everything.

>>> from wirebrick.nf.ids.lines import Word, lines
>>> def word(text):
...     return Word(text, lines(text, "x.rules")[0], 0)
>>> ports = Lists({"WEB": word("[80,8080]")})
>>> ports.ports(word("[$WEB,1:9,!5]"))
((1, 4), (6, 9), (80, 80), (8080, 8080))
>>> ports.addresses(word("!10.0.0.0/8")).v4
((0, 167772159), (184549376, 4294967295))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeVar

from wirebrick.nf.ids.lines import Word
from wirebrick.nf.ids.ranges import Ranges, minus, union
from wirebrick.ports.suggest import did_you_mean

HIGHEST_PORT = 65535
DEEPEST = 16
REFERENCE = re.compile(r"\$(?:(\w+)|[({](\w+)(?::-([^)}]*))?[)}])")
PORTS = re.compile(r"([0-9]*)(:?)([0-9]*)")


@dataclass(frozen=True)
class AddressSet:
    """Addresses of both versions."""

    v4: Ranges
    v6: Ranges

    @property
    def everything(self) -> bool:
        """Whether no address is left out."""
        return self == ANY_ADDRESS


ANY_ADDRESS = AddressSet(((0, (1 << 32) - 1),), ((0, (1 << 128) - 1),))
ANY_PORT: Ranges = ((0, HIGHEST_PORT),)
T = TypeVar("T")


class Lists:
    """Reads lists, with the variables known so far (``variables``: name to value)."""

    def __init__(self, variables: Mapping[str, Word]) -> None:
        self.variables = variables

    def addresses(self, word: Word) -> AddressSet:
        """An address list. Raises ParameterError."""
        v4, v6 = self._read(word, _network, (ANY_ADDRESS.v4, ANY_ADDRESS.v6), "address", 0)
        if not v4 and not v6:
            raise word.error(f"no address is in {word}", "leave away what takes all addresses out of it")
        return AddressSet(v4, v6)

    def ports(self, word: Word) -> Ranges:
        """A port list. Raises ParameterError."""
        (found,) = self._read(word, _ports, (ANY_PORT,), "port", 0)
        if not found:
            raise word.error(f"no port is in {word}", "leave away what takes all ports out of it")
        return found

    def _read(
        self,
        word: Word,
        item: Callable[[Word], tuple[Ranges, ...]],
        all_: tuple[Ranges, ...],
        what: str,
        depth: int,
    ) -> tuple[Ranges, ...]:
        text = word.text
        if depth > DEEPEST:
            raise word.error(f"{word} is nested too deep", "a variable can't be defined by itself")
        if not text:
            raise word.error(f"expected {_A[what]}, and there is nothing", CURES[what])
        if text.startswith("!"):
            inner = self._read(word.part(1), item, all_, what, depth + 1)
            if inner == all_:
                raise word.error(
                    f"{word} excludes every {what}", "leave the rule away, or write another list"
                )
            return tuple(minus(every, one) for every, one in zip(all_, inner, strict=True))
        if text.startswith("["):
            return self._list(word, item, all_, what, depth)
        if text.startswith("$"):
            return self._read(self.value(word), item, all_, what, depth + 1)
        return all_ if text.lower() == "any" else item(word)

    def _list(
        self,
        word: Word,
        item: Callable[[Word], tuple[Ranges, ...]],
        all_: tuple[Ranges, ...],
        what: str,
        depth: int,
    ) -> tuple[Ranges, ...]:
        if not word.text.endswith("]"):
            raise word.error(f"the list {word} has no end: expected ']'", f"write [{what}, {what}, ...]")
        taken: list[tuple[Ranges, ...]] = []
        left_out: list[tuple[Ranges, ...]] = []
        for part in split_list(word.part(1, -1)):
            if part.text.startswith("!"):
                left_out.append(self._read(part.part(1), item, all_, what, depth + 1))
            else:
                taken.append(self._read(part, item, all_, what, depth + 1))
        return tuple(
            minus(
                union(*(one[side] for one in taken)) if taken else every,
                union(*(one[side] for one in left_out)),
            )
            for side, every in enumerate(all_)
        )

    def value(self, word: Word) -> Word:
        """What a variable stands for. Raises ParameterError where there is none of that name."""
        found = REFERENCE.fullmatch(word.text)
        if found is None:
            raise word.error(f"{word} is no variable", "write $NAME, or $(NAME:-value) with a default")
        name = found[1] or found[2]
        if name in self.variables:
            return self.variables[name]
        if found[3] is not None:
            return word.part(found.start(3), found.end(3))
        cure = f"add a line before it: ipvar {name} [10.0.0.0/8] or portvar {name} [80,8080]"
        if self.variables:
            cure += f"; {did_you_mean(name, self.variables)}"
        raise word.error(f"the variable ${name} is not defined", cure)


CURES = {
    "address": "write any, an address, a network such as 10.0.0.0/8, a list [A,B,!C] or $NAME",
    "port": "write any, a port from 0 to 65535, a range LOW:HIGH, a list [80,8000:8080] or $NAME",
}
_A = {"address": "an address", "port": "a port"}


def split_list(word: Word) -> list[Word]:
    """The items of a list, at commas that are in no inner list.

    >>> from wirebrick.nf.ids.lines import lines
    >>> line = lines("1,[2,3],!4", "x.rules")[0]
    >>> [part.text for part in split_list(Word(line.text, line, 0))]
    ['1', '[2,3]', '!4']
    """
    found, begin, depth = [], 0, 0
    for position, mark in enumerate(word.text):
        depth += (mark == "[") - (mark == "]")
        if mark == "," and depth == 0:
            found.append(word.part(begin, position))
            begin = position + 1
    return [*found, word.part(begin)]


def _network(word: Word) -> tuple[Ranges, Ranges]:
    try:
        network = ip_network(word.text, strict=False)
    except ValueError:
        raise word.error(
            f"{word} is no address: expected an address or a network", CURES["address"]
        ) from None
    ranges: Ranges = ((int(network.network_address), int(network.broadcast_address)),)
    return (ranges, ()) if network.version == 4 else ((), ranges)


def _ports(word: Word) -> tuple[Ranges]:
    found = PORTS.fullmatch(word.text)
    if found is None or not (found[1] or found[3]):
        raise word.error(f"{word} is no port: expected a number or a range", CURES["port"])
    low = int(found[1] or 0)
    high = int(found[3] or HIGHEST_PORT) if found[2] else low
    if max(low, high) > HIGHEST_PORT:
        raise word.error(f"{word} is no port: expected a number from 0 to {HIGHEST_PORT}", CURES["port"])
    if low > high:
        raise word.error(f"the range {word} is reversed", f"write {high}:{low}")
    return (((low, high),),)
