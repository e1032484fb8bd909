"""The rows of an access list as the firewall's classifiers take them: boxes of keys, and what happens to a packet.

A row's value is the place of its rule's counter, shifted, and above it (in the lowest bit) whether it denies.

>>> from wirebrick.nf.firewall.rules import parse_rules
>>> v4, v6 = packed(parse_rules("deny udp dst port 53"), [1])
>>> low, high, value = v4[0]
>>> (low.protocol, high.protocol), (low.dst_port, high.dst_port), (low.src_port, high.src_port), low.upper, value
((17, 17), (53, 53), (0, 65535), 1, 3)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from wirebrick.nf.firewall.keys import FLAGS, TINY, KeyV4, KeyV6
from wirebrick.nf.firewall.match import Match
from wirebrick.nf.firewall.names import TCP
from wirebrick.nf.firewall.rules import Rule

K = TypeVar("K", KeyV4, KeyV6)
Row = tuple[K, K, int]

PASS, DENIED, DEFAULT_DENIED = range(3)  # verdicts
NO_RULE = 0  # where the packets that no rule matches are counted
LANES = {"icmp_type": "src_port", "icmp_code": "dst_port"}  # what of a message stands in whose place


def packed(rules: Sequence[Rule], slots: Sequence[int]) -> tuple[list[Row[KeyV4]], list[Row[KeyV6]]]:
    """The rows for IPv4 and those for IPv6, in the order of the rules; ``slots``: the places of their counters.

    Where a rule looks at flags of TCP, the fragment that could bring them behind the first one is denied before all
    (RFC 3128): with the first rule that looks at flags.
    """
    v4: list[Row[KeyV4]] = []
    v6: list[Row[KeyV6]] = []
    for rule, slot in zip(rules, slots, strict=True):
        if any(name in FLAGS for match in rule.matches for name, _, _ in match.further):
            tiny = Match(protocol=TCP, further=(("fragment", TINY, TINY),))
            v4.append(_row(KeyV4, tiny, slot << 1 | DENIED))
            v6.append(_row(KeyV6, tiny, slot << 1 | DENIED))
            break
    for rule, slot in zip(rules, slots, strict=True):
        value = slot << 1 | (PASS if rule.action == "allow" else DENIED)
        for match in rule.matches:
            if match.version != 6:
                v4.append(_row(KeyV4, match, value))
            if match.version != 4:
                v6.append(_row(KeyV6, match, value))
    return v4, v6


def row_counts(rules: Sequence[Rule]) -> tuple[int, int]:
    """How many rows rules make at most, for IPv4 and for IPv6."""
    versions = [match.version for rule in rules for match in rule.matches]
    return len(versions) - versions.count(6) + 1, len(versions) - versions.count(4) + 1


def roomy(count: int) -> int:
    """How many places to make for ``count`` things: one of few sizes, so that machine code can stay the same.

    >>> [roomy(count) for count in (0, 3, 64, 65, 1000)]
    [64, 64, 64, 256, 1024]
    """
    size = 64
    while size < count:
        size *= 4
    return size


def _row(kind: type[K], match: Match, value: int) -> Row[K]:
    low: dict[str, Any] = {"src": match.src, "dst": match.dst, "protocol": max(match.protocol, 0)}
    high = dict(_HIGHEST[kind])
    for name, mask in (("src", match.src_mask), ("dst", match.dst_mask)):
        high[name] = low[name] | high[name] & ~mask
    if match.protocol >= 0:
        high["protocol"] = match.protocol
    if match.restricts_ports:
        low |= {"src_port": match.src_port_low, "dst_port": match.dst_port_low, "upper": 1}
        high |= {"src_port": match.src_port_high, "dst_port": match.dst_port_high}
    for name, least, most in match.further:
        if name in LANES:
            low["upper"] = 1
        elif name in FLAGS:
            low["flags"] = 1
        low[LANES.get(name, name)] = least
        high[LANES.get(name, name)] = most
    return kind(**low), kind(**high), value


_HIGHEST = {kind: {name: field.mask for name, field in kind.fields.items()} for kind in (KeyV4, KeyV6)}
