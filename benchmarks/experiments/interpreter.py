"""Network functions in plain CPython, as --interpret runs them."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.memory import alone
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from wirebrick.nf.macswap import macswap
from wirebrick.nf.ttl import ttl


def rows(options: Options) -> Iterator[Row]:
    """One row for each NF, in packets a second."""
    for nf in (ttl, macswap):
        row = alone(f"{nf.name}, interpreted", [nf], options, interpret=True)
        yield Row(row.name, "pps", tuple(mpps * 1e6 for mpps in row.measured))
