"""How long frames are under way from one veth pair to another, through macswap, testpmd, and a Linux bridge.

Each frame carries the time at which the generator's XDP program sent it; another XDP program, behind the last
interface, takes the difference. All of a kind get the same: a thousand frames a second, and half of what the slowest
of them can take (the bridge apart).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.harness.options import Options
from benchmarks.harness.pairs import in_turn
from benchmarks.harness.row import Row
from benchmarks.harness.wire.contestants import Contestant, bridge, testpmd, wirebrick
from benchmarks.harness.wire.generator import Measured
from benchmarks.harness.wire.wire import Wire, wire

KINDS = {"xdp": testpmd("net_af_xdp", "busy_budget=0"), "afpacket": testpmd("net_af_packet")}
SIZE = 64
LOW, HALF = 1000.0, 0.5  # frames a second; part of what can be taken
STATISTICS = {"p50": "median_us", "p99": "p99_us"}


def rows(options: Options) -> Iterator[Row]:
    """For each kind of port and load, median and 99th percentile: busy and adaptive beside testpmd, busy beside
    the bridge."""
    for kind, theirs in KINDS.items():
        with wire(pairs=2) as opened:
            busy, adaptive = wirebrick(kind, "busy"), wirebrick(kind, "adaptive")
            most = min(opened.mpps(one, SIZE, options.seconds) for one in (busy, theirs)) * 1e6
            loads = {"1k/s": LOW, "half": HALF * most}
            contestants = busy, adaptive, theirs, bridge()
            measured = in_turn(
                [partial(_under, opened, one, tuple(loads.values()), options) for one in contestants],
                options.repeats,
            )
        for number, load in enumerate(loads):
            for what, field in STATISTICS.items():
                ours, resting, testpmds, bridged = (
                    tuple(float(getattr(found[number], field)) for found in each) for each in measured
                )
                yield Row(f"{kind} busy {load} {what}", "us", ours, testpmds)
                yield Row(f"{kind} adaptive {load} {what}", "us", resting, testpmds)
                yield Row(f"  busy beside a bridge {what}", "us", ours, bridged)


def _under(opened: Wire, one: Contestant, loads: Sequence[float], options: Options) -> list[Measured]:
    """What it does under each load."""
    with opened.running(one):
        return [opened.measure(SIZE, rate, options.seconds) for rate in loads]
