"""What a regular expression says, as a tree; its flags, and what may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass


class RegexError(ValueError):
    """What is wrong with, or can't be supported in, a regular expression; ``position``: the byte where."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"at byte {position}: {reason}")
        self.position = position
        self.reason = reason


@dataclass(frozen=True)
class Bytes:
    """One byte of a set; ``mask`` has a bit for each."""

    mask: int


@dataclass(frozen=True)
class Sequence:
    """Parts, one behind the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """The first of the ways that leads to a match."""

    ways: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """A part ``least`` to ``most`` times (None: any number), as often as possible or as rarely."""

    part: Node
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True)
class Assertion:
    """A place: ``begin``, ``line_begin``, ``end``, ``last_end`` (before a last newline too), ``line_end``, ..."""

    kind: str


Node = Bytes | Sequence | Choice | Repeat | Assertion


@dataclass(frozen=True)
class Flags:
    """``i`` case, ``s`` the dot, ``m`` lines, ``x`` spaces, ``E`` the dollar, ``G`` greed; ``A``: see Program."""

    i: bool = False
    s: bool = False
    m: bool = False
    x: bool = False
    E: bool = False
    G: bool = False
    A: bool = False


def flags_of(text: str) -> Flags:
    """Flags by their letters. Raises ValueError for another letter.

    >>> flags_of("si").s
    True
    """
    wrong = [letter for letter in text if letter not in "ismxEGA"]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no flag of a regular expression: they are i, s, m, x, A, E, G")
    return Flags(**dict.fromkeys(text, True))
