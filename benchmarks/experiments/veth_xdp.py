"""macswap on ``xdp:`` over a veth pair, beside testpmd on DPDK's net_af_xdp, and beside the kernel alone.

The kernel's XDP_TX never leaves the processor that the generator is on, and makes no packet of its own for what it
sends: how far away it is tells what the way through user space costs.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from benchmarks.harness.wire.contestants import reflector, testpmd, wirebrick
from benchmarks.harness.wire.wire import SIZES, wire

LEVEL = Target(">=", 1, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """For each size: beside testpmd as it is fastest, by DPDK's default (the kernel's busy polling), and the kernel."""
    contestants = (
        wirebrick("xdp", "busy"),
        testpmd("net_af_xdp", "busy_budget=0"),
        testpmd("net_af_xdp"),
        reflector(),
    )
    with wire() as opened:
        for size in SIZES:
            ours, theirs, budget, kernel = opened.rates(contestants, size, options.seconds, options.repeats)
            yield Row(f"xdp, {size} bytes", "Mpps", ours, theirs, LEVEL)
            yield Row(f"  busy_budget=64, {size}", "Mpps", ours, budget, LEVEL)
            yield Row(f"  XDP_TX, {size}", "Mpps", ours, kernel)
