"""The options of a rule as words: ``name: value;`` between the parentheses, quotes and escapes respected.

>>> from wirebrick.nf.ids.lines import lines
>>> line = lines('(msg:"a; b"; content:"|3b|\\\\;",nocase; nocase ; sid: 1;)', "x.rules")[0]
>>> for option in split_options(Word(line.text, line, 0)):
...     print(option.name.text, "=", option.value.text)
msg = "a; b"
content = "|3b|\\;",nocase
nocase =
sid = 1
"""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.errors import ParameterError
from wirebrick.nf.ids.lines import Word


class Unsupported(ParameterError):
    """A rule uses what Wirebrick has not; ``what`` names it, for counting."""

    what = ""


def unsupported(word: Word, what: str, why: str = "") -> Unsupported:
    """Make (not raise) the error for something that Snort or Suricata knows and Wirebrick doesn't."""
    error = Unsupported(
        f"{what} is not supported{why}",
        place=word.line.place(word.offset),
        cure="unsupported=skip leaves such rules out and counts them; docs/ids.md lists what is supported",
    )
    error.what = what
    return error


@dataclass(frozen=True)
class Option:
    """An option: its name, and its value (empty where it has none)."""

    name: Word
    value: Word

    @property
    def given(self) -> bool:
        """Whether it has a value."""
        return bool(self.value.text)


def split_options(body: Word) -> list[Option]:
    """The options in ``(...)``. Raises ParameterError."""
    if not body.text.endswith(")"):
        last = body.part(max(0, len(body.text) - 1))
        raise last.error(
            f"expected ')' at the end of the rule, found {last}", 'write ACTION ... (msg:"..."; sid:1;)'
        )
    found = []
    for part in _split(body.part(1, -1)):
        if not part.text:
            continue
        end = _outside(part, ":")
        colon = end[0] if end else len(part.text)
        found.append(Option(part.part(0, colon), part.part(colon + 1)))
    return found


def _split(word: Word) -> list[Word]:
    ends = _outside(word, ";")
    parts = [word.part(begin, end) for begin, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)]
    rest = word.part(ends[-1] + 1 if ends else 0)
    if rest.text:
        raise rest.error(
            f"expected ';' behind the option {rest}", "every option ends with ';', the last one too"
        )
    return parts


def _outside(word: Word, mark: str) -> list[int]:
    """Where a mark stands outside of quotes, and not behind a backslash. Raises ParameterError."""
    found: list[int] = []
    quote = -1
    escaped = False
    for position, letter in enumerate(word.text):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quote = position if quote < 0 else -1
        elif letter == mark and quote < 0:
            found.append(position)
    if quote >= 0 and mark == ";":
        raise word.part(quote).error(
            "the quotes that begin here don't end", r"close them; a quote inside is \""
        )
    return found


def arguments(word: Word) -> list[Word]:
    """The parts of a value at commas outside of quotes and brackets; none where it is empty.

    >>> from wirebrick.nf.ids.lines import lines
    >>> line = lines('"a,b" , 2', "x.rules")[0]
    >>> [part.text for part in arguments(Word(line.text, line, 0))]
    ['"a,b"', '2']
    """
    if not word.text:
        return []
    ends = [at for at in _outside(word, ",") if _depth(word.text[:at]) == 0]
    ends.append(len(word.text))
    return [
        word.part(begin, end) for begin, end in zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True)
    ]


def _depth(text: str) -> int:
    return text.count("[") - text.count("]")


def integer(word: Word, what: str, low: int, high: int) -> int:
    """A number in decimal or hexadecimal (0x). Raises ParameterError.

    >>> from wirebrick.nf.ids.lines import lines
    >>> integer(Word("0x10", lines("0x10", "x.rules")[0], 0), "a ttl", 0, 255)
    16
    """
    text = word.text.lower()
    digits = text.removeprefix("-")
    try:
        if not (digits.isdigit() or digits.startswith("0x")) or "_" in digits:
            raise ValueError
        number = int(text, 16 if "0x" in digits else 10)
    except ValueError:
        raise word.error(
            f"expected {what}, a number, found {word}", f"write a number from {low} to {high}"
        ) from None
    if not low <= number <= high:
        raise word.error(f"{word} is out of range for {what}", f"write a number from {low} to {high}")
    return number


def unquoted(word: Word) -> Word:
    """What is between quotes, or the word itself where it has none.

    >>> from wirebrick.nf.ids.lines import lines
    >>> unquoted(Word('"a b"', lines('"a b"', "x.rules")[0], 0)).text
    'a b'
    """
    text = word.text
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return Word(text[1:-1], word.line, word.offset + 1)
    return word


def plain(text: str) -> str:
    r"""Text without the backslashes before quotes, semicolons, colons and backslashes.

    >>> plain(r"a\;b\"c\\")
    'a;b"c\\'
    """
    found, escaped = "", False
    for letter in text:
        if letter == "\\" and not escaped:
            escaped = True
            continue
        found += letter if not escaped or letter in '";:\\' else "\\" + letter
        escaped = False
    return found + ("\\" if escaped else "")
