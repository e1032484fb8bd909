"""Receiving alone: templates into frames, and descriptors. C calls no NF, Wirebrick drops unseen."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.chains import discard
from benchmarks.harness.memory import beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from wirebrick.ports.memory.traffic import Traffic


def rows(options: Options) -> Iterator[Row]:
    """One row for each size of packets."""
    yield beside_c("rx alone", [discard], [], options, None)
    yield beside_c("rx alone, IMIX", [discard], [], options, None, Traffic(size="imix"))
