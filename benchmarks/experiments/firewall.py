"""firewall with 10, 100 and 1000 rules that no packet meets before the last one, beside a linear scan in C.

The C side gets the very rows that Wirebrick compares with, byte for byte.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.harness.baseline import CNF
from benchmarks.harness.memory import beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from wirebrick.nf.firewall import firewall
from wirebrick.nf.firewall.rows import DEFAULT_DENIED, NO_RULE, PASS, packed
from wirebrick.nf.firewall.rules import parse_rules
from wirebrick.state.record import Record

RULES = (10, 100, 1000)


def rows(options: Options) -> Iterator[Row]:
    """One row for each number of rules."""
    for count in RULES:
        text = access_list(count)
        with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
            file.write(text)
            file.flush()
            ours = [firewall(rules=Path(file.name))]
            yield beside_c(f"firewall, {count} rules", ours, [c_firewall(text)], options, None)


def access_list(count: int) -> str:
    """Rules for addresses that made packets don't have, then one that lets all pass."""
    others = [
        f"deny udp from 10.0.0.0/8 to 203.0.{number // 256}.{number % 256} port {1 + number}"
        for number in range(count - 1)
    ]
    return "\n".join([*others, "allow all"]) + "\n"


def c_firewall(text: str, *, allows: bool = False) -> CNF:
    """The C baseline with the rules of ``text``; ``allows``: packets that no rule matches pass."""
    rules = parse_rules(text)
    v4, v6 = packed(rules)
    hits = np.zeros(len(rules) + 1, np.uint64)
    kept = (_bytes(v4), _bytes(v6), hits)
    rows4, rows6 = (ctypes.addressof(part) for part in kept[:2])
    unmatched = PASS if allows else DEFAULT_DENIED
    words = (rows4, len(v4), rows6, len(v6), unmatched, hits.ctypes.data, NO_RULE, 0)
    return CNF("firewall", words, keeps=kept)


def _bytes(records: Sequence[Record]) -> ctypes.Array[ctypes.c_char]:
    """Records back to back, as an Array has them."""
    raw = b"".join(bytes(record) for record in records)
    return ctypes.create_string_buffer(raw, max(1, len(raw)))
