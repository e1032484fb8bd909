"""``content`` with its modifiers, and ``pcre``."""

from __future__ import annotations

import re
from dataclasses import replace

from wirebrick.nf.ids.lines import Word
from wirebrick.nf.ids.rule import Content, Number, Pcre
from wirebrick.nf.ids.words import Option, arguments, integer, unquoted, unsupported
from wirebrick.state.regex_program import compiled_program
from wirebrick.state.regex_tree import RegexError, flags_of

LONGEST = 2048
FAR = 65535
NAME = re.compile(r"[A-Za-z_][\w.]*")
PCRE = re.compile(r"/(.*)/([A-Za-z]*)", re.DOTALL)
PCRE_FLAGS = "ismxAEGRB"
HTTP_FLAGS = "UIPHDMCKSYVWQL"  # buffers of Snort's and Suricata's HTTP inspection
QUOTE_CURE = 'write it in double quotes: content:"GET |2F| HTTP"'
ABSOLUTE, RELATIVE = ("offset", "depth"), ("distance", "within")
POSITIONS = (*ABSOLUTE, *RELATIVE)
MODIFIERS = (*POSITIONS, "nocase", "rawbytes", "fast_pattern", "startswith", "endswith")


def read_content(option: Option) -> tuple[Content, list[Option]]:
    """A content, and the modifiers that stand behind it in Snort 3's way. Raises ParameterError."""
    value, *others = arguments(option.value) or [option.value]
    negated = value.text.startswith("!")
    if negated:
        value = value.part(1)
    inner = unquoted(value)
    if inner is value:
        raise value.error(f"expected quoted bytes, found {value}", QUOTE_CURE)
    data = bytes_of(inner)
    if not data:
        raise inner.error("a content has at least one byte", QUOTE_CURE)
    if len(data) > LONGEST:
        raise inner.error(f"the content has {len(data)} bytes", f"{LONGEST} are the most")
    modifiers = []
    for other in others:
        name, _, _ = other.text.partition(" ")
        modifiers.append(Option(other.part(0, len(name)), other.part(len(name))))
    return Content(data, negated), modifiers


def bytes_of(word: Word) -> bytes:
    r"""The bytes that a content means: text, ``|0d 0a|``, and ``\"``, ``\;``, ``\:``, ``\\``, ``\|``.

    >>> from wirebrick.nf.ids.lines import lines
    >>> bytes_of(Word(r"a|0D 0a|\;", lines("x", "x.rules")[0], 0))
    b'a\r\n;'
    """
    found = bytearray()
    text, position = word.text, 0
    while position < len(text):
        letter = text[position]
        if letter == "|":
            end = text.find("|", position + 1)
            if end < 0:
                raise word.part(position).error("expected '|' behind the hexadecimal bytes", "write |0d 0a|")
            digits = "".join(text[position + 1 : end].split())
            if len(digits) % 2 or not re.fullmatch("[0-9A-Fa-f]*", digits):
                raise word.part(position, end + 1).error(
                    "expected hexadecimal bytes of two digits between '|'", "write |0d 0a|"
                )
            found += bytes.fromhex(digits)
            position = end + 1
            continue
        if letter == "\\" and position + 1 < len(text) and text[position + 1] in '";:\\|':
            position += 1
            letter = text[position]
        found += letter.encode("utf-8")
        position += 1
    return bytes(found)


def number(word: Word, what: str, names: frozenset[str], low: int, high: int) -> Number:
    """A number, or the name that an earlier byte_extract gave one. Raises ParameterError."""
    if NAME.fullmatch(word.text):
        if word.text not in names:
            known = f"; there are {', '.join(sorted(names))}" if names else ""
            cure = f"put byte_extract:1,0,{word.text} before it, or write a number{known}"
            raise word.error(f"{word} is no variable of this rule", cure)
        return word.text
    return integer(word, what, low, high)


def modify(content: Content, option: Option, names: frozenset[str]) -> Content:
    """The content with one modifier more. Raises ParameterError."""
    name, value = option.name, option.value
    kind = name.text
    if kind in POSITIONS:
        return _place(content, option, names)
    if kind == "fast_pattern":
        return replace(content, fast=_fast(content, option))
    if option.given:
        raise value.error(f"{kind} takes no value, found {value}", f"write {kind};")
    if kind == "nocase":
        return replace(content, nocase=True)
    if kind == "startswith":
        if content.relative or content.offset or content.depth is not None:
            raise name.error(
                "startswith stands beside another place", "leave offset, depth, distance, within away"
            )
        return replace(content, depth=len(content.data))
    return content  # rawbytes: what Wirebrick looks at is always raw


def _place(content: Content, option: Option, names: frozenset[str]) -> Content:
    name, value = option.name, option.value
    kind = name.text
    relative = kind in RELATIVE
    placed = content.offset != 0 or content.depth is not None
    if (relative and placed and not content.relative) or (not relative and content.relative):
        others = ABSOLUTE if relative else RELATIVE
        raise name.error(
            f"{kind} can't stand beside {' or '.join(others)} at one content",
            "offset and depth count from the payload's first byte, distance and within from the last match",
        )
    if not option.given:
        raise name.error(f"expected {kind}:NUMBER", f"write {kind}:5;")
    if kind in ("offset", "distance"):
        offset = number(value, kind, names, -FAR, FAR)
        return replace(content, offset=offset, relative=relative or content.relative)
    depth = number(value, kind, names, 1, FAR)
    if isinstance(depth, int) and depth < len(content.data):
        raise value.error(
            f"{kind} is {depth}, but the content has {len(content.data)} bytes: it can never match",
            f"write {len(content.data)} or more",
        )
    return replace(content, depth=depth, relative=relative or content.relative)


def _fast(content: Content, option: Option) -> tuple[int, int]:
    value = option.value
    if not option.given or value.text == "only":
        return (0, len(content.data))
    parts = arguments(value)
    if len(parts) != 2:
        raise value.error(
            f"expected fast_pattern:only or fast_pattern:OFFSET,LENGTH, found {value}", "write 0,8"
        )
    begin = integer(parts[0], "an offset", 0, len(content.data) - 1)
    length = integer(parts[1], "a length", 1, len(content.data) - begin)
    return (begin, begin + length)


def read_pcre(option: Option) -> Pcre:
    """``pcre:[!]"/.../flags"``. Raises ParameterError."""
    value = option.value
    negated = value.text.startswith("!")
    if negated:
        value = value.part(1)
    inner = unquoted(value)
    found = PCRE.fullmatch(inner.text.removeprefix("m"))
    if inner is value or found is None:
        raise value.error(f"expected an expression, found {value}", 'write pcre:"/expression/flags"')
    for flag in found[2]:
        at = inner.part(len(inner.text) - len(found[2]) + found[2].index(flag))
        if flag in HTTP_FLAGS:
            raise unsupported(at, f"pcre's flag {flag}", " (a buffer of an HTTP inspector)")
        if flag not in PCRE_FLAGS:
            raise at.error(f"pcre knows no flag {flag!r}", f"there are {', '.join(PCRE_FLAGS)}")
    # Snort's own escapes: a quote, a semicolon (\; is ; to the expression too).
    pattern = found[1].replace('\\"', '"').replace("\\/", "/")
    flags = "".join(flag for flag in PCRE_FLAGS[:-2] if flag in found[2])
    try:
        compiled_program(pattern.encode(), flags_of(flags))
    except RegexError as error:
        at = inner.part(min(1 + error.position, len(inner.text)))
        if "not supported" in error.reason or "takes more" in error.reason:
            raise unsupported(
                at, "pcre's " + error.reason.partition(" is not supported")[0].removeprefix("a ")
            ) from None
        raise at.error(f"the expression is wrong: {error.reason}", "see pcrepattern(3)") from None
    return Pcre(pattern, flags, negated, "R" in found[2])
