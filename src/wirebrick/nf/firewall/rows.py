"""The rows of an access list in memory: what the firewall's loop compares packets with.

A port is kept one higher than it is, so that 0 says "no port can be read": a row that restricts no port takes
0 to 65536, one that restricts any takes 1 to 65536 at most, and the comparison needs no case of its own. The
same way a protocol mask of zero takes any protocol.

>>> from wirebrick.nf.firewall.rules import parse_rules
>>> rules = parse_rules("allow udp dst port 53")
>>> v4, v6 = packed(rules)
>>> v4[0]
RowV4(src=0, src_mask=0, dst=0, dst_mask=0, src_low=1, src_high=65536, dst_low=54, dst_high=54, protocol=17,
      protocol_mask=255, verdict=0, rule=1)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from wirebrick.fields import U8, U32, IPv6Address
from wirebrick.nf.firewall.match import Match
from wirebrick.nf.firewall.rules import Rule
from wirebrick.state.record import Record

R = TypeVar("R", bound=Record)

PASS, DENIED, DEFAULT_DENIED = range(3)  # verdicts
NO_RULE = 0  # where the packets that no rule matches are counted


class RowV4(Record):
    """A row for IPv4 packets; ``rule`` is the rule's number, from 1."""

    src: U32
    src_mask: U32
    dst: U32
    dst_mask: U32
    src_low: U32
    src_high: U32
    dst_low: U32
    dst_high: U32
    protocol: U8
    protocol_mask: U8
    verdict: U8
    rule: U32


class RowV6(Record):
    """A row for IPv6 packets; ``rule`` is the rule's number, from 1."""

    src: IPv6Address
    src_mask: IPv6Address
    dst: IPv6Address
    dst_mask: IPv6Address
    src_low: U32
    src_high: U32
    dst_low: U32
    dst_high: U32
    protocol: U8
    protocol_mask: U8
    verdict: U8
    rule: U32


def packed(rules: Sequence[Rule]) -> tuple[list[RowV4], list[RowV6]]:
    """The rows for IPv4 and those for IPv6, in the order of the rules; rows for both are in both."""
    v4: list[RowV4] = []
    v6: list[RowV6] = []
    for rule in rules:
        verdict = PASS if rule.action == "allow" else DENIED
        for match in rule.matches:
            if match.version != 6:
                v4.append(_row(RowV4, match, verdict, rule.number))
            if match.version != 4:
                v6.append(_row(RowV6, match, verdict, rule.number))
    return v4, v6


def roomy(count: int) -> int:
    """How many places to make for ``count`` things: one of few sizes, so that machine code can stay the same.

    >>> [roomy(count) for count in (0, 3, 64, 65, 1000)]
    [64, 64, 64, 256, 1024]
    """
    size = 64
    while size < count:
        size *= 4
    return size


def _row(kind: type[R], match: Match, verdict: int, number: int) -> R:
    lowest = 1 if match.restricts_ports else 0
    return kind(
        src=match.src,
        src_mask=match.src_mask,
        dst=match.dst,
        dst_mask=match.dst_mask,
        src_low=match.src_port_low + lowest,
        src_high=match.src_port_high + 1,
        dst_low=match.dst_port_low + lowest,
        dst_high=match.dst_port_high + 1,
        protocol=max(match.protocol, 0),
        protocol_mask=0xFF if match.protocol >= 0 else 0,
        verdict=verdict,
        rule=number,
    )
