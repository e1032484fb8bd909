"""The processor time of a chain between two interfaces on which nothing comes, in adaptive mode.

All threads of the process count, and what the kernel does in their place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from benchmarks.harness.wire.contestants import wirebrick
from benchmarks.harness.wire.generator import processor_time
from benchmarks.harness.wire.wire import Wire, wire

TARGET = Target("<=", 2, "%")
LEAST = 2.0  # seconds: something may be done only now and then
REST = 0.5  # seconds after the last frame


def rows(options: Options) -> Iterator[Row]:
    """A row for each kind of port."""
    with wire(pairs=2) as opened:
        for kind in ("xdp", "afpacket"):
            measured = tuple(_percent(opened, kind, options.seconds) for _ in range(options.repeats))
            yield Row(f"idle, {kind}", "%", measured, target=TARGET)


def _percent(opened: Wire, kind: str, seconds: float) -> float:
    """Of one processor."""
    with opened.running(wirebrick(kind, "adaptive")) as running:
        assert running.pid is not None
        time.sleep(REST)
        begin, before = time.perf_counter(), processor_time([running.pid])
        time.sleep(max(seconds, LEAST))
        return 100 * (processor_time([running.pid]) - before) / (time.perf_counter() - begin)
