"""A table updated for each packet: packets, bytes and time of last use, over more and more flows, beside C.

Both sides see every flow once before the measurement begins, so that entering flows and touching memory for the
first time are in neither.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

import wirebrick
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.chains import count_flows
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.runtime.progress import Progress
from wirebrick.stream.network_function import Configured

FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000, "8M": 8_000_000}
LARGE, MOST_LARGE = 4_000_000, 3  # from so many flows on: repeats at most, as preparing takes long
SLOT = 64  # bytes, of both
FAST = Target(">=", 0.9, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """One row for each number of flows."""
    for name, flows in FLOWS.items():
        repeats = min(options.repeats, MOST_LARGE) if flows >= LARGE else options.repeats
        with pinned(options.core):
            measured, against = interleaved(
                lambda flows=flows: ours(flows, options.seconds),  # type: ignore[misc]
                lambda flows=flows: theirs(flows, options.seconds),  # type: ignore[misc]
                repeats,
            )
        yield Row(f"table, {name} flows", "Mpps", measured, against, FAST)


def ours(flows: int, seconds: float) -> float:
    """Million packets a second of Wirebrick, once every flow was seen, for about so many seconds."""
    return once_seen(count_flows(capacity=flows), f"memory:size={SIZE},flows={flows}", flows, seconds)


def once_seen(nf: Configured, rx: str, packets: int, seconds: float) -> float:
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


def theirs(flows: int, seconds: float) -> float:
    """Million packets a second of C, once every flow was seen, for about so many seconds."""
    baseline = Baseline([c_table(flows)], Traffic(size=SIZE, flows=flows), BURST)
    baseline.drive(flows)
    packets, took = 1024 * BURST, 0.0
    while took < seconds:
        _, took = baseline.drive(packets)
        done, packets = packets, round(packets * min(16.0, 1.2 * seconds / took)) // BURST * BURST
    if baseline.state(0)[3:] != [flows, 0]:
        raise BenchmarkError("the C table does not have all flows")
    return done / took / 1e6


def c_table(capacity: int) -> CNF:
    """The C baseline: twice as many slots as flows or more, a power of two of them."""
    slots = 1 << (2 * capacity - 1).bit_length()
    # As the blocks of state objects: NumPy asks for huge pages where it is large.
    memory = np.zeros(slots * SLOT + SLOT, np.uint8)
    first = -(-memory.ctypes.data // SLOT) * SLOT
    return CNF("table", (first, slots - 1, capacity, 0, 0), keeps=memory)
