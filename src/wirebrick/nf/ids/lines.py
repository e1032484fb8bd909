"""Lines of a rule file: comments go, continued lines become one, and every character keeps its place.

>>> found = lines("# comment\\nvar A \\\\\\n  10.0.0.1\\n\\nalert", "local.rules")
>>> [line.text for line in found]
['var A   10.0.0.1', 'alert']
>>> str(found[0].place(found[0].text.index("10.0.0.1")))
'local.rules:3:3'
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from wirebrick.errors import ParameterError, Place

LINE_END = re.compile(r"\r\n|\r|\n")
LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Line:
    """A line of rules, with what continues it. ``pieces``: offset in ``text``, line and column of each part."""

    text: str
    file: str
    pieces: tuple[tuple[int, int, int], ...] = field(repr=False)

    def place(self, offset: int) -> Place:
        """Where a character of the text stands in the file."""
        start, line, column = self.pieces[max(0, bisect_right(self.pieces, (offset, 1 << 62, 0)) - 1)]
        return Place(self.file, line, column + offset - start)

    def error(self, offset: int, message: str, cure: str) -> ParameterError:
        """Make (not raise) the error that points at a character."""
        return ParameterError(message, place=self.place(offset), cure=cure)


@dataclass(frozen=True)
class Word:
    """A part of a line: ``text`` begins at ``offset`` of it."""

    text: str
    line: Line = field(repr=False)
    offset: int

    def error(self, message: str, cure: str) -> ParameterError:
        """Make (not raise) the error that points at it."""
        return self.line.error(self.offset, message, cure)

    def part(self, begin: int, end: int | None = None) -> Word:
        """A part of it, without blanks around it.

        >>> lines("a:  b ;", "x.rules")[0]
        Line(text='a:  b ;', file='x.rules')
        >>> Word("a:  b ;", lines("a:  b ;", "x.rules")[0], 0).part(2, 6)
        Word(text='b', offset=4)
        """
        text = self.text[begin:end]
        stripped = text.lstrip()
        return Word(stripped.rstrip(), self.line, self.offset + begin + len(text) - len(stripped))

    def split(self, mark: str) -> list[Word]:
        """Its parts between marks."""
        found, begin = [], 0
        while (end := self.text.find(mark, begin)) >= 0:
            found.append(self.part(begin, end))
            begin = end + len(mark)
        return [*found, self.part(begin)]

    def __str__(self) -> str:
        """Spell it in quotes for a message: cut where it is long."""
        text = self.text if len(self.text) <= LONGEST_SHOWN else self.text[:LONGEST_SHOWN] + "..."
        return repr(text) if text else "nothing"


def lines(text: str, file: str) -> list[Line]:
    """The lines of a rule file that say something."""
    found: list[Line] = []
    whole = ""
    pieces: list[tuple[int, int, int]] = []
    for number, source in enumerate(LINE_END.split(text), start=1):
        stripped = source.lstrip()
        if not pieces and (not stripped or stripped.startswith("#")):
            continue
        begin = len(source) - len(stripped) if not pieces else 0
        goes_on = source.rstrip().endswith("\\")
        part = source.rstrip()[begin : -1 if goes_on else None]
        pieces.append((len(whole), number, begin + 1))
        whole += part
        if not goes_on:
            found.append(Line(whole, file, tuple(pieces)))
            whole, pieces = "", []
    if whole.strip():
        found.append(Line(whole, file, tuple(pieces)))
    return found
