"""ids with 944 rules of one content each, beside a network function in C around Hyperscan, on the same packets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.baseline import CNF
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.memory import SIZE, beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from benchmarks.harness.signatures import literals
from wirebrick.nf.ids import ids
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.state import hyperscan
from wirebrick.state.patterns_tables import Literal

COUNT = 944
FLOWS = 1024
FAST = Target(">=", 0.9, "ratio")
SURICATA = Target(">=", 0.45, "Mpps")  # what Suricata 7 does with such rules, IMIX, on one core


def rows(options: Options) -> Iterator[Row]:
    """64-byte packets and IMIX, with random bytes and text. Raises BenchmarkError where there is no Hyperscan."""
    if hyperscan.library() is None:
        raise BenchmarkError(
            "libhyperscan5 is not installed: it is what is measured beside",
            cure="apt-get install libhyperscan5, or name other experiments",
        )
    database = hyperscan.Database(
        [Literal(*pair) for pair in zip(*literals(COUNT), strict=True)], 1, once=True
    )
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        file.write(rule_file())
        file.flush()
        ours, theirs = [ids(rules=Path(file.name))], [c_ids(database)[0]]
        for name, size, target in (("64 B", SIZE, FAST), ("IMIX", "imix", SURICATA)):
            for payload in ("random", "text"):
                traffic = Traffic(size=size, flows=FLOWS, payload=payload)
                yield beside_c(f"ids, {name}, {payload}", ours, theirs, options, target, traffic)


def rule_file() -> str:
    """The literals as rules."""
    lines = []
    for number, (text, nocase) in enumerate(zip(*literals(COUNT), strict=True), 1):
        more = " nocase;" if nocase else ""
        lines.append(
            f'alert ip any any -> any any (msg:"literal {number}"; content:"|{text.hex(" ")}|";{more} sid:{number};)'
        )
    return "\n".join(lines)


def c_ids(database: hyperscan.Database, count: int = COUNT) -> tuple[CNF, NDArray[np.uint64]]:
    """The C baseline, and the hits of each literal."""
    hits = np.zeros(count, np.uint64)
    scan, address, _, _ = database.words()
    words = (scan, address, database.scratches[0], int(hits.ctypes.data), 0)
    return CNF("ids", words, keeps=(hits, database)), hits
