"""Which rules a packet can match at all: by a literal that its payload must have, or else by port.

A rule with a content that must be there waits for its fast pattern: the one it names, else its longest. The others
are in groups by protocol: under each destination port that they take, else each source port, else always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from wirebrick.nf.ids.addresses import ANY_PORT
from wirebrick.nf.ids.layout import OF_ICMP, OF_OTHER, OF_TCP, OF_UDP, PACKETS, STREAMS
from wirebrick.nf.ids.ranges import Ranges
from wirebrick.nf.ids.rule import Content, Rule

KINDS_OF = {
    "tcp": (OF_TCP,),
    "udp": (OF_UDP,),
    "icmp": (OF_ICMP,),
    "ip": (OF_TCP, OF_UDP, OF_ICMP, OF_OTHER),
}


@dataclass
class Scope:
    """The rules of packets or of streams: ``literals`` with rules by number, and what has none by kind and port."""

    literals: dict[tuple[bytes, bool], list[int]] = field(default_factory=dict)
    always: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_dst: dict[int, dict[int, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    by_src: dict[int, dict[int, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )


def looks_at_streams(rule: Rule) -> bool:
    """Whether a rule is for streams: one for TCP with payload options that asks nothing of the packet itself.

    >>> from wirebrick.nf.ids.rules import parse_rules
    >>> text = 'alert tcp any any -> any any (content:"evil"; {} sid:1;)'
    >>> [looks_at_streams(parse_rules(text.format(more)).rules[0]) for more in ("", "dsize:>5;", "flow:no_stream;")]
    [True, False, False]
    """
    if rule.protocol != "tcp" or not rule.payload or rule.flow.streams == "none":
        return False
    return rule.flow.streams == "only" or not rule.tests


def fast_pattern(rule: Rule) -> tuple[bytes, bool] | None:
    """The literal that a payload must have before a rule is looked at, and whether case matters not."""
    contents = [one for one in rule.payload if isinstance(one, Content) and not one.negated]
    named = [one for one in contents if one.fast]
    if not contents:
        return None
    chosen = named[0] if named else max(contents, key=lambda one: len(one.data))
    begin, end = chosen.fast or (0, len(chosen.data))
    data = chosen.data[begin:end]
    return (data.lower() if chosen.nocase else data), chosen.nocase


def scopes(rules: Sequence[Rule], *, streams: bool) -> tuple[Scope, Scope]:
    """The rules, by number, of packets and of streams; ``streams`` False: there are no streams, packets alone."""
    found = (Scope(), Scope())
    for number, rule in enumerate(rules):
        scope = found[STREAMS if streams and looks_at_streams(rule) else PACKETS]
        literal = fast_pattern(rule)
        if literal is not None:
            scope.literals.setdefault(literal, []).append(number)
            continue
        for kind in KINDS_OF[rule.protocol]:
            _group(scope, kind, number, rule)
    return found


def _group(scope: Scope, kind: int, number: int, rule: Rule) -> None:
    dst, src = rule.dst_ports, rule.src_ports
    if kind in (OF_ICMP, OF_OTHER) or (dst == ANY_PORT and src == ANY_PORT):
        # Where there are no ports, a rule that names one matches nothing.
        if dst == src == ANY_PORT:
            scope.always[kind].append(number)
        return
    by, other = scope.by_dst[kind], scope.by_src[kind]
    ports = dst
    if dst == ANY_PORT:
        by, other, ports = other, by, src
    for group in (by, other) if rule.both_ways else (by,):
        for port in each(ports):
            group[port].append(number)


def each(ranges: Ranges) -> Iterator[int]:
    """Every number of some ranges."""
    for low, high in ranges:
        yield from range(low, high + 1)
