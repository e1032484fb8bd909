"""Conditions as a tree, and the boxes of packets a tree stands for.

The tree is brought to boxes from the leaves up (disjunctive normal form); ``not`` is pushed down to the
leaves on the way (De Morgan's laws).

>>> from wirebrick.nf.firewall.words import Line
>>> line = Line("udp port 53", "acl.rules", 1)
>>> udp = Leaf(line.peek(0), Box(protocols=1 << 17))
>>> dns = Leaf(line.peek(1), Box(protocols=1 << 6 | 1 << 17, dst_ports=(53, 53), ported=True))
>>> [str(row) for box in boxes_of(line, Group("and", (udp, dns))) for row in box.rows()]
['udp from any to any port 53']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.boxes import MIXED, NO_PORTS, Box, Ports, complement, intersect
from wirebrick.nf.firewall.match import HIGHEST_PORT, Match
from wirebrick.nf.firewall.words import Line, Word

MOST_ROWS = 4096
MOST_PAIRS = 1 << 17
IMPOSSIBLE_CURES = {
    MIXED: "write a rule for each version (icmp is IPv4's, icmp6 IPv6's)",
    NO_PORTS: "leave the port out, or name tcp or udp",
}
OTHER_CURE = "no packet is both: leave one of them out, or join them with 'or'"


@dataclass(frozen=True)
class Leaf:
    """A single condition; ``word`` is where errors point."""

    word: Word
    box: Box


@dataclass(frozen=True)
class Group:
    """Conditions that must all hold ("and") or of which one must ("or")."""

    joiner: Literal["and", "or"]
    members: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """A condition that must not hold; ``word`` is the ``not``."""

    word: Word
    member: Node


Node = Leaf | Group | Not


def rows_of(line: Line, node: Node) -> tuple[Match, ...]:
    """Give the rows a tree stands for, at least one and at most MOST_ROWS.

    Raises ParameterError for what no packet can satisfy or takes more rows, and for ``not`` before a port.

    >>> line = Line("tcp", "acl.rules", 1)
    >>> [str(row) for row in rows_of(line, Leaf(line.peek(), Box(protocols=1 << 6)))]
    ['tcp']
    """
    boxes = boxes_of(line, node)
    if not boxes:
        raise line.error(first_word(node), "the rule can never match a packet", "leave the rule out")
    if sum(box.row_count() for box in boxes) > MOST_ROWS:
        raise _too_large(line, first_word(node))
    return tuple(dict.fromkeys(row for box in boxes for row in box.rows()))


def boxes_of(line: Line, node: Node, *, negated: bool = False) -> list[Box]:
    """Give the boxes a tree stands for.

    Raises ParameterError for conditions that exclude each other, for ``not`` before a port, and for more than
    MOST_ROWS boxes.

    >>> line = Line("tcp udp", "acl.rules", 1)
    >>> leaves = [Leaf(line.take(), Box(protocols=1 << number)) for number in (6, 17)]
    >>> boxes_of(line, Group("and", tuple(leaves)))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: acl.rules:1:5: a packet has only one protocol
      help: no packet is both: leave one of them out, or join them with 'or'
    """
    if isinstance(node, Not):
        return boxes_of(line, node.member, negated=not negated)
    if isinstance(node, Leaf):
        if not negated:
            return [node.box]
        if node.box.reads_upper:
            raise _no_complement(line, node)
        return complement(node.box)
    union = (node.joiner == "or") != negated
    # Dicts are ordered sets here.
    boxes: dict[Box, None] = {} if union else {Box(): None}
    for member in node.members:
        more = boxes_of(line, member, negated=negated)
        if not union:
            more = _intersections(line, first_word(member), list(boxes), more)
            boxes = {}
        boxes.update(dict.fromkeys(more))
        if len(boxes) > MOST_ROWS:
            raise _too_large(line, first_word(member))
    return list(boxes)


def all_of(members: Sequence[Node]) -> Node:
    """Join conditions that must all hold, those of an inner "and" one by one, so that errors point precisely.

    >>> word = Line("tcp", "acl.rules", 1).peek()
    >>> tcp = Leaf(word, Box(protocols=1 << 6))
    >>> len(all_of([all_of([tcp, tcp]), tcp]).members)
    3
    """
    flat: list[Node] = []
    for member in members:
        flat += member.members if isinstance(member, Group) and member.joiner == "and" else (member,)
    return Group("and", tuple(flat)) if len(flat) > 1 else flat[0]


def first_word(node: Node) -> Word:
    """Give the word at which errors about a condition point.

    >>> line = Line("tcp", "acl.rules", 1)
    >>> first_word(Group("or", (Leaf(line.peek(), Box()),))).text
    'tcp'
    """
    while isinstance(node, Group):
        node = node.members[0]
    return node.word


def _intersections(line: Line, word: Word, ones: list[Box], others: list[Box]) -> list[Box]:
    if len(ones) * len(others) > MOST_PAIRS:
        raise _too_large(line, word)
    found = [intersect(one, other) for one in ones for other in others]
    boxes = [box for box in found if isinstance(box, Box)]
    reasons = [reason for reason in found if isinstance(reason, str)]
    if reasons and not boxes:
        # Boxes around a prefix include the other version of IP: its reason tells the least.
        reason = min(reasons, key=lambda reason: reason == MIXED)
        raise line.error(word, reason, IMPOSSIBLE_CURES.get(reason, OTHER_CURE))
    return boxes


def _too_large(line: Line, word: Word) -> ParameterError:
    return line.error(
        word,
        f"the rule stands for more than {MOST_ROWS} simple ones",
        "make it several rules; instead of 'not', put a rule with the other action first",
    )


def _no_complement(line: Line, leaf: Leaf) -> ParameterError:
    """Refuse ``not`` before a port, and name the ports to write instead; and before the like."""
    if not leaf.box.ported:
        cure = "put a rule with the other action first, or name the other values ('flags !syn')"
        return line.error(leaf.word, f"'not' can't be said of {leaf.word}: later fragments have none", cure)
    cure = "put a rule with the other action for these ports first"
    others = {"src": _outside(leaf.box.src_ports), "dst": _outside(leaf.box.dst_ports)}
    named = [f"'{side} port {ranges}'" for side, ranges in others.items() if ranges]
    if named:
        cure += f", or name the other ones: {named[0]}"
    return line.error(leaf.word, "'not' can't be said of a port: later fragments have none", cure)


def _outside(ports: Ports) -> str:
    below, above = (0, ports[0] - 1), (ports[1] + 1, HIGHEST_PORT)
    return " or ".join(f"{low}-{high}" for low, high in (below, above) if low <= high)
