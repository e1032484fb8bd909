"""TOML files that a user writes: read, and every mistake with the line it is at.

``tomllib`` gives no lines for keys, so they are looked up in the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wirebrick.errors import ParameterError, Place
from wirebrick.ports.suggest import did_you_mean

_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
_HEADING = re.compile(r"\s*\[\[?\s*([^\]\s]+)\s*\]\]?\s*(?:#.*)?$")


class TomlFile:
    """A file's ``data``, and the place of its parts. ``name`` is how the user calls it."""

    def __init__(self, name: str, what: str) -> None:
        """Read it. Raises ParameterError where it can't be read; ``what`` it is ("a chain file") is told then."""
        try:
            self.text = Path(name).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise ParameterError(f"{name} can't be read: {reason}", cure=f"give the path of {what}") from None
        self.name = name
        self._lines = self.text.splitlines()
        try:
            self.data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = _AT.search(str(error))
            line, column = (int(found[1]), int(found[2])) if found else (self.text.count("\n") + 1, 1)
            raise ParameterError(_AT.sub("", str(error)), place=Place(name, line, column)) from None

    def section(self, name: str, kind: type, heading: str) -> Any:
        """A section, empty where there is none. Raises ParameterError where it is something else."""
        value = self.data.get(name, kind())
        if not isinstance(value, kind):
            raise ParameterError(f"{name} is a section: write {heading}", place=self.place(name, name))
        return value

    def known(self, data: dict[str, Any], names: Iterable[str], section: str, number: int = 0) -> None:
        """Raise ParameterError for a key that is not one of ``names``."""
        known = list(names)
        for key in data:
            if key not in known:
                where = f" in [{section}]" if section else ""
                raise ParameterError(
                    f"there is no {key!r}{where}",
                    place=self.place(section or key, key, number),
                    cure=did_you_mean(key, known),
                )

    def place(self, section: str, key: str, number: int = 0) -> Place:
        """The line of ``key`` in the ``number``-th section of a name, or of its heading, or of what holds it."""
        seen, at, inside = -1, 0, not section
        for line, text in enumerate(self._lines, 1):
            heading = _HEADING.match(text)
            if heading:
                inside = heading[1] == section
                seen += inside
                inside = inside and seen == number
                if heading[1] == f"{section}.{key}":
                    return Place(self.name, line)
                if inside or (not at and heading[1].startswith(f"{section}.")):
                    at = line
            elif inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", text):
                return Place(self.name, line, len(text) - len(text.lstrip()) + 1)
        if at or not section:
            return Place(self.name, at or 1)
        holder, _, name = section.rpartition(".")
        return self.place(holder, name)
