"""What is odd about an access list: rules that are never reached, and ones that overlap with the opposite action.

>>> from pathlib import Path
>>> from wirebrick.nf.firewall.access import AccessList
>>> from wirebrick.nf.firewall.rules import parse_rules
>>> rules = parse_rules("deny tcp port 25\\nallow src net 10.0.0.0/8\\nallow tcp dst port 25")
>>> access = AccessList(rules, Path("acl.rules"), capacity=None, scan=False)
>>> for text in remarks(access):
...     print(text)
acl.rules:3: 'allow tcp dst port 25' is never reached: line 1 covers all of it, and does the opposite
acl.rules:2: 'allow src net 10.0.0.0/8' overlaps line 1, which does the opposite: where both match, line 1 decides
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wirebrick.nf.firewall.rules import Rule
from wirebrick.state.classifier import Classifier
from wirebrick.state.classifier_review import Review, review

if TYPE_CHECKING:
    from wirebrick.nf.firewall.access import AccessList

MOST = 8  # of each kind that are told one by one
MOST_ROWS = 1 << 16  # that are looked at: more would take seconds


def remarks(access: AccessList) -> list[str]:
    """A line for each rule that is never reached, and for each two that contradict each other where both match.

    A rule with exceptions before it (it holds them whole) is as it should be; so no rule that is merely wider than
    an earlier one is told of.
    """
    rules = access.rules
    if max(len(access.v4), len(access.v6)) > MOST_ROWS:
        return []
    owners = [_owners(rules, version) for version in (4, 6)]
    denies = [int(rule.action == "deny") for rule in rules]
    found = []
    tables: list[Classifier[Any]] = [access.v4, access.v6]
    for table, owner in zip(tables, owners, strict=True):
        # The row that stands before all rules because of fragments of TCP, where there is one, is nobody's.
        extra = len(table) - len(owner)
        owner[:0] = [len(rules)] * extra
        found.append(
            review(table, owner, [2 if number == len(rules) else denies[number] for number in owner])
        )
    covering = _covering(rules, found, owners)
    said = [
        _unreached(rules, access.file, covering),
        _overlapping(rules, access.file, found, owners, covering),
    ]
    return [text for texts in said for text in _some(texts)]


def _owners(rules: Sequence[Rule], version: int) -> list[int]:
    """For each row of a version the place of its rule."""
    return [
        place for place, rule in enumerate(rules) for match in rule.matches if match.version in (0, version)
    ]


def _covering(rules: Sequence[Rule], found: list[Review], owners: list[list[int]]) -> dict[int, int]:
    """By the places of rules that are never reached: those of the rules that cover the first of their rows."""
    covering: dict[int, int] = {}
    reached = set()
    for one, owner in zip(found, owners, strict=True):
        for row, place in enumerate(owner):
            if one.covered[row] < 0 or owner[one.covered[row]] == len(rules):
                reached.add(place)
            else:
                covering.setdefault(place, owner[one.covered[row]])
    return {place: covering[place] for place in sorted(set(covering) - reached)}


def _unreached(rules: Sequence[Rule], file: object, covering: dict[int, int]) -> list[str]:
    texts = []
    for place, by in covering.items():
        rule, other = rules[place], rules[by]
        opposite = ", and does the opposite" if rule.action != other.action else ""
        texts.append(
            f"{file}:{rule.line}: {rule.text!r} is never reached: line {other.line} covers all of it{opposite}"
        )
    return texts


def _overlapping(
    rules: Sequence[Rule],
    file: object,
    found: list[Review],
    owners: list[list[int]],
    covering: dict[int, int],
) -> list[str]:
    pairs = {
        (owner[later], owner[earlier])
        for one, owner in zip(found, owners, strict=True)
        for earlier, later in one.pairs
        if owner[earlier] != len(rules) and owner[later] not in covering
    }
    return [
        f"{file}:{rules[later].line}: {rules[later].text!r} overlaps line {rules[earlier].line}, which does the "
        f"opposite: where both match, line {rules[earlier].line} decides"
        for later, earlier in sorted(pairs)
    ]


def _some(texts: list[str]) -> list[str]:
    if len(texts) <= MOST:
        return texts
    kind = "rules are never reached" if "never reached" in texts[0] else "such overlaps of opposite actions"
    return [*texts[:MOST], f"{len(texts) - MOST:,} more {kind}"]
