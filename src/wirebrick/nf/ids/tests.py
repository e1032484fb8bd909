"""Options that look at fields of the packet: ``ttl``, ``dsize``, ``flags``, ``itype`` and their like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from wirebrick.nf.firewall.names import PROTOCOLS
from wirebrick.nf.ids.lines import Word
from wirebrick.nf.ids.rule import Bits, InRange, IpOption, PacketTest, SameIp
from wirebrick.nf.ids.words import Option, arguments, integer

COMPARED = re.compile(r"(<=|>=|[<>=!]|)\s*([^<>=!\s]+)")
BETWEEN = re.compile(r"([^<>=\s]+)\s*(<>|<=>)\s*([^<>=\s]+)")
DASHED = re.compile(r"([0-9]*)-([0-9]*)")
IP_OPTIONS = {"rr": 7, "eol": 0, "nop": 1, "ts": 68, "sec": 130, "esec": 133}
IP_OPTIONS |= {"lsrr": 131, "lsrre": 131, "satid": 136, "ssrr": 137, "any": -1}
TCP_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "2": 64, "C": 128, "1": 128, "0": 0}
FRAGMENT_BITS = {"M": 1, "D": 2, "R": 4}
HOW: dict[str, Literal["exactly", "all", "any", "none"]] = {
    "": "exactly",
    "+": "all",
    "*": "any",
    "!": "none",
}

# Field, its largest value, whether "low<>high" has both ends in it (as Snort's code for each has it).
FIELDS = {
    "ttl": ("ttl", 255, False),
    "tos": ("tos", 255, False),
    "id": ("id", 65535, False),
    "dsize": ("dsize", 65535, True),
    "fragoffset": ("fragoffset", 8191, False),
    "ip_proto": ("ip_proto", 255, False),
    "seq": ("seq", (1 << 32) - 1, False),
    "ack": ("ack", (1 << 32) - 1, False),
    "window": ("window", 65535, False),
    "itype": ("itype", 255, False),
    "icode": ("icode", 255, False),
    "icmp_id": ("icmp_id", 65535, False),
    "icmp_seq": ("icmp_seq", 65535, False),
}
TCP_ONLY = ("flags", "seq", "ack", "window")
ICMP_ONLY = ("itype", "icode", "icmp_id", "icmp_seq")


def read_test(option: Option) -> PacketTest:
    """One of them. Raises ParameterError."""
    kind, value = option.name.text, option.value
    if kind == "sameip":
        if option.given:
            raise value.error(f"sameip takes no value, found {value}", "write sameip;")
        return SameIp()
    if not option.given:
        raise option.name.error(f"expected {kind}:VALUE", "see docs/ids.md for what it takes")
    if kind == "ipopts":
        if value.text not in IP_OPTIONS:
            raise value.error(
                f"expected an IP option, found {value}", f"it is one of {', '.join(IP_OPTIONS)}"
            )
        return IpOption(IP_OPTIONS[value.text])
    if kind == "flags":
        return _flags(value)
    if kind == "fragbits":
        how, letters = _how(value)
        return Bits("fragbits", how, _bits(letters, FRAGMENT_BITS, "M, D, R"))
    return _range(*FIELDS[kind], value)


def _how(word: Word) -> tuple[Literal["exactly", "all", "any", "none"], Word]:
    """What a modifier before (or, as Snort takes it too, behind) letters says, and the letters."""
    text = word.text
    if text[:1] in ("+", "*", "!"):
        return HOW[text[0]], word.part(1)
    if text[-1:] in ("+", "*", "!"):
        return HOW[text[-1]], word.part(0, -1)
    return "exactly", word


def _bits(word: Word, letters: dict[str, int], known: str) -> int:
    bits = 0
    if not word.text:
        raise word.error("expected letters of bits, and there are none", f"they are {known}")
    for position, letter in enumerate(word.text):
        if letter.upper() not in letters:
            raise word.part(position, position + 1).error(f"there is no bit {letter!r}", f"they are {known}")
        bits |= letters[letter.upper()]
    return bits


def _flags(value: Word) -> Bits:
    known = "F, S, R, P, A, U, C (or 1), E (or 2), 0 for none"
    parts = arguments(value)
    if len(parts) > 2:
        raise parts[2].error(f"expected flags:BITS or flags:BITS,IGNORED, found {parts[2]}", "leave it away")
    how, letters = _how(parts[0])
    ignored = _bits(parts[1], TCP_FLAGS, known) if len(parts) == 2 else 0
    return Bits("flags", how, _bits(letters, TCP_FLAGS, known), ignored)


def _range(field: str, largest: int, closed: bool, value: Word) -> InRange:
    read: Callable[[Word], int] = (
        _protocol if field == "ip_proto" else lambda one: integer(one, field, 0, largest)
    )
    between = BETWEEN.fullmatch(value.text)
    if between:
        low, high = (read(value.part(*between.span(side))) for side in (1, 3))
        if low > high:
            raise value.error(f"the range {value} is reversed", f"write {high}{between[2]}{low}")
        inside = 0 if closed or between[2] == "<=>" else 1
        return InRange(field, low + inside, high - inside)
    dashed = DASHED.fullmatch(value.text)
    if dashed and field == "ttl" and (dashed[1] or dashed[2]):
        low = read(value.part(*dashed.span(1))) if dashed[1] else 0
        high = read(value.part(*dashed.span(2))) if dashed[2] else largest
        return InRange(field, low, high)
    found = COMPARED.fullmatch(value.text)
    if found is None:
        raise value.error(f"expected a number for {field}, found {value}", f"write {field}:5; or {field}:>5;")
    number = read(value.part(*found.span(2)))
    sign = found[1]
    if sign in ("<", "<="):
        return InRange(field, 0, number - (sign == "<"))
    if sign in (">", ">="):
        return InRange(field, number + (sign == ">"), largest)
    return InRange(field, number, number, sign == "!")


def _protocol(word: Word) -> int:
    if word.text.lower() in PROTOCOLS:
        return PROTOCOLS[word.text.lower()]
    return integer(word, "ip_proto", 0, 255)
