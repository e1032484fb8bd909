"""macswap on `dpdk:net_null`, which makes packets from nothing and forgets them, beside dpdk-testpmd on the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.process import run_command, wirebrick
from benchmarks.harness.row import Row, Target
from benchmarks.harness.testpmd import forwards

SIZES = (64, 1500)


def rows(options: Options) -> Iterator[Row]:
    """One row for each size of packets; both without huge pages where there are none, each with one core."""
    for size in SIZES:
        device = f"net_null0,size={size}"
        ours = partial(_forwards, device, options)
        theirs = partial(forwards, [device], options.seconds, options.core)
        mine, other = interleaved(ours, theirs, options.repeats)
        yield Row(f"dpdk:net_null, {size} bytes", "Mpps", mine, other, Target(">=", 1.0, "ratio"))


def _forwards(device: str, options: Options) -> float:
    """Mpps that ``wirebrick run macswap`` sends."""
    command = wirebrick(
        "run", "macswap", "--in", f"dpdk:{device}", "--duration", str(options.seconds), "--json"
    )
    with pinned(options.core):
        totals = json.loads(run_command(command).stdout)
    if not totals["packets_out"] or totals["packets_out"] != totals["packets_in"]:
        raise BenchmarkError(f"of {totals['packets_in']} packets {totals['packets_out']} came out")
    return float(totals["packets_out"] / totals["elapsed_s"] / 1e6)
