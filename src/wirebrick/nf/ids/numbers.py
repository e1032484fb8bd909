"""``byte_test``, ``byte_jump``, ``byte_extract`` and ``isdataat``."""

from __future__ import annotations

import re
from typing import cast

from wirebrick.nf.ids.contents import FAR, NAME, number
from wirebrick.nf.ids.lines import Word
from wirebrick.nf.ids.rule import ByteExtract, ByteJump, Bytes, ByteTest, IsDataAt, Number
from wirebrick.nf.ids.words import Option, arguments, integer, unsupported

LARGEST = (1 << 32) - 1
MOST_DIGITS = 10
MOST_VARIABLES = 8
OPERATOR = re.compile(r"(!?)\s*(<=|>=|[<>=&^]|)")
BASES = {"hex": 16, "dec": 10, "oct": 8}


class Words:
    """The words behind the first ones of a byte option; each is taken once."""

    def __init__(self, option: Option, least: int, shape: str) -> None:
        self.option = option
        self.words = arguments(option.value)
        if len(self.words) < least:
            raise option.name.error(f"expected {option.name.text}:{shape}", "see docs/ids.md")
        self.rest = self.words[least:]
        self.flags: dict[str, Word] = {}
        for word in self.rest:
            name, _, _ = word.text.partition(" ")
            if name in self.flags:
                raise word.error(f"{name} is given twice", "leave one away")
            self.flags[name] = word

    def flag(self, name: str) -> bool:
        """Whether a word is there."""
        return self.flags.pop(name, None) is not None

    def number(self, name: str, low: int, high: int, default: int) -> int:
        """The number behind a word, such as ``multiplier 2``."""
        word = self.flags.pop(name, None)
        return default if word is None else integer(word.part(len(name)), name, low, high)

    def done(self) -> None:
        """Raise ParameterError for what nobody took."""
        for name, word in self.flags.items():
            if name == "dce":
                raise unsupported(word, f"{self.option.name.text}'s dce", " (there is no DCE/RPC inspector)")
            raise word.error(f"{self.option.name.text} knows no {word}", "see docs/ids.md for what it takes")


def _bytes(words: Words, count: Word, offset: Word, names: frozenset[str]) -> Bytes:
    relative, string = words.flag("relative"), words.flag("string")
    little, big = words.flag("little"), words.flag("big")
    bases = [base for name, base in BASES.items() if words.flag(name)]
    if little and big:
        raise count.error("little and big are both given", "leave one away")
    if len(bases) > 1 or (bases and not string):
        raise count.error("hex, dec and oct stand behind string, one of them", "write string,dec")
    mask = words.number("bitmask", 1, LARGEST, 0)
    taken = integer(count, "a number of bytes", 1, MOST_DIGITS if string else 4)
    if mask >> 8 * taken and not string:
        raise count.error(f"the bitmask has more than {taken} bytes", "take more bytes, or a smaller mask")
    base = (bases or [10])[0] if string else 0
    return Bytes(taken, number(offset, "an offset", names, -FAR, FAR), relative, little, base, mask)


def read_byte_test(option: Option, names: frozenset[str]) -> ByteTest:
    """``byte_test:count,[!]operator,value,offset[,...]``. Raises ParameterError."""
    words = Words(option, 4, "COUNT,OPERATOR,VALUE,OFFSET")
    count, sign, value, offset = words.words[:4]
    found = OPERATOR.fullmatch(sign.text)
    if found is None or not (found[1] or found[2]):
        raise sign.error(
            f"expected an operator, found {sign}", "it is one of < > = <= >= & ^, or ! before one"
        )
    operand: Number = number(value, "a value", names, 0, LARGEST)
    taken = _bytes(words, count, offset, names)
    words.done()
    return ByteTest(taken, cast("object", found[2] or "="), bool(found[1]), operand)  # type: ignore[arg-type]


def read_byte_jump(option: Option, names: frozenset[str]) -> ByteJump:
    """``byte_jump:count,offset[,...]``. Raises ParameterError."""
    words = Words(option, 2, "COUNT,OFFSET")
    taken = _bytes(words, words.words[0], words.words[1], names)
    multiplier = words.number("multiplier", 1, FAR, 1)
    align = 4 if words.flag("align") else 0
    beginning, end = words.flag("from_beginning"), words.flag("from_end")
    if beginning and end:
        raise option.name.error("from_beginning and from_end are both given", "leave one away")
    post: Number = 0
    word = words.flags.pop("post_offset", None)
    if word is not None:
        post = number(word.part(len("post_offset")), "post_offset", names, -FAR, FAR)
    words.done()
    return ByteJump(taken, multiplier, align, "beginning" if beginning else "end" if end else "here", post)


def read_byte_extract(option: Option, names: frozenset[str]) -> ByteExtract:
    """``byte_extract:count,offset,name[,...]``. Raises ParameterError."""
    words = Words(option, 3, "COUNT,OFFSET,NAME")
    name = words.words[2]
    if not NAME.fullmatch(name.text):
        raise name.error(f"expected a name for the number, found {name}", "write letters, such as size")
    if len(names | {name.text}) > MOST_VARIABLES:
        raise name.error(f"a rule has {MOST_VARIABLES} variables at most", "use one of them again")
    taken = _bytes(words, words.words[0], words.words[1], names)
    multiplier = words.number("multiplier", 1, FAR, 1)
    align = words.number("align", 2, 4, 0)
    words.done()
    return ByteExtract(taken, name.text, multiplier, align)


def read_isdataat(option: Option, names: frozenset[str]) -> IsDataAt:
    """``isdataat:[!]offset[,relative][,rawbytes]``. Raises ParameterError."""
    words = Words(option, 1, "OFFSET")
    first = words.words[0]
    negated = first.text.startswith("!")
    relative = words.flag("relative")
    words.flag("rawbytes")
    words.done()
    offset = number(first.part(1) if negated else first, "an offset", names, -FAR, FAR)
    return IsDataAt(offset, negated, relative)
