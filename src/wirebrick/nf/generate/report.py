"""What generate has to tell: what was sent, what came of it, how long it took."""

from __future__ import annotations

from collections.abc import Sequence

from wirebrick.nf.generate.arrivals import Arrivals
from wirebrick.nf.generate.latency import percentile
from wirebrick.runtime.report import Report

_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def sent_report(sent: int, unstamped: int) -> Report:
    """Of who only sends."""
    return Report("Generated", ["stamped", "without room for a stamp"], [(sent, unstamped)])


def measured_report(sent: int, seen: Arrivals, counts: Sequence[int]) -> Report:
    """Of who receives; ``counts`` is the histogram of latencies."""
    times: dict[str, float] = {"min": seen.fastest}
    for name, share in _SHARES.items():  # a step may reach beyond what was seen
        times[name] = min(max(percentile(counts, share), seen.fastest), seen.slowest)
    times["max"] = seen.slowest
    times["mean"] = seen.total / seen.received if seen.received else 0.0
    row = [sent, seen.received, max(0, sent - seen.received), seen.doubles, seen.reordered]
    columns = ["sent", "received", "lost", "doubles", "reordered", *times]
    return Report("Measured", columns, [(*row, *map(readable, times.values()))])


def readable(nanoseconds: float) -> str:
    """A time for people.

    >>> readable(1500), readable(2_345_678), readable(0)
    ('1.50 us', '2.35 ms', '0 ns')
    """
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.2f} {unit}"
    return f"{nanoseconds:.0f} ns"
