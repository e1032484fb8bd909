"""The grammar of a rule: from the words of a line to its action and the tree of its conditions.

    rule       = action [ "any" | "all" | expression ]
    expression = term { "and" term } | term { "or" term }          (mixed only with parentheses)
    term       = factor { factor }                                 (side by side: all must hold)
    factor     = { "not" } ( "(" expression ")" | primitive )
    primitive  = VERSION | PROTOCOL | "proto" numbers
               | [ side ] [ "host" | "net" ] addresses | [ side ] ( "port" | "portrange" ) ports
               | ( "from" | "to" ) [ "host" | "net" ] addresses [ ( "port" | "portrange" ) ports ]
               | further                                       (see further_syntax.py)
    side       = "src" [ ( "or" | "and" ) "dst" ] | "dst" [ ( "or" | "and" ) "src" ]

``addresses``, ``ports`` and ``numbers`` are one value or several, joined by ``or`` or commas (``port 80 or 443``,
``port 80,443``).
After ``src``, ``dst``, ``from`` and ``to``, ``any`` is an address too.

>>> from wirebrick.nf.firewall.words import Line
>>> action, condition = parse_rule(Line("deny udp src port 53", "acl.rules", 1))
>>> action, [member.box.src_ports for member in condition.members]
('deny', [(0, 65535), (53, 53)])
"""

from __future__ import annotations

from typing import Literal, NoReturn

from wirebrick.nf.firewall.boxes import EVERY_VERSION, PORTED, V4, V6, Box, Prefix
from wirebrick.nf.firewall.conditions import Group, Leaf, Node, Not, all_of
from wirebrick.nf.firewall.further_syntax import READERS
from wirebrick.nf.firewall.joining import check_joining, check_not, check_sides, joins
from wirebrick.nf.firewall.lists import joined, values
from wirebrick.nf.firewall.names import (
    ACTIONS,
    AND,
    ANY,
    CONDITIONS,
    DIRECTIONS,
    NOT,
    ONE_VERSION,
    OR,
    PORT_WORDS,
    PROTOCOLS,
    SERVICES,
    VERSIONS,
    Action,
)
from wirebrick.nf.firewall.values import (
    looks_like_address,
    looks_like_number,
    looks_like_port,
    read_address,
    read_ports,
    read_protocol,
)
from wirebrick.nf.firewall.words import Line, Word, nearest

DEEPEST = 32
EITHER: tuple[str, ...] = ("src", "dst")
SPELLINGS = ", ".join(ACTIONS)


def parse_rule(line: Line) -> tuple[Action, Node]:
    """Parse a line that has words; raises ParameterError at the first word that doesn't fit.

    >>> parse_rule(Line("tcp port 80", "acl.rules", 7))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: acl.rules:7:1: a rule starts with its action, not with 'tcp'
      help: write 'allow tcp ...' or 'deny tcp ...'
    """
    word = line.take()
    if word.text not in ACTIONS:
        cure = nearest(word.text, ACTIONS) or f"an action is one of {SPELLINGS}"
        if word.text in CONDITIONS:
            cure = f"write 'allow {word.text} ...' or 'deny {word.text} ...'"
        raise line.error(word, f"a rule starts with its action, not with {word}", cure)
    action = ACTIONS[word.text]
    if not line.peek().text or (line.peek().text in ANY and not line.peek(1).text):
        return action, Leaf(line.peek(), Box())
    check_joining(line)
    node = _expression(line, 0)
    if line.peek().text == ")":
        raise line.error(line.peek(), "this ')' closes nothing", "leave it out, or add the '('")
    return action, node


def _expression(line: Line, depth: int) -> Node:
    return joined(line, lambda: _term(line, depth), lambda text: True)


def _term(line: Line, depth: int) -> Node:
    previous = line.peek()
    factors = [_factor(line, depth)]
    while line.peek().text and line.peek().text not in AND | OR | {")"}:
        check_sides(line, previous, line.peek())
        previous = line.peek()
        factors.append(_factor(line, depth))
    return all_of(factors)


def _factor(line: Line, depth: int) -> Node:
    negations = []
    while line.peek().text in NOT:
        negations.append(line.take())
    if line.peek().text == "(":
        opening = line.take()
        if depth == DEEPEST:
            raise line.error(opening, f"more than {DEEPEST} parentheses are open", "make it several rules")
        node = _expression(line, depth + 1)
        if line.take().text != ")":
            raise line.error(opening, "this '(' is never closed", "add the ')'")
    else:
        start = line.position
        node = _primitive(line)
        if negations:
            check_not(line, start)
    return Not(negations[0], node) if len(negations) % 2 else node


def _primitive(line: Line) -> Node:
    word = line.peek()
    text = word.text
    if text in VERSIONS:
        return Leaf(line.take(), Box(versions=_version(VERSIONS[text])))
    if text in PROTOCOLS:
        versions = _version(ONE_VERSION[text]) if text in ONE_VERSION else EVERY_VERSION
        return Leaf(line.take(), Box(versions=versions, protocols=1 << PROTOCOLS[text]))
    if text == "proto":
        line.take()
        return values(line, lambda word: _protocol(line, word), looks_like_number)
    if text in ("from", "to"):
        return _from_or_to(line)
    if text in DIRECTIONS:
        joiner, sides = _sides(line)
        if line.peek().text in PORT_WORDS:
            return _ports(line, joiner, sides)
        return _addresses(line, joiner, sides, named=True)
    if text in PORT_WORDS:
        return _ports(line, "or", EITHER)
    if text in READERS:
        return READERS[text](line)
    if text in ("host", "net") or looks_like_address(text):
        return _addresses(line, "or", EITHER, named=False)
    _unknown(line, word)


def _version(number: int) -> int:
    return V4 if number == 4 else V6


def _protocol(line: Line, word: Word) -> Node:
    return Leaf(word, Box(protocols=1 << read_protocol(line, word)))


def _sides(line: Line) -> tuple[Literal["and", "or"], tuple[str, ...]]:
    first = line.take()
    if line.peek().text not in AND | OR or joins(line, line.position):
        return "or", (first.text,)
    joiner = line.take().text
    second = line.take()
    if second.text == first.text:
        raise line.error(second, f"{second} is said twice", "write 'src or dst'")
    return ("and" if joiner in AND else "or"), EITHER


def _from_or_to(line: Line) -> Node:
    side = "src" if line.take().text == "from" else "dst"
    addresses = _addresses(line, "or", (side,), named=True)
    if line.peek().text not in PORT_WORDS:
        return addresses
    return all_of([addresses, _ports(line, "or", (side,))])


def _addresses(line: Line, joiner: Literal["and", "or"], sides: tuple[str, ...], *, named: bool) -> Node:
    """Read one or more addresses; ``named``: a side was named, so ``any`` is an address too."""
    if named and line.peek().text in ANY:
        return Leaf(line.take(), Box())
    kind = line.take().text if line.peek().text in ("host", "net") else ""

    def one(word: Word) -> Node:
        versions, prefix = read_address(line, word, kind)
        return _on_sides(word, joiner, [_address_box(versions, side, prefix) for side in sides])

    return values(line, one, looks_like_address)


def _address_box(versions: int, side: str, prefix: Prefix) -> Box:
    return Box(versions=versions, src=prefix) if side == "src" else Box(versions=versions, dst=prefix)


def _ports(line: Line, joiner: Literal["and", "or"], sides: tuple[str, ...]) -> Node:
    line.take()

    def one(word: Word) -> Node:
        ports = read_ports(line, word)
        boxes = {
            "src": Box(protocols=PORTED, src_ports=ports, ported=True),
            "dst": Box(protocols=PORTED, dst_ports=ports, ported=True),
        }
        return _on_sides(word, joiner, [boxes[side] for side in sides])

    return values(line, one, looks_like_port)


def _on_sides(word: Word, joiner: Literal["and", "or"], boxes: list[Box]) -> Node:
    leaves = tuple(Leaf(word, box) for box in boxes)
    return Group(joiner, leaves) if len(leaves) > 1 else leaves[0]


def _unknown(line: Line, word: Word) -> NoReturn:
    """Refuse a word that starts no condition, with what was probably meant."""
    text = word.text
    if not text or text in AND | OR | {")"}:
        cure = "add it, or leave out the word before"
        raise line.error(word, f"a condition is missing before {word}", cure)
    if text in ANY:
        cure = f"leave it out, or write 'from {text} to {text}'"
        raise line.error(word, f"{word} stands alone or as an address", cure)
    if text in ACTIONS:
        raise line.error(word, f"{word} starts another rule", "write one rule on each line")
    if text in SERVICES:
        raise line.error(word, f"{word} is the name of a port", f"write 'port {text}'")
    if looks_like_port(text):
        raise line.error(word, f"a bare {word} says nothing", f"write 'port {text}' or 'proto {text}'")
    cure = nearest(text, CONDITIONS) or "write a protocol, an address, 'port N', 'from X' or 'to Y'"
    raise line.error(word, f"unknown word {word}", cure)
