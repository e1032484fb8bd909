"""AccessList: the rules of a firewall in its classifiers, with a counter for each; they can be exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.nf.firewall.further import port_names
from wirebrick.nf.firewall.keys import RARE, KeyV4, KeyV6
from wirebrick.nf.firewall.rows import NO_RULE, packed, roomy
from wirebrick.nf.firewall.rules import Rule
from wirebrick.state.array import Array
from wirebrick.state.classifier import Classifier

LEAST = 1024  # rows that there is always room for


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
        self._file = file
        self.rules: list[Rule] = []
        self.slots: list[int] = []
        self._bases: dict[int, int] = {}  # what a counter had already when its rule came
        self._free: list[int] = []
        self._gone: list[int] = []  # counters of rules that went with the last exchange: still counted in a last burst
        self.earlier = 0  # packets that rules which are gone decided
        self.ports = tuple(dict.fromkeys(self._ports(rules)))
        slots = self._allot(rules)
        v4, v6 = packed(rules, slots)
        self.capacity = capacity or max(LEAST, 2 * max(len(v4), len(v6)))
        self._check_room(max(len(v4), len(v6)), len(rules))
        self.rules, self.slots = list(rules), slots
        self.hits = Array(U64, roomy(self.capacity + 1))
        self.v4: Classifier[KeyV4] = Classifier(KeyV4, v4, capacity=self.capacity, rare=RARE, scan=scan)
        self.v6: Classifier[KeyV6] = Classifier(KeyV6, v6, capacity=self.capacity, rare=RARE, scan=scan)

    def _ports(self, rules: Sequence[Rule]) -> list[str]:
        return [name for rule in rules for match in rule.matches for name in port_names(match.further)]

    def _allot(self, rules: Sequence[Rule]) -> list[int]:
        return list(range(1, len(rules) + 1))

    def _check_room(self, rows: int, rules: int) -> None:
        if max(rows, rules) > self.capacity:
            raise ParameterError(
                f"the rules of {self._file} make {max(rows, rules):,} rows, and there is room for {self.capacity:,}",
                cure=f"give the firewall more room when it starts (capacity={max(rows, rules)}), or write fewer rules, "
                "with larger networks and ranges of ports",
            )

    def counts(self) -> list[int]:
        """Packets that each rule decided, and the default first."""
        totals = self.hits.totals()
        return [totals[NO_RULE], *(totals[slot] for slot in self.slots)]
