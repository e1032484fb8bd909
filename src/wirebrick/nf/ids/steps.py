"""The options of a rule as steps: eight words each, see layout.py."""

from __future__ import annotations

from collections.abc import Callable

from wirebrick.nf.ids import layout
from wirebrick.nf.ids.rule import (
    Bits,
    ByteExtract,
    ByteJump,
    Bytes,
    ByteTest,
    Content,
    InRange,
    IpOption,
    IsDataAt,
    Number,
    PayloadOption,
    Pcre,
    Rule,
)

FIELDS = (
    "ttl", "tos", "id", "dsize", "fragoffset", "ip_proto", "seq", "ack", "window", "itype", "icode", "icmp_id",
    "icmp_seq", "flags", "fragbits",
)  # fmt: skip
HOW = {"exactly": layout.EXACTLY, "all": layout.ALL, "any": layout.ANY, "none": layout.NONE}
OPERATORS = ("<", ">", "=", "<=", ">=", "&", "^")
ORIGINS = ("here", "beginning", "end")
FAR = 1 << 30


class Steps:
    """Makes the steps of a rule. ``text``: puts bytes into the book; ``expressions``: gets those that are met."""

    def __init__(self, text: Callable[[bytes], int], expressions: list[Pcre]) -> None:
        self.text = text
        self.expressions = expressions
        self.variables: dict[str, int] = {}

    def tests(self, rule: Rule) -> list[int]:
        """The words of its tests of the packet."""
        words: list[int] = []
        for test in rule.tests:
            if isinstance(test, InRange):
                flags = layout.NEGATED if test.negated else 0
                words += step(layout.IS_RANGE, flags, FIELDS.index(test.field), test.low, test.high)
            elif isinstance(test, Bits):
                bits = test.bits & ~test.ignored
                words += step(layout.IS_BITS, 0, FIELDS.index(test.field), HOW[test.how], bits, test.ignored)
            elif isinstance(test, IpOption):
                words += step(layout.IS_OPTION, 0, test.number)
            else:
                words += step(layout.IS_SAME, 0)
        return words

    def payload(self, rule: Rule) -> list[int]:
        """The words of its payload options."""
        words: list[int] = []
        for number, option in enumerate(rule.payload):
            words += self._payload(option, layout.RETRY if is_followed(rule.payload[number + 1 :]) else 0)
        return words

    def _payload(self, option: PayloadOption, flags: int) -> list[int]:
        if isinstance(option, Content):
            offset, varies = self._number(option.offset, layout.OFFSET_VARIABLE)
            depth, also = self._number(-1 if option.depth is None else option.depth, layout.SECOND_VARIABLE)
            flags |= varies | also | (layout.NOCASE if option.nocase else 0) | _flags(option)
            data = option.data.lower() if option.nocase else option.data
            return step(layout.DO_CONTENT, flags, self.text(data), len(data), offset, depth)
        if isinstance(option, Pcre):
            self.expressions.append(option)
            return step(layout.DO_PCRE, flags | _flags(option), len(self.expressions) - 1)
        if isinstance(option, IsDataAt):
            offset, varies = self._number(option.offset, layout.OFFSET_VARIABLE)
            return step(layout.DO_AT, varies | _flags(option), 0, offset)
        count, offset, mask, read = self._bytes(option.bytes)
        if isinstance(option, ByteTest):
            value, varies = self._number(option.value, layout.SECOND_VARIABLE)
            negated = layout.NEGATED if option.negated else 0
            operator = OPERATORS.index(option.operator)
            return step(layout.DO_TEST, read | varies | negated, count, offset, mask, operator, value)
        how = option.multiplier | option.align << 16
        if isinstance(option, ByteJump):
            post, varies = self._number(option.post_offset, layout.SECOND_VARIABLE)
            how |= ORIGINS.index(option.origin) << 24
            return step(layout.DO_JUMP, read | varies, count, offset, mask, how, post)
        variable = self.variables.setdefault(option.name, len(self.variables))
        return step(layout.DO_EXTRACT, read, count, offset, mask, how, variable)

    def _bytes(self, bytes: Bytes) -> tuple[int, int, int, int]:
        offset, flags = self._number(bytes.offset, layout.OFFSET_VARIABLE)
        flags |= (layout.RELATIVE if bytes.relative else 0) | (layout.LITTLE if bytes.little else 0)
        return bytes.count | bytes.base << 8, offset, bytes.mask, flags

    def _number(self, number: Number, varies: int) -> tuple[int, int]:
        """A number, or the number of a variable and the flag that says so."""
        return (self.variables[number], varies) if isinstance(number, str) else (number, 0)


def step(kind: int, flags: int, *words: int) -> list[int]:
    """The words of a step."""
    return [kind, flags, *words, *[0] * (6 - len(words))]


def _flags(option: Content | Pcre | IsDataAt) -> int:
    return (layout.NEGATED if option.negated else 0) | (layout.RELATIVE if option.relative else 0)


def is_relative(option: PayloadOption) -> bool:
    """Whether an option counts from the end of the last match."""
    return option.bytes.relative if isinstance(option, ByteTest | ByteJump | ByteExtract) else option.relative


def is_followed(after: tuple[PayloadOption, ...]) -> bool:
    """Whether another place of a match could make a difference for the options behind it."""
    for option in after:
        if is_relative(option):
            return True
        if isinstance(option, ByteJump) or (isinstance(option, Content | Pcre) and not option.negated):
            return False
    return False


def lookback(rule: Rule) -> int:
    """How many bytes before new ones a rule may have to look at again.

    >>> from wirebrick.nf.ids.rules import parse_rules
    >>> def of(options):
    ...     return lookback(parse_rules(f"alert tcp any any -> any any ({options} sid:1;)").rules[0])
    >>> of('content:"abcd";'), of('content:"abcd"; content:"ef"; distance:1; within:10;')
    (3, 14)
    >>> of('content:"abcd"; content:"ef";') > 1_000_000
    True
    """
    total = 0
    for number, option in enumerate(rule.payload):
        if not isinstance(option, Content):
            return FAR
        if number == 0:
            if option.relative or option.offset or option.depth is not None:
                return FAR
            total = len(option.data)
        else:
            offset, depth = option.offset, option.depth
            if not option.relative or depth is None or isinstance(offset, str) or isinstance(depth, str):
                return FAR
            total += max(0, offset) + depth
    return max(0, total - 1)
