"""Regular expressions as programs for a machine that follows all ways at once, in the order in which PCRE tries them.

Instructions: a byte of a set, then on; two ways, the first one preferred; a place; the match. A search begins with
``(?s:.*?)`` before the expression, so that it finds the first match (Pike; Cox, "Regular Expression Matching: the
Virtual Machine Approach", 2009).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wirebrick.state.regex_bytes import ALL
from wirebrick.state.regex_syntax import parse
from wirebrick.state.regex_tree import Assertion, Bytes, Choice, Flags, Node, RegexError, Repeat, Sequence

MATCH, BYTE, SPLIT, PLACE = 0, 1, 2, 3
PLACES = ("begin", "line_begin", "end", "last_end", "line_end", "word", "not_word")
LONGEST = 4096  # instructions: what bounds the time of a search for each byte


@dataclass
class Program:
    """Instructions: (BYTE, set, next), (SPLIT, first, second), (PLACE, kind, next), (MATCH, 0, 0)."""

    code: list[tuple[int, int, int]] = field(default_factory=list)
    start: int = 0

    def emit(self, op: int, a: int, b: int) -> int:
        """Add an instruction: its number. Raises RegexError where there are too many."""
        if len(self.code) >= LONGEST:
            raise RegexError(0, f"it takes more than {LONGEST} steps: repeat less")
        self.code.append((op, a, b))
        return len(self.code) - 1


def compiled_program(pattern: bytes | str, flags: Flags) -> Program:
    """The program of a regular expression. Raises RegexError.

    >>> compiled_program("a", Flags()).code[-1][0] == SPLIT
    True
    """
    program = Program()
    match = program.emit(MATCH, 0, 0)
    program.start = _behind(program, parse(pattern, flags), match)
    if not flags.A:
        skip = program.emit(BYTE, ALL, 0)
        program.start = program.emit(SPLIT, program.start, skip)
        program.code[skip] = (BYTE, ALL, program.start)
    return program


def _behind(program: Program, node: Node, then: int) -> int:
    """Emit a node, which goes on at ``then``; where it begins. (From the end to the beginning: no jumps to fill in.)"""
    if isinstance(node, Bytes):
        return program.emit(BYTE, node.mask, then)
    if isinstance(node, Assertion):
        return program.emit(PLACE, PLACES.index(node.kind), then)
    if isinstance(node, Sequence):
        for part in reversed(node.parts):
            then = _behind(program, part, then)
        return then
    if isinstance(node, Choice):
        begin = _behind(program, node.ways[-1], then)
        for way in reversed(node.ways[:-1]):
            begin = program.emit(SPLIT, _behind(program, way, then), begin)
        return begin
    return _repeat(program, node, then)


def _repeat(program: Program, node: Repeat, then: int) -> int:
    least, most = node.least, node.most
    if most is None:
        # A part that may be empty: what has matched nothing is not repeated, as in PCRE.
        if least == 0 and not nullable(node.part):
            loop = program.emit(SPLIT, 0, 0)
            _split(program, loop, node.greedy, _behind(program, node.part, loop), then)
            return loop
        loop = program.emit(SPLIT, 0, 0)
        begin = _behind(program, node.part, loop)
        _split(program, loop, node.greedy, begin, then)
        if least == 0:
            around = program.emit(SPLIT, 0, 0)
            _split(program, around, node.greedy, begin, then)
            return around
        for _ in range(least - 1):
            begin = _behind(program, node.part, begin)
        return begin
    begin = then
    for _ in range(most - least):
        way = _behind(program, node.part, begin)
        begin = program.emit(SPLIT, 0, 0)
        _split(program, begin, node.greedy, way, then)
    for _ in range(least):
        one = _behind(program, node.part, begin)
        if one == begin:  # nothing, so often
            break
        begin = one
    return begin


def _split(program: Program, at: int, greedy: bool, more: int, done: int) -> None:
    program.code[at] = (SPLIT, more, done) if greedy else (SPLIT, done, more)


def nullable(node: Node) -> bool:
    """Whether a node can match nothing."""
    if isinstance(node, Bytes):
        return False
    if isinstance(node, Assertion):
        return True
    if isinstance(node, Sequence):
        return all(nullable(part) for part in node.parts)
    if isinstance(node, Choice):
        return any(nullable(way) for way in node.ways)
    return node.least == 0 or nullable(node.part)
