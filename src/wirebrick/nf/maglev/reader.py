"""Values of a section of a configuration file, each checked, each error with its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from wirebrick.addresses import IPv4Address, IPv6Address, MacAddress
from wirebrick.errors import ParameterError, Place
from wirebrick.ports.suggest import did_you_mean
from wirebrick.toml_file import TomlFile

T = TypeVar("T")
IPAddress = IPv4Address | IPv6Address
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


class Section:
    """A section's values by key: ``number`` says which of several of its name it is.

    Keys that it has and nobody may give are refused, as are values that can't be what they should.
    """

    def __init__(self, file: TomlFile, name: str, number: int, data: Any, keys: tuple[str, ...]) -> None:
        self.file, self.name, self.number = file, name, number
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            raise ParameterError(f"{name} is a section", place=self.place(""), cure=f"write [[{name}]]")
        file.known(self.data, keys, name, number)

    def place(self, key: str) -> Place:
        """Where a key stands, or the section."""
        return self.file.place(self.name, key, self.number)

    def refuse(self, key: str, why: str, cure: str) -> NoReturn:
        """Raise ParameterError with the place of a key."""
        raise ParameterError(why, place=self.place(key), cure=cure)

    def number_of(self, key: str, default: int | None, least: int, most: int) -> int:
        """A whole number."""
        value = self._given(key, default)
        if type(value) is not int or not least <= value <= most:
            self.refuse(key, f"{key} can't be {value!r}", f"give a whole number from {least} to {most}")
        return value

    def seconds(self, key: str, default: float) -> float:
        """A time."""
        value = self._given(key, default)
        if type(value) not in (int, float) or not 0.01 <= value <= 86400:
            self.refuse(key, f"{key} can't be {value!r}", "give seconds, from 0.01 to 86400")
        return float(value)

    def choice(self, key: str, default: str | None, choices: tuple[str, ...]) -> str:
        """One of several words."""
        value = self._given(key, default)
        if value not in choices:
            self.refuse(key, f"{key} can't be {value!r}", did_you_mean(str(value), choices))
        return str(value)

    def flag(self, key: str) -> bool:
        """``true`` or ``false``, which is the default."""
        value = self.data.get(key, False)
        if type(value) is not bool:
            self.refuse(key, f"{key} can't be {value!r}", "it is true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text that isn't empty."""
        value = self._given(key, default)
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(key, f"{key} can't be {value!r}", 'give a text in quotes: "..."')
        return value

    def address(self, key: str) -> IPAddress | None:
        """An IPv4 or IPv6 address of one host."""
        found = self._parsed(key, lambda text: IPv6Address(text) if ":" in text else IPv4Address(text))
        if found is not None and (found >> 32 == 0) is (type(found) is IPv6Address):
            self.refuse(key, f"{key} can't be {found}", "RFC 4291 gives the addresses in ::/96 to nobody")
        return found

    def mac(self, key: str) -> int:
        """A MAC address of one station, or 0 where there is none."""
        found = self._parsed(key, MacAddress)
        if found is not None and (found == 0 or found >> 40 & 1):
            self.refuse(key, f"{key} can't be {found}", "give the MAC address of one interface")
        return int(found or 0)

    def ports(self, key: str) -> tuple[int, ...]:
        """Ports, in order: a number, a range as ``"8000-8099"``, or a list of both; empty: all."""
        value = self._given(key, None)
        if value == "all":
            return ()
        found: set[int] = set()
        for part in value if isinstance(value, list) and value else [value]:
            span = _RANGE.fullmatch(part.strip()) if isinstance(part, str) else None
            first, last = (int(span[1]), int(span[2])) if span else (part, part)
            if type(first) is not int or not 1 <= first <= last <= 65535:
                cure = 'give ports from 1 to 65535: 80, [80, 443], "8000-8099" or "all"'
                self.refuse(key, f"{key} can't be {part!r}", cure)
            found.update(range(first, last + 1))
        return tuple(sorted(found))

    def statuses(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """HTTP status codes: a number or a list of them."""
        value = self.data.get(key, list(default))
        given = value if isinstance(value, list) else [value]
        for part in given:
            if type(part) is not int or not 100 <= part <= 599:
                self.refuse(key, f"{key} can't be {part!r}", "give status codes from 100 to 599: [200, 204]")
        if not given:
            self.refuse(key, f"{key} is empty", "give status codes: [200, 204]")
        return tuple(given)

    def _given(self, key: str, default: Any) -> Any:
        """A value, or the default. Raises ParameterError where there is neither."""
        if key not in self.data and default is None:
            self.refuse(key, f"[[{self.name}]] does not say its {key}", f"write {key} = ...")
        return self.data.get(key, default)

    def _parsed(self, key: str, read: Callable[[str], T]) -> T | None:
        """What a text says, or None where there is none."""
        if key not in self.data:
            return None
        value = self.data[key]
        try:
            if not isinstance(value, str):
                raise ValueError("it is no text")
            return read(value)
        except ValueError as error:
            self.refuse(key, f"{key} can't be {value!r}: {error}", f'write {key} = "..."')
