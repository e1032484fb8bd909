"""firewall with 10 to 10,000 rules like real ones and packets that meet them, beside C and beside a linear scan.

The C side finds rows in the very trees that Wirebrick has, byte for byte. What is met: by 1,000, 100,000 and 1,000,000
flows. Beside the scan, which is Wirebrick's own (``scan=yes``), the rules are those of ``acl``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.harness.aimed import aimed
from benchmarks.harness.baseline import CNF
from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import SIZE, beside_c, wirebrick_mpps
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from benchmarks.harness.rule_sets import KINDS, RuleSet
from wirebrick.nf.firewall import firewall
from wirebrick.nf.firewall.access import AccessList
from wirebrick.nf.firewall.rows import DEFAULT_DENIED, NO_RULE, PASS
from wirebrick.nf.firewall.rules import parse_rules
from wirebrick.ports.memory.traffic import Traffic

RULES = (10, 100, 1_000, 10_000)
FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
FAST = Target(">=", 0.9, "ratio")
FASTER_THAN_SCAN = Target(">=", 20, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """One row for each number of rules: of each kind, then of more flows, then of IMIX, then beside the scan."""
    for count in RULES:
        for kind in KINDS:
            yield beside(f"firewall, {count} {kind} rules, 1k flows", RuleSet(kind, count), 1_000, options)
    for flows in ("100k", "1M"):
        for count in RULES:
            yield beside(
                f"firewall, {count} acl rules, {flows} flows", RuleSet("acl", count), FLOWS[flows], options
            )
    for count in RULES:
        name = f"firewall, {count} acl rules, 1k flows, IMIX"
        yield beside(name, RuleSet("acl", count), 1_000, options, size="imix")
    for count in RULES:
        target = FASTER_THAN_SCAN if count == RULES[-1] else Target(">=", 0.95, "ratio")
        yield beside_scan(
            f"firewall, {count} acl rules, beside a scan", RuleSet("acl", count), options, target
        )


def beside(name: str, rules: RuleSet, flows: int, options: Options, size: int | str = SIZE) -> Row:
    """Wirebrick and C in turn."""
    with ruled(rules) as file, aimed(rules.packets(flows)):
        traffic = Traffic(size=size, flows=flows)
        return beside_c(name, [firewall(rules=file)], [c_firewall(rules.text)], options, FAST, traffic)


def beside_scan(name: str, rules: RuleSet, options: Options, target: Target) -> Row:
    """Wirebrick with trees and with one list in turn, each for about as long."""
    traffic = Traffic(flows=1_000)
    with ruled(rules) as file, aimed(rules.packets(traffic.flows)), pinned(options.core):
        measured, against = interleaved(
            lambda: wirebrick_mpps([firewall(rules=file)], traffic, seconds=options.seconds),
            lambda: wirebrick_mpps([firewall(rules=file, scan=True)], traffic, seconds=options.seconds),
            options.repeats,
        )
    return Row(name, "Mpps", measured, against, target)


@contextmanager
def ruled(rules: RuleSet) -> Iterator[Path]:
    """The rules in a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        file.write(rules.text)
        file.flush()
        yield Path(file.name)


def c_firewall(text: str, *, allows: bool = False) -> CNF:
    """The C baseline with the rules of ``text``; ``allows``: packets that no rule matches pass."""
    rules = parse_rules(text)
    access = AccessList(rules, Path("acl.rules"), capacity=None, scan=False)
    for table in (access.v4, access.v6):
        table.allocate(1)
    hits = np.zeros(len(rules) + 1, np.uint64)
    unmatched = PASS if allows else DEFAULT_DENIED
    words = (access.v4.blocks[0], access.v6.blocks[0], unmatched, hits.ctypes.data, NO_RULE, 0)
    return CNF("firewall", words, keeps=(access, hits))
