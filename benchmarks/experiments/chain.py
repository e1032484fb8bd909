"""Several ttl in a row: fused by Wirebrick, called one after the other through pointers by C."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.baseline import CNF
from benchmarks.harness.memory import beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from wirebrick.nf.ttl import ttl

LENGTHS = (1, 2, 4, 8)


def rows(options: Options) -> Iterator[Row]:
    """One row for each length."""
    for length in LENGTHS:
        name, target = f"chain of {length} ttl", Target(">=", 1, "ratio")
        yield beside_c(name, [ttl] * length, [CNF("ttl")] * length, options, target)
