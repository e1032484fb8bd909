"""What an ids reports at the end of a run: matches and alerts by rule, and what was counted beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wirebrick.nf.ids.rule import Rule

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report


def tally(rules: Sequence[Rule], matched: Counter[int], told: Counter[int]) -> Report:
    """The rules that matched, most matches first; those of one number by signature.

    >>> from wirebrick.nf.ids.rules import parse_rules
    >>> rules = parse_rules('alert ip any any -> any any (msg:"all"; sid:7; rev:2;)').rules
    >>> report = tally(rules, Counter({0: 5}), Counter({0: 3}))
    >>> report.title, report.rows
    ('1 of 1 rules matched', [('1:7', 2, 'alert', 'all', 5, 3)])
    """
    from wirebrick import Report

    found = [
        (rule.number, rule.rev, rule.action, rule.message, matched[slot], told[slot])
        for slot, rule in enumerate(rules)
        if matched[slot]
    ]
    found.sort(key=lambda row: (-row[4], row[0]))
    title = f"{len(found):,} of {len(rules):,} rules matched"
    return Report(title, ("signature", "rev", "action", "message", "matches", "alerts"), found)


def totals(counters: Mapping[str, int], lost: int, skipped: Mapping[str, int]) -> Report:
    """What was counted, as far as it is not zero, and what was left out of the rule files.

    >>> totals({"packets": 3, "given up": 0}, 2, {"the option file_data": 4}).rows
    [('packets', 3), ('alerts lost', 2), ('rules left out: the option file_data', 4)]
    """
    from wirebrick import Report

    rows = [(name, count) for name, count in counters.items() if count or name == "packets"]
    if lost:
        rows.append(("alerts lost", lost))
    rows += [(f"rules left out: {name}", count) for name, count in sorted(skipped.items())]
    return Report("what ids looked at", ("what", "count"), rows)
