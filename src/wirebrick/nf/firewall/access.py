"""AccessList: the rules of a firewall in its classifiers, with a counter for each; they can be exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.nf.firewall.further import port_names
from wirebrick.nf.firewall.keys import RARE, KeyV4, KeyV6
from wirebrick.nf.firewall.review import remarks
from wirebrick.nf.firewall.rows import NO_RULE, packed, roomy, row_counts
from wirebrick.nf.firewall.rules import Rule, load_rules
from wirebrick.state.array import Array
from wirebrick.state.classifier import Classifier

LEAST = 1024  # rows that there is always room for
Name = tuple[str, int]


class AccessList:
    """Rules, and counters that stay those of a rule while its text stays in the list.

    ``capacity``: rows there is room for, of each version of IP (as a rule twice as many as there are). Raises
    ParameterError where the rules make more.

    >>> from wirebrick.nf.firewall.rules import parse_rules
    >>> access = AccessList(parse_rules("allow tcp"), Path("acl.rules"), capacity=None, scan=False)
    >>> len(access.v4), len(access.v6), access.capacity
    (1, 1, 1024)
    """

    def __init__(self, rules: Sequence[Rule], file: Path, *, capacity: int | None, scan: bool) -> None:
        self.file = file
        self.rules: list[Rule] = []
        self.replaced = 0  # how often the rules were exchanged
        self._slots: dict[Name, int] = {}  # of the rules there are, by text: where they are counted
        self._bases: dict[int, int] = {}  # what a counter had when its rule came
        self._going: list[int] = []  # counters of rules that went with the last exchange, and may count still
        self.ports = tuple(dict.fromkeys(_ports(rules)))
        slots = list(range(1, len(rules) + 1))
        v4, v6 = packed(rules, slots)
        self.capacity = capacity or max(LEAST, 2 * max(len(v4), len(v6), len(rules)))
        self._check_room(len(v4), len(v6), len(rules))
        # Those of rules now, before, and before that may be in use.
        self.hits = Array(U64, roomy(3 * self.capacity + 1))
        self._free = list(range(3 * self.capacity, len(rules), -1))
        self._take(rules, slots)
        self.v4: Classifier[KeyV4] = Classifier(KeyV4, v4, capacity=self.capacity, rare=RARE, scan=scan)
        self.v6: Classifier[KeyV6] = Classifier(KeyV6, v6, capacity=self.capacity, rare=RARE, scan=scan)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Put other rules in the place of those there are, while packets are judged by either.

        Each packet is judged by one list as a whole. Raises ParameterError where there is no room for them, or they
        name a port that those before did not: nothing is changed then; StateError where a worker hangs.
        """
        unknown = [name for name in _ports(rules) if name not in self.ports]
        if unknown:
            raise ParameterError(
                f"the rules of {self.file} name the port {unknown[0]!r}, which the ones before did not",
                cure="start the run anew with them: which ports rules look at is compiled in",
            )
        self._check_room(*row_counts(rules), len(rules))
        slots = self._slots_for(rules)
        v4, v6 = packed(rules, slots)
        totals = self.hits.totals()
        bases = {slot: totals[slot] for slot in set(slots).difference(self._slots.values())}
        self.v4.replace(v4)
        self.v6.replace(v6)
        # Both copies have been written since: nobody counts any more for what went with the exchange before.
        self._free += self._going
        kept = set(slots)
        self._going = [slot for slot in self._slots.values() if slot not in kept]
        self._bases |= bases
        self._take(rules, slots)
        self.replaced += 1

    def load(self, path: Path) -> str:
        """Read the file again and exchange the rules; what is to be told. Raises as ``load_rules`` and ``replace``."""
        rules = load_rules(path)
        before = {rule.text for rule in self.rules}
        after = {rule.text for rule in rules}
        self.replace(rules)
        new, gone = len(after - before), len(before - after)
        told = f"{path} was read again: {len(rules):,} rules, {new:,} of them new, {gone:,} are gone"
        return "\n".join([told, *remarks(self)])

    def _slots_for(self, rules: Sequence[Rule]) -> list[int]:
        """Where rules are to be counted: those that stay, where they are."""
        free = list(self._free)
        return [self._slots[name] if name in self._slots else free.pop() for name in _names(rules)]

    def _take(self, rules: Sequence[Rule], slots: Sequence[int]) -> None:
        taken = set(slots)
        self._free = [slot for slot in self._free if slot not in taken]
        self.rules = list(rules)
        self._slots = dict(zip(_names(rules), slots, strict=True))

    def _check_room(self, *counts: int) -> None:
        if max(counts) > self.capacity:
            raise ParameterError(
                f"the rules of {self.file} make {max(counts):,} rows, and there is room for {self.capacity:,}",
                cure=f"give the firewall more room when it starts (capacity={max(counts)}), or write fewer rules, "
                "with larger networks and ranges of ports",
            )

    def counts(self) -> list[int]:
        """Packets that each rule decided, behind those that none did, and before those of rules that are gone."""
        totals = self.hits.totals()
        own = [totals[slot] - self._bases.get(slot, 0) for slot in self._slots.values()]
        return [totals[NO_RULE], *own, sum(totals[1:]) - sum(own)]


def _ports(rules: Sequence[Rule]) -> list[str]:
    return [name for rule in rules for match in rule.matches for name in port_names(match.further)]


def _names(rules: Sequence[Rule]) -> list[Name]:
    """Rules by text, and how often the text was there before."""
    seen: dict[str, int] = {}
    names = []
    for rule in rules:
        seen[rule.text] = seen.get(rule.text, -1) + 1
        names.append((rule.text, seen[rule.text]))
    return names
