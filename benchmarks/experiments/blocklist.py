"""blocklist with a million prefixes, 1k to 1M flows that mostly pass, beside the same search in C with prefetching.

Both look up source and destination in tables of the same bytes. The prefixes are addresses and /24 all over the unicast
space; those of them in 10.0.0.0/8, where made packets come from, are as many as elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.harness.baseline import CNF
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.memory import SIZE, beside_c
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from wirebrick.nf.blocklist.nf import blocklist, show
from wirebrick.nf.blocklist.prefixes import load_prefixes
from wirebrick.nf.numbering import Numbering
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.state.lpm import LongestPrefixMatch

COUNT = 1_000_000
FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
MOST = 3  # repeats: reading a million prefixes takes a while
FAST = Target(">=", 0.9, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """One row for each size of packets and number of flows."""
    few = replace(options, repeats=min(options.repeats, MOST))
    with tempfile.TemporaryDirectory(prefix="wirebrick-blocklist-") as folder:
        path = Path(folder) / "drop.txt"
        path.write_text(made_list(COUNT))
        ours, theirs = [blocklist(prefixes=path)], [c_blocklist(path)]
        for size, more in ((SIZE, ""), ("imix", ", IMIX")):
            for name, flows in FLOWS.items():
                traffic = Traffic(size=size, flows=flows)
                yield beside_c(f"blocklist, {name} flows{more}", ours, theirs, few, FAST, traffic)


def made_list(count: int, seed: int = 1) -> str:
    """So many different prefixes, one a line: three of four a single address, the others /24."""
    rng = np.random.default_rng(seed)
    starts = np.unique(rng.integers(1 << 24, 224 << 24, 2 * count, dtype=np.int64))
    rng.shuffle(starts)
    if len(starts) < count:
        raise BenchmarkError("too few different addresses were drawn")
    lines = []
    for number, start in enumerate(starts[:count].tolist()):
        length = 32 if number % 4 else 24
        start &= -1 << 32 - length
        lines.append(f"{start >> 24}.{start >> 16 & 255}.{start >> 8 & 255}.{start & 255}/{length}")
    return "\n".join(lines) + "\n"


def c_blocklist(path: Path) -> CNF:
    """The C baseline with the prefixes of a file."""
    found = load_prefixes(path)
    table = LongestPrefixMatch(capacity=max(1024, 2 * len(found)))
    show(table, Numbering(2 * len(found) + 2), found)
    table.allocate(workers=1)
    hits = np.zeros(2 * len(found) + 2, np.uint64)
    return CNF("blocklist", (table.blocks[0], hits.ctypes.data, 0), keeps=(table, hits))
