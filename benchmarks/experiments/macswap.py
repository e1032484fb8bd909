"""macswap beside C: by a vector shuffle, the fastest way, and by three memcpy, which is what most write."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.baseline import CNF
from benchmarks.harness.memory import beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from wirebrick.nf.macswap import macswap


def rows(options: Options) -> Iterator[Row]:
    """One row for each way to write it in C; the target is for the best."""
    yield beside_c("macswap", [macswap], [CNF("macswap")], options, Target(">=", 0.97, "ratio"))
    yield beside_c("macswap, C by memcpy", [macswap], [CNF("macswap_plain")], options, None)
