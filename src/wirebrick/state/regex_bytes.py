"""Sets of bytes of regular expressions, as numbers with a bit for each byte."""

from __future__ import annotations

ALL = (1 << 256) - 1


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


def folded(mask: int) -> int:
    """A set with the letters of both cases."""
    return mask | (mask & UPPER) << 32 | (mask & LOWER) >> 32
