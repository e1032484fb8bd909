"""macswap on ``afpacket:`` over a veth pair, beside testpmd on DPDK's net_af_packet."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.experiments.veth_xdp import LEVEL
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from benchmarks.harness.wire.contestants import testpmd, wirebrick
from benchmarks.harness.wire.wire import SIZES, wire


def rows(options: Options) -> Iterator[Row]:
    """Two rows for each size: testpmd as it is (past the queueing discipline), and through it."""
    contestants = (
        wirebrick("afpacket", "busy"),
        testpmd("net_af_packet"),
        testpmd("net_af_packet", "qdisc_bypass=0"),
    )
    with wire() as opened:
        for size in SIZES:
            ours, theirs, queued = opened.rates(contestants, size, options.seconds, options.repeats)
            yield Row(f"afpacket, {size} bytes", "Mpps", ours, theirs, LEVEL)
            yield Row(f"  qdisc_bypass=0, {size}", "Mpps", ours, queued, LEVEL)
