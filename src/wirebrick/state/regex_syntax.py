"""Regular expressions in PCRE's syntax, as far as a matcher of bounded time goes: text in, tree out."""

from __future__ import annotations

from dataclasses import dataclass, replace

ALL = (1 << 256) - 1
MOST_REPEATED = 65535


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


def bits(data: bytes) -> int:
    """The set of some bytes.

    >>> bits(b"\\x00\\x02")
    5
    """
    return sum(1 << byte for byte in set(data))


def span(first: int, last: int) -> int:
    """The set of a range of bytes."""
    return (1 << last + 1) - (1 << first)


DIGITS = span(48, 57)
UPPER, LOWER = span(65, 90), span(97, 122)
WORD = DIGITS | UPPER | LOWER | bits(b"_")
SPACE = bits(b" \t\n\v\f\r")
BLANK = bits(b" \t\xa0")
VERTICAL = bits(b"\n\v\f\r\x85")
NEWLINE = bits(b"\n")
CLASSES = {"d": DIGITS, "w": WORD, "s": SPACE, "h": BLANK, "v": VERTICAL}
POSIX = {
    "alpha": UPPER | LOWER,
    "digit": DIGITS,
    "alnum": DIGITS | UPPER | LOWER,
    "upper": UPPER,
    "lower": LOWER,
    "space": SPACE,
    "blank": bits(b" \t"),
    "punct": span(33, 47) | span(58, 64) | span(91, 96) | span(123, 126),
    "print": span(32, 126),
    "graph": span(33, 126),
    "cntrl": span(0, 31) | 1 << 127,
    "xdigit": DIGITS | span(65, 70) | span(97, 102),
    "word": WORD,
}
CONTROLS = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
PLACES = {"A": "begin", "Z": "last_end", "z": "end", "b": "word", "B": "not_word"}
REFUSED = {"G": "\\G", "K": "\\K", "X": "\\X", "C": "\\C", "p": "\\p", "P": "\\P", "g": "\\g", "k": "\\k"}
LOOKS = {
    "=": "a look ahead",
    "!": "a look ahead",
    ">": "an atomic group",
    "|": "a branch reset",
    "(": "a condition",
}
LOOKS |= {"R": "recursion", "&": "recursion", "+": "recursion", "C": "a callout"}


def folded(mask: int) -> int:
    """A set with the letters of both cases."""
    return mask | (mask & UPPER) << 32 | (mask & LOWER) >> 32


def flags_of(text: str) -> Flags:
    """Flags by their letters. Raises ValueError for another letter.

    >>> flags_of("si").s
    True
    """
    wrong = [letter for letter in text if letter not in "ismxEGA"]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no flag of a regular expression: they are i, s, m, x, A, E, G")
    return Flags(**dict.fromkeys(text, True))


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


class _Parser:
    """By recursive descent; each byte of the pattern is one character of ``text``."""

    def __init__(self, text: str, flags: Flags) -> None:
        self.text = text
        self.at = 0
        self.flags = flags
        self.depth = 0

    def whole(self) -> Node:
        """All of it."""
        tree = self.choice()
        if self.at < len(self.text):
            raise RegexError(self.at, "a ) without its (")
        return tree

    def peek(self, text: str) -> bool:
        """Whether that comes next."""
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Step over it, if it comes next."""
        if not self.peek(text):
            return False
        self.at += len(text)
        return True

    def next(self, what: str) -> str:
        """The next character. Raises RegexError at the end."""
        if self.at >= len(self.text):
            raise RegexError(self.at, f"{what} has no end")
        self.at += 1
        return self.text[self.at - 1]

    def until(self, end: str, what: str) -> str:
        """What comes before ``end``, which is stepped over."""
        stop = self.text.find(end, self.at)
        if stop < 0:
            raise RegexError(self.at, f"{what} has no end: {end} is missing")
        found = self.text[self.at : stop]
        self.at = stop + len(end)
        return found

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

    def escaped(self, start: int) -> int:
        """The set that a backslash begins, also in [ ]."""
        letter = self.next("an escape")
        if letter.lower() in CLASSES:
            mask = CLASSES[letter.lower()]
            return mask if letter.islower() else ALL & ~mask
        if letter in CONTROLS:
            return 1 << CONTROLS[letter]
        if letter == "x":
            return 1 << self.hexadecimal(start)
        if letter == "c":
            return 1 << (ord(self.next("a control").upper()) & 0x7F ^ 64)
        if letter in "01234567":
            self.at -= 1
            return 1 << self.octal(start)
        if letter in REFUSED or letter.isalnum():
            raise RegexError(start, f"\\{letter} is not supported")
        return 1 << ord(letter)

    def hexadecimal(self, start: int) -> int:
        """The number behind \\x."""
        if self.take("{"):
            digits = self.until("}", "\\x{")
        else:
            digits = ""
            while len(digits) < 2 and self.at < len(self.text) and self.text[self.at] in _HEX:
                digits += self.next("\\x")
        if any(digit not in _HEX for digit in digits) or int(digits or "0", 16) > 255:
            raise RegexError(start, f"\\x{{{digits}}} is no byte")
        return int(digits or "0", 16)

    def octal(self, start: int) -> int:
        """Up to three octal digits."""
        digits = ""
        while len(digits) < 3 and self.at < len(self.text) and self.text[self.at] in "01234567":
            digits += self.next("an escape")
        if int(digits, 8) > 255:
            raise RegexError(start, f"\\{digits} is no byte")
        return int(digits, 8)

    def set(self, start: int) -> int:
        """The bytes of a [ ]."""
        negated = self.take("^")
        mask, first = 0, True
        while first or not self.peek("]"):
            if self.at >= len(self.text):
                raise RegexError(start, "a [ without its ]")
            first = False
            if self.take("[:"):
                mask |= self.posix()
                continue
            if self.take("\\E"):
                continue
            low = self.item(start)
            if self.peek("-") and not self.peek("-]") and _single(low):
                place = self.at
                self.at += 1
                high = self.item(start)
                if not _single(high):
                    mask |= low | high | bits(b"-")
                    continue
                if high < low:
                    raise RegexError(place, "a range that ends before it begins")
                low = span(low.bit_length() - 1, high.bit_length() - 1)
            mask |= low
        self.at += 1
        if self.flags.i:
            mask = folded(mask)
        return ALL & ~mask if negated else mask

    def posix(self) -> int:
        """A named class, such as [:alpha:]."""
        start = self.at - 2
        name = self.until(":]", "a class")
        mask = POSIX.get(name.removeprefix("^"))
        if mask is None:
            raise RegexError(start, f"[:{name}:] is no class; known are {', '.join(POSIX)}")
        return ALL & ~mask if name.startswith("^") else mask

    def item(self, start: int) -> int:
        """One item of a [ ]: a byte, or the set of an escape."""
        if self.at >= len(self.text):
            raise RegexError(start, "a [ without its ]")
        place = self.at
        character = self.next("a set")
        if character != "\\":
            return 1 << ord(character)
        if self.take("b"):
            return 1 << 8
        return self.escaped(place)


_HEX = "0123456789abcdefABCDEF"


def _single(mask: int) -> bool:
    """Whether a set is one byte."""
    return mask.bit_count() == 1
