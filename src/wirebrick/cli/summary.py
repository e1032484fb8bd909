"""The summary of a run, for people.

>>> from wirebrick.runtime.result import Result
>>> result = Result(packets_in=2, packets_out=1, packets_dropped=1, drops={"ttl.ttl_expired": 1})
>>> for part in summary(result, ["out.pcap"]):
...     print(part if isinstance(part, str) else part.title)
Packets
Network functions
Drops
0.000 Mpps, 0.000 Gbit/s: 0.000 s on 1 worker
output: out.pcap
"""

from __future__ import annotations

from collections.abc import Sequence

from wirebrick.cli.tables import Table
from wirebrick.runtime.result import Result

EVENT_COLUMNS = ("nf", "name", "on", "fired", "late", "overruns", "faults")
COUNTS = ("packets", "bytes")  # what reports count, to be written as 1,234


def summary(result: Result, outputs: Sequence[str]) -> list[Table | str]:
    """Totals, each NF, drops by reason, events, what NFs report, speed, and where the output lies."""
    totals = [
        ["in", result.packets_in, result.bytes_in],
        ["out", result.packets_out, result.bytes_out],
        ["dropped", result.packets_dropped, None],
        ["held", result.packets_held, None],
    ]
    if result.packets_copied:
        totals.append(["made by NFs", result.packets_copied, None])
    nfs = [[nf.name, nf.packets_in, nf.packets_out, nf.packets_dropped, nf.faults] for nf in result.nfs]
    drops = sorted(result.drops.items(), key=lambda drop: -drop[1])
    parts: list[Table | str] = [
        Table("Packets", ["", "packets", "bytes"], totals),
        Table("Network functions", ["name", "in", "out", "dropped", "faults"], nfs),
        Table("Drops", ["reason", "packets"], [[reason, count] for reason, count in drops if count]),
    ]
    if result.events:
        rows = [[getattr(event, name) for name in EVENT_COLUMNS] for event in result.events]
        parts.append(Table("Events", EVENT_COLUMNS, rows))
    for nf, report in result.reports:
        parts.append(Table(f"{report.title} ({nf})", report.columns, report.rows, COUNTS))
    parts.append(speed(result))
    if outputs:
        parts.append(f"output: {', '.join(outputs)}")
    return parts


def speed(result: Result) -> str:
    """How fast it was.

    >>> speed(Result(packets_in=3_000_000, bytes_in=192_000_000, elapsed_s=0.5, compile_s=1.25))
    '6.000 Mpps, 3.072 Gbit/s: 0.500 s on 1 worker, after 1.25 s of compiling'
    """
    bits = result.bytes_in * 8 / result.elapsed_s / 1e9 if result.elapsed_s > 0 else 0.0
    workers = f"{result.workers} worker{'s' if result.workers != 1 else ''}"
    compiling = f", after {result.compile_s:.2f} s of compiling" if result.compile_s >= 0.005 else ""
    return f"{result.mpps:.3f} Mpps, {bits:.3f} Gbit/s: {result.elapsed_s:.3f} s on {workers}{compiling}"
