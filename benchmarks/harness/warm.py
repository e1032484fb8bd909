"""Measuring NFs that keep flows: every flow is seen once before the measurement begins.

So that entering flows and touching memory for the first time are in neither side's figures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import wirebrick
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import NF, SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.runtime.progress import Progress

LARGE, MOST_LARGE = 4_000_000, 3  # from so many flows on: repeats at most, as preparing takes long
FAST = Target(">=", 0.9, "ratio")


def warm_row(
    name: str,
    ours: Callable[[], NF],
    theirs: Callable[[], CNF],
    options: Options,
    *,
    flows: int,
    protocols: str = "udp",
    target: Target | None = FAST,
) -> Row:
    """Wirebrick and C in turn, on one processor; both are made anew for each measurement."""
    repeats = min(options.repeats, MOST_LARGE) if flows >= LARGE else options.repeats
    with pinned(options.core):
        measured, against = interleaved(
            lambda: wirebrick_warm(ours(), flows, options.seconds, protocols),
            lambda: c_warm(theirs(), flows, options.seconds, protocols)[0],
            repeats,
        )
    return Row(name, "Mpps", measured, against, target)


def wirebrick_warm(nf: NF, flows: int, seconds: float, protocols: str = "udp") -> float:
    """Million packets a second of Wirebrick, once every flow was seen, for about so many seconds."""
    return once_seen(nf, f"memory:size={SIZE},flows={flows},proto={protocols}", flows, seconds)


def once_seen(nf: NF, rx: str, packets: int, seconds: float) -> float:
    """Million packets a second of an NF, once it had so many packets, for about so many seconds."""
    seen: list[Progress] = []
    enough = threading.Event()

    def look(progress: Progress) -> None:
        if progress.packets_in >= packets and not enough.is_set():
            seen.append(progress)
            if progress.elapsed_s - seen[0].elapsed_s >= seconds:
                enough.set()

    wirebrick.run(nf, rx=rx, tx="null:", workers=1, burst=BURST, progress=look, stop=enough)
    if not enough.is_set():
        raise BenchmarkError("the run ended before it was measured")
    return (seen[-1].packets_in - seen[0].packets_in) / (seen[-1].elapsed_s - seen[0].elapsed_s) / 1e6


def c_warm(nf: CNF, flows: int, seconds: float, protocols: str = "udp") -> tuple[float, list[int]]:
    """The same of C, and the words of its state afterwards."""
    baseline = Baseline([nf], Traffic(size=SIZE, flows=flows, protocols=protocols), BURST)
    baseline.drive(-(-flows // BURST) * BURST)
    packets, took = 1024 * BURST, 0.0
    while took < seconds:
        _, took = baseline.drive(packets)
        done, packets = packets, round(packets * min(16.0, 1.2 * seconds / took)) // BURST * BURST
    return done / took / 1e6, baseline.state(0)
