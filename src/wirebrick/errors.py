"""Errors: each names the place, the cause and the cure.

>>> from wirebrick.errors import Place, GraphError
>>> print(GraphError("the stream is used twice", place=Place("nf.py", 3, 5), cure="use group_by to split it"))
nf.py:3:5: the stream is used twice
  help: use group_by to split it
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

PACKAGE = str(Path(__file__).parent)
NF_LIBRARY = str(Path(__file__).parent / "nf")


@dataclass(frozen=True)
class Place:
    """A place in a source file: ``line`` and ``column`` count from 1, as editors do."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        """Spell the place as compilers do: file:line:column."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def excerpt(self) -> str:
        """The source line with a caret below the column, or nothing where the file can't be read."""
        text = linecache.getline(self.file, self.line).rstrip("\n")
        if not text.strip():
            return ""
        return f"    {text}\n    {' ' * (self.column - 1)}^"


class WirebrickError(Exception):
    """Base of every error a user can cause: message, ``place`` (or None) and ``cure`` (or an empty text)."""

    def __init__(self, message: str, *, place: Place | None = None, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.cure = cure

    def __str__(self) -> str:
        """Place, message, excerpt and cure on lines of their own."""
        lines = [f"{self.place}: {self.message}" if self.place else self.message]
        if self.place and self.place.excerpt:
            lines.append(self.place.excerpt)
        if self.cure:
            lines.append(f"  help: {self.cure}")
        return "\n".join(lines)


class HeaderError(WirebrickError):
    """A header or record is declared or built wrongly."""


class GraphError(WirebrickError):
    """NFs and operators are wired wrongly: found while the graph is built."""


class CheckError(WirebrickError):
    """A user function breaks the rules of isolation or leaves the supported subset of Python."""


class ParameterError(WirebrickError):
    """An NF, parameter, rule or configuration value is unknown or of the wrong type."""


class PortError(WirebrickError):
    """A port can't be opened, read or written."""


class LabError(WirebrickError):
    """A lab of network namespaces can't be made, used or removed."""


class StateError(WirebrickError):
    """A state object can't be saved, restored, or changed or read from outside as asked for."""


class AccountingError(WirebrickError):
    """A run ended with packets unaccounted for: a defect of Wirebrick itself."""


def caller_place() -> Place | None:
    """Where user code (or an NF of the library) called into Wirebrick, to the column."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE, "<frozen")) or file.startswith(NF_LIBRARY):
            positions = list(frame.f_code.co_positions())
            line, _, column, _ = positions[frame.f_lasti // 2]
            return Place(file, line or frame.f_lineno, (column or 0) + 1)
        frame = frame.f_back
    return None
