"""Regular expressions in PCRE's syntax, as far as a matcher of bounded time goes: text in, tree out."""

from __future__ import annotations

from dataclasses import replace

from wirebrick.state.regex_bytes import ALL, NEWLINE, VERTICAL, bits, folded
from wirebrick.state.regex_reader import Reader
from wirebrick.state.regex_tree import Assertion, Bytes, Choice, Flags, Node, RegexError, Repeat, Sequence

MOST_REPEATED = 65535
PLACES = {"A": "begin", "Z": "last_end", "z": "end", "b": "word", "B": "not_word"}
LOOKS = {
    "=": "a look ahead",
    "!": "a look ahead",
    ">": "an atomic group",
    "|": "a branch reset",
    "(": "a condition",
}
LOOKS |= {"R": "recursion", "&": "recursion", "+": "recursion", "C": "a callout"}


def parse(pattern: bytes | str, flags: Flags) -> Node:
    """The tree of a regular expression. Raises RegexError.

    >>> parse(b"a+?", Flags())
    Repeat(part=Bytes(mask=158456325028528675187087900672), least=1, most=None, greedy=False)
    """
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    for position, character in enumerate(text):
        if ord(character) > 255:
            raise RegexError(position, f"{character!r} is no byte")
    return _Parser(text, flags).whole()


class _Parser(Reader):
    """By recursive descent."""

    def __init__(self, text: str, flags: Flags) -> None:
        super().__init__(text, flags)
        self.depth = 0

    def whole(self) -> Node:
        """All of it."""
        tree = self.choice()
        if self.at < len(self.text):
            raise RegexError(self.at, "a ) without its (")
        return tree

    def choice(self) -> Node:
        """Ways, with | between them; flags set inside end with it."""
        kept = self.flags
        ways = [self.sequence()]
        while self.take("|"):
            ways.append(self.sequence())
        self.flags = kept
        return ways[0] if len(ways) == 1 else Choice(tuple(ways))

    def sequence(self) -> Node:
        """Parts up to | or )."""
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self.flags.x and self.skip_space():
                continue
            part = self.part(parts)
            if part is not None:
                parts.append(self.repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def skip_space(self) -> bool:
        """Step over a space or a comment (x)."""
        if self.text[self.at] in " \t\n\v\f\r":
            self.at += 1
            return True
        if self.text[self.at] == "#":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end + 1
            return True
        return False

    def part(self, parts: list[Node]) -> Node | None:
        """What may be repeated; None for what is nothing (comments, flags); \\Q adds to the parts before."""
        start = self.at
        character = self.next("it")
        if character == "(":
            return self.group(start)
        if character == "[":
            return self.bytes(self.set(start))
        if character == "\\":
            return self.escape(start, parts)
        if character == ".":
            return Bytes(ALL if self.flags.s else ALL & ~NEWLINE)
        if character == "^":
            return Assertion("line_begin" if self.flags.m else "begin")
        if character == "$":
            return Assertion("line_end" if self.flags.m else "end" if self.flags.E else "last_end")
        if character in "*+?":
            raise RegexError(start, f"nothing before {character} to repeat")
        return self.bytes(1 << ord(character))

    def bytes(self, mask: int) -> Bytes:
        """A set, in both cases where that is asked for."""
        return Bytes(folded(mask) if self.flags.i else mask)

    def repeated(self, part: Node) -> Node:
        """A part with what says how often, if that follows."""
        repeated = False
        while True:
            if self.flags.x and self.at < len(self.text) and self.skip_space():
                continue
            start = self.at
            bounds = self.bounds()
            if bounds is None:
                return part
            if self.peek("+"):
                raise RegexError(self.at, "possessive repetition is not supported: it can't be undone")
            if repeated:
                raise RegexError(start, "what is repeated can't be repeated again: put it into (?: )")
            repeated = True
            part = Repeat(part, *bounds, greedy=self.take("?") == self.flags.G)

    def bounds(self) -> tuple[int, int | None] | None:
        """How often; None where nothing says so ({ begins a repetition only where one follows)."""
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return bounds
        if not self.peek("{"):
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not low.isdecimal() or (high and not high.isdecimal()):
            return None
        least, most = int(low), (int(high) if high else None) if comma else int(low)
        if max(least, most or 0) > MOST_REPEATED:
            raise RegexError(self.at, f"more than {MOST_REPEATED} repetitions")
        if most is not None and most < least:
            raise RegexError(self.at, f"{{{low},{high}}} asks for less than it asks for")
        self.at = end + 1
        return least, most

    def group(self, start: int) -> Node | None:
        """What a ( begins."""
        kept = self.flags
        if self.take("*"):
            raise RegexError(start, "a verb such as (*SKIP) is not supported")
        if self.take("?"):
            if self.take("#"):
                self.until(")", "a comment")
                return None
            if self.peek("<=") or self.peek("<!"):
                raise RegexError(start, "a look behind is not supported: it would take unbounded time")
            if self.take("P<") or self.take("<"):
                self.until(">", "a name")
            elif self.take("'"):
                self.until("'", "a name")
            elif self.peek("P=") or self.peek("P>"):
                raise RegexError(start, "a back reference is not supported: it would take unbounded time")
            elif not self.take(":") and self.inline(start):
                return None
        self.depth += 1
        if self.depth > 200:
            raise RegexError(start, "more than 200 groups in one another")
        tree = self.choice()
        self.depth -= 1
        self.flags = kept
        if not self.take(")"):
            raise RegexError(start, "a ( without its )")
        return tree

    def inline(self, start: int) -> bool:
        """Flags behind (?; True where they hold for the rest of the group, and it is nothing itself."""
        on = True
        while True:
            letter = self.next("a group")
            if letter == "-":
                on = False
            elif letter in "ismx":
                self.flags = replace(self.flags, **{letter: on})
            elif letter == "U":
                self.flags = replace(self.flags, G=on)
            elif letter == ")":
                return True
            elif letter == ":":
                return False
            elif letter in LOOKS or letter.isdecimal():
                what = LOOKS.get(letter, "recursion")
                raise RegexError(start, f"{what} is not supported: it would take unbounded time")
            else:
                raise RegexError(self.at - 1, f"(?{letter} begins nothing that is known")

    def escape(self, start: int, parts: list[Node]) -> Node | None:
        """What a backslash begins, outside of [ ]."""
        if self.take("Q"):
            end = self.text.find("\\E", self.at)
            quoted = self.text[self.at : end if end >= 0 else len(self.text)]
            self.at = len(self.text) if end < 0 else end + 2
            whole = [self.bytes(1 << ord(character)) for character in quoted]
            parts.extend(whole[:-1])
            return whole[-1] if whole else None
        if self.take("E"):
            return None
        if self.take("R"):
            pair = Sequence((Bytes(bits(b"\r")), Bytes(NEWLINE)))
            return Choice((pair, Bytes(VERTICAL)))
        if self.take("N"):
            return Bytes(ALL & ~NEWLINE)
        if self.at < len(self.text) and self.text[self.at] in PLACES:
            return Assertion(PLACES[self.next("it")])
        digits = self.text[self.at : self.at + 3]
        if digits[:1] in tuple("123456789") and not (
            len(digits) == 3 and all(digit in "01234567" for digit in digits)
        ):
            raise RegexError(start, "a back reference is not supported: it would take unbounded time")
        return self.bytes(self.escaped(start))
