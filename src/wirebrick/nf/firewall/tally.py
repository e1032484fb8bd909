"""tally: the firewall's report, how many packets each rule decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wirebrick.nf.firewall.rules import Rule

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report


def tally(rules: Sequence[Rule], default: str, hits: Sequence[int]) -> Report:
    """The packets of each rule, and of the default in the last row.

    ``hits``: those of the default, of each rule, and of rules that are gone.

    >>> from wirebrick.nf.firewall.rules import parse_rules
    >>> report = tally(parse_rules("# mail\\ndeny dst port 25"), "allow", [14, 3, 0])
    >>> report.title, report.columns
    ('packets by firewall rule', ('number', 'line', 'rule', 'packets'))
    >>> for row in report.rows:
    ...     print(row)
    (1, 2, 'deny dst port 25', 3)
    ('', '', 'default: allow', 14)
    """
    from wirebrick import Report

    rows: list[tuple[Any, ...]] = [
        (rule.number, rule.line, rule.text, count) for rule, count in zip(rules, hits[1:-1], strict=True)
    ]
    if hits[-1]:
        rows.append(("", "", "rules that were replaced", hits[-1]))
    last = ("", "", f"default: {default}", hits[0])
    return Report("packets by firewall rule", ("number", "line", "rule", "packets"), [*rows, last])
