"""Measuring NFs that keep flows: every flow is seen once before the measurement begins.

So that entering flows and touching memory for the first time are in neither side's figures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import wirebrick
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import NF, spec
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.runtime.progress import Progress

LARGE, MOST_LARGE = 4_000_000, 3  # from so many flows on: repeats at most, as preparing takes long
FAST = Target(">=", 0.9, "ratio")
CASES = {
    "1k flows": Traffic(flows=1_000),
    "100k flows": Traffic(flows=100_000),
    "1M flows": Traffic(flows=1_000_000),
    "TCP, 100k flows": Traffic(flows=100_000, protocols="tcp"),
    "1k flows, IMIX": Traffic(size="imix", flows=1_000),
    "100k flows, IMIX": Traffic(size="imix", flows=100_000),
    "1M flows, IMIX": Traffic(size="imix", flows=1_000_000),
}


def warm_row(
    name: str,
    ours: Callable[[], NF],
    theirs: Callable[[], CNF],
    options: Options,
    traffic: Traffic,
    *,
    holds: Mapping[int, int],
    target: Target | None = FAST,
) -> Row:
    """Wirebrick and C in turn, on one processor; both are made anew for each measurement.

    ``holds``: what the words of C's state must have in the end, by their places.
    """
    repeats = min(options.repeats, MOST_LARGE) if traffic.flows >= LARGE else options.repeats
    with pinned(options.core):
        measured, against = interleaved(
            lambda: wirebrick_warm(ours(), traffic, options.seconds),
            lambda: c_warm(theirs(), traffic, options.seconds, holds),
            repeats,
        )
    return Row(name, "Mpps", measured, against, target)


def wirebrick_warm(nf: NF, traffic: Traffic, seconds: float) -> float:
    """Million packets a second of Wirebrick, once every flow was seen, for about so many seconds.

    Raises BenchmarkError where it drops packets, or ends before.
    """
    seen: list[Progress] = []
    enough = threading.Event()

    def look(progress: Progress) -> None:
        if progress.packets_in >= traffic.flows and not enough.is_set():
            seen.append(progress)
            if progress.elapsed_s - seen[0].elapsed_s >= seconds:
                enough.set()

    result = wirebrick.run(
        nf, rx=spec(traffic), tx="null:", workers=1, burst=BURST, progress=look, stop=enough
    )
    if not enough.is_set():
        raise BenchmarkError("the run ended before it was measured")
    if result.drops:
        raise BenchmarkError(f"packets were dropped that C is to let pass: {result.drops}")
    return (seen[-1].packets_in - seen[0].packets_in) / (seen[-1].elapsed_s - seen[0].elapsed_s) / 1e6


def c_warm(nf: CNF, traffic: Traffic, seconds: float, holds: Mapping[int, int]) -> float:
    """The same of C. Raises BenchmarkError where its state doesn't hold in the end what it must."""
    baseline = Baseline([nf], traffic, BURST)
    baseline.drive(-(-traffic.flows // BURST) * BURST)
    packets, took = 1024 * BURST, 0.0
    while took < seconds:
        _, took = baseline.drive(packets)
        done, packets = packets, round(packets * min(16.0, 1.2 * seconds / took)) // BURST * BURST
    state = baseline.state(0)
    found = {place: state[place] for place in holds}
    if found != dict(holds):
        raise BenchmarkError(f"{nf.name}.c ends with {found} in its state, not {dict(holds)}")
    return done / took / 1e6
