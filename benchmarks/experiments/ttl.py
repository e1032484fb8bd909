"""ttl, parsing and checks included, beside C."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.baseline import CNF
from benchmarks.harness.memory import beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from wirebrick.nf.ttl import ttl


def rows(options: Options) -> Iterator[Row]:
    """One row."""
    yield beside_c("ttl", [ttl], [CNF("ttl")], options, Target(">=", 0.97, "ratio"))
