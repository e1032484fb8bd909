"""One line of a rule file as words, each with its column, and errors that point at one of them.

>>> line = Line("allow (tcp or udp)   # both", "acl.rules", 3)
>>> [word.text for word in line.words], line.words[2].column
(['allow', '(', 'tcp', 'or', 'udp', ')'], 8)
>>> print(line.error(line.words[2], "no such thing", "take another"))
acl.rules:3:8: no such thing
  help: take another
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from wirebrick.errors import ParameterError, Place

WORD = re.compile(r"[()!]|&&|\|\||(?:[^\s()!&|]|(?<=[,/])!)+|[&|]")  # a "!" may stand within: syn,!ack
LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Word:
    """A word of a rule: ``text`` in lower case (empty at the end of the line), ``column`` from 1."""

    text: str
    column: int

    def __str__(self) -> str:
        """Spell the word in quotes for a message: cut when it is long, escaped where it can't be printed."""
        text = self.text if len(self.text) <= LONGEST_SHOWN else self.text[:LONGEST_SHOWN] + "..."
        return repr(text) if text else "the end of the line"

    def parts(self) -> list[Word]:
        """The words between its commas.

        >>> [(word.text, word.column) for word in Word("80,443", 5).parts()]
        [('80', 5), ('443', 8)]
        """
        words = []
        column = self.column
        for text in self.text.split(","):
            words.append(Word(text, column))
            column += len(text) + 1
        return words


class Line:
    """The words of a line before its comment, and a position that moves over them.

    >>> line = Line("deny all", "acl.rules", 1)
    >>> line.take().text, line.peek().text, line.take().text, line.peek().text
    ('deny', 'all', 'all', '')
    """

    def __init__(self, text: str, file: str, number: int) -> None:
        self.file = file
        self.number = number
        self.text = text.partition("#")[0].rstrip()
        self.words = [Word(found[0].lower(), found.start() + 1) for found in WORD.finditer(self.text)]
        self.position = 0
        self.end = Word("", len(self.text) + 1)

    def peek(self, ahead: int = 0) -> Word:
        """Give the next word, or one further ahead, without taking it."""
        index = self.position + ahead
        return self.words[index] if index < len(self.words) else self.end

    def take(self) -> Word:
        """Give the next word and move behind it."""
        word = self.peek()
        self.position += 1
        return word

    def spelled(self, word: Word) -> str:
        """A word as it was written, in upper and lower case."""
        return self.text[word.column - 1 :][: len(word.text)]

    def error(self, word: Word, message: str, cure: str) -> ParameterError:
        """Make (not raise) the error that points at a word of this line."""
        return ParameterError(message, place=Place(self.file, self.number, word.column), cure=cure)


def nearest(word: str, known: Iterable[str]) -> str:
    """Give the known word most like a misspelt one, as a question, or an empty text.

    >>> nearest("alow", ["allow", "deny"]), nearest("xyz", ["allow", "deny"])
    ("did you mean 'allow'?", '')
    """
    found = difflib.get_close_matches(word[:LONGEST_SHOWN], list(known), n=1)
    return f"did you mean '{found[0]}'?" if found else ""
