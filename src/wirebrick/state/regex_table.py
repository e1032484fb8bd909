"""Regular expressions as tables: the states of all ways at once, made beforehand as long as they are not too many.

A state is the instructions that wait, in order of preference, and what stood before. What the next byte is decides
about places (``$``, ``\\b``), so a match shows with the byte behind it, or with the end of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wirebrick.state.regex_bytes import WORD
from wirebrick.state.regex_program import BYTE, MATCH, PLACE, PLACES, SPLIT, Program
from wirebrick.state.regexes_layout import END, LAST_NEWLINE

BEGIN, NEWLINE, LETTER, OTHER = range(4)  # what stands before
EFFORT = 1_000_000  # steps to make one table


class Symbol(NamedTuple):
    """What assertions ask of the byte that follows."""

    newline: bool
    word: bool
    last_newline: bool
    end: bool


@dataclass
class RegexTable:
    """``rows`` of ``width`` entries; the class of each of 258 symbols; the first states, by what stands before."""

    classes: list[int]
    width: int
    rows: list[list[int]]
    begin: list[int]


def table_of(program: Program, most: int) -> RegexTable | None:
    """The table of a program, or None where it would have more than ``most`` states or take too long to make."""
    return _Maker(program, most).made()


class _Maker:
    def __init__(self, program: Program, most: int) -> None:
        self.code = program.code
        self.start = program.start
        self.most = most
        self.effort = EFFORT
        asked = {PLACES[a] for op, a, _ in self.code if op == PLACE}
        self.words = bool(asked & {"word", "not_word"})
        self.lines = "line_begin" in asked
        self.begins = bool(asked & {"begin", "line_begin"})
        self.ends = bool(asked & {"last_end", "line_end"})
        self.places = bool(asked)
        self.numbers: dict[tuple[tuple[int, ...], int], int] = {((), OTHER): 0}
        self.todo: list[tuple[tuple[int, ...], int]] = []

    def made(self) -> RegexTable | None:
        """All states, or None."""
        classes, members = self._classes()
        begin = [self._number((self.start,), self._before(context)) for context in range(4)]
        rows: list[list[int]] = [[0] * len(members)]
        while self.todo:
            if len(self.numbers) > self.most or self.effort < 0:
                return None
            rows.append(self._row(*self.todo.pop(0), members))
        return RegexTable(classes, len(members), rows, begin)

    def _classes(self) -> tuple[list[int], list[int]]:
        """The class of each symbol, and one symbol of each class: bytes that no instruction tells apart are one."""
        sets = list(dict.fromkeys(a for op, a, _ in self.code if op == BYTE))
        if self.words:
            sets.append(WORD)
        if self.lines or self.ends:
            sets.append(1 << 10)
        kinds: dict[tuple[bool, ...], int] = {}
        classes, members = [], []
        for byte in range(256):
            kind = tuple(bool(mask >> byte & 1) for mask in sets)
            if kind not in kinds:
                kinds[kind] = len(kinds)
                members.append(byte)
            classes.append(kinds[kind])
        if self.ends:
            classes.append(len(members))
            members.append(LAST_NEWLINE)
        else:
            classes.append(classes[10])
        classes.append(len(members))
        members.append(END)
        return classes, members

    def _before(self, context: int) -> int:
        """What stands before, as far as the program asks for it."""
        if context == BEGIN:
            return BEGIN if self.begins else OTHER
        if context == NEWLINE:
            return NEWLINE if self.lines else OTHER
        return context if self.words else OTHER

    def _number(self, waiting: tuple[int, ...], before: int) -> int:
        if not waiting:
            return 0
        state = waiting, before
        if state not in self.numbers:
            self.numbers[state] = len(self.numbers)
            self.todo.append(state)
        return self.numbers[state]

    def _row(self, waiting: tuple[int, ...], before: int, members: list[int]) -> list[int]:
        followed: dict[Symbol, tuple[list[int], bool]] = {}
        row = []
        for member in members:
            byte = 10 if member == LAST_NEWLINE else member
            end = member == END
            symbol = Symbol(byte == 10, not end and bool(WORD >> byte & 1), member == LAST_NEWLINE, end)
            if not self.places:
                symbol = Symbol(False, False, False, False)
            if symbol not in followed:
                followed[symbol] = self._follow(waiting, before, symbol)
            steps, matched = followed[symbol]
            after: dict[int, None] = {}
            if not end:
                for number in steps:
                    _, mask, then = self.code[number]
                    if mask >> byte & 1:
                        after[then] = None
            self.effort -= len(steps) + 1
            context = NEWLINE if byte == 10 else LETTER if not end and WORD >> byte & 1 else OTHER
            row.append(2 * self._number(tuple(after), self._before(context)) + matched)
        return row

    def _follow(self, waiting: tuple[int, ...], before: int, symbol: Symbol) -> tuple[list[int], bool]:
        """The instructions that wait for a byte, in order, up to a match here; and whether there is one."""
        seen: set[int] = set()
        steps: list[int] = []
        stack = list(reversed(waiting))
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            op, a, b = self.code[number]
            if op == BYTE:
                steps.append(number)
            elif op == SPLIT:
                stack += (b, a)
            elif op == PLACE:
                if self._holds(PLACES[a], before, symbol):
                    stack.append(b)
            elif op == MATCH:
                self.effort -= len(seen)
                return steps, True
        self.effort -= len(seen)
        return steps, False

    def _holds(self, place: str, before: int, symbol: Symbol) -> bool:
        if place == "begin":
            return before == BEGIN
        if place == "line_begin":
            return before in (BEGIN, NEWLINE)
        if place == "end":
            return symbol.end
        if place == "last_end":
            return symbol.end or symbol.last_newline
        if place == "line_end":
            return symbol.end or symbol.newline
        return ((before == LETTER) != symbol.word) == (place == "word")
