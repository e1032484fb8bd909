"""firewall with stateful=yes, over more and more connections, beside C.

Both sides see every connection once before the measurement begins, so that entering them is in neither. TCP segments
are those of connections whose beginning nobody saw, taken up loosely.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import wirebrick
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from wirebrick.nf.firewall import firewall
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.runtime.progress import Progress

CASES = (
    ("1k flows", 1_000, "udp"),
    ("100k flows", 100_000, "udp"),
    ("1M flows", 1_000_000, "udp"),
    ("TCP, 100k flows", 100_000, "tcp"),
)
ROOM = 4  # times as many connections as there are: a quarter may be half-open, as packets go one way only
SLOT = 64  # bytes, of both
FAST = Target(">=", 0.9, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """One row for each case."""
    for name, flows, protocol in CASES:
        with tempfile.NamedTemporaryFile("w", suffix=".rules") as file, pinned(options.core):
            file.write("allow all\n")
            file.flush()
            measured, against = interleaved(
                lambda: ours(Path(file.name), flows, protocol, options.seconds),  # noqa: B023
                lambda: theirs(flows, protocol, options.seconds),  # noqa: B023
                options.repeats,
            )
        yield Row(f"firewall, stateful, {name}", "Mpps", measured, against, FAST)


def ours(rules: Path, flows: int, protocol: str, seconds: float) -> float:
    """Million packets a second of Wirebrick, once every connection was seen, for about so many seconds."""
    seen: list[Progress] = []
    enough = threading.Event()

    def look(progress: Progress) -> None:
        if progress.packets_in >= flows and not enough.is_set():
            seen.append(progress)
            if progress.elapsed_s - seen[0].elapsed_s >= seconds:
                enough.set()

    result = wirebrick.run(
        firewall(rules=rules, stateful=True, loose=True, connections=ROOM * flows),
        rx=f"memory:size={SIZE},flows={flows},proto={protocol}",
        tx="null:",
        workers=1,
        burst=BURST,
        progress=look,
        stop=enough,
    )
    if not enough.is_set() or result.drops:
        raise BenchmarkError("the run ended before it was measured, or dropped packets")
    return (seen[-1].packets_in - seen[0].packets_in) / (seen[-1].elapsed_s - seen[0].elapsed_s) / 1e6


def theirs(flows: int, protocol: str, seconds: float) -> float:
    """Million packets a second of C, once every connection was seen, for about so many seconds."""
    baseline = Baseline(
        [c_conntrack(ROOM * flows)], Traffic(size=SIZE, flows=flows, protocols=protocol), BURST
    )
    baseline.drive(flows)
    packets, took = 1024 * BURST, 0.0
    while took < seconds:
        _, took = baseline.drive(packets)
        done, packets = packets, round(packets * min(16.0, 1.2 * seconds / took)) // BURST * BURST
    if baseline.state(0)[8:12] != [flows, 0, 0, 0]:
        raise BenchmarkError("C does not have all connections")
    return done / took / 1e6


def c_conntrack(capacity: int) -> CNF:
    """The C baseline: twice as many slots as connections or more, a power of two of them."""
    slots = 1 << (2 * capacity - 1).bit_length()
    room = max(1, capacity // 4)
    memory = np.zeros(slots * SLOT + SLOT, np.uint8)
    first = -(-memory.ctypes.data // SLOT) * SLOT
    ring = np.zeros(room, np.uint64)
    words = (first, slots - 1, capacity, ring.ctypes.data, room, 0, 0, 0, 0, 0, 0, 0, 0)
    return CNF("conntrack", words, keeps=(memory, ring))
