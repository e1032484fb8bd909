"""The live view of a run without a known end: rates of ports and NFs, drops, workers; on a terminal, till it ends.

>>> shortened(12_345_678.0), shortened(999.4), shortened(0.0), shortened(2_500_000_000.0)
('12.3 M', '999', '0', '2.50 G')
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TextIO

from wirebrick.cli.rates import Rates, Recent
from wirebrick.runtime.live import Snapshot

if TYPE_CHECKING:
    from wirebrick.runtime.progress import Progress

_MOST_DROPS = 8  # reasons that are shown, those with most packets


class View:
    """Tables on a terminal that follow the run until ``stop``, and leave nothing behind then."""

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=file, highlight=False)
        self._recent = Recent()
        self._live: Any = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()
        # A second signal ends the process at once: then the cursor must be there.
        self._console.show_cursor(True)

    def show(self, state: Progress) -> None:
        """Draw what is now."""
        if state.snapshot is not None:
            found = self._recent.add(state.snapshot)
            self._live.update(drawn(state.snapshot, found, state.hanging), refresh=True)

    def note(self, text: str) -> None:
        """Tell something that has happened, above the tables."""
        self._console.print(text, markup=False)

    def stop(self) -> None:
        """Take it away."""
        self._live.stop()


def drawn(now: Snapshot, found: Rates, hanging: tuple[int, ...]) -> Any:
    """The tables, for rich."""
    from rich.console import Group
    from rich.text import Text

    parts = [Text(f"{_clock(now.elapsed_s)}  Ctrl-C ends the run")]
    ports = []
    for rate, port in zip(found.ports, now.ports, strict=True):
        numbers = (rate.in_pps, rate.in_bps, rate.out_pps, rate.out_bps)
        totals = (f"{port.packets_in:,}", f"{port.packets_out:,}")
        ports.append([rate.name, *map(shortened, numbers), *totals])
    parts.append(_table(["port", "in/s", "bit/s", "out/s", "bit/s", "in", "out"], ports))
    told = [
        f"{port.name}: {name} {count:,}"
        for port in now.ports
        for name, count in port.statistics.items()
        if count
    ]
    if told:
        parts.append(Text("\n".join(told)))
    nfs = [
        [rate.name, *map(shortened, (rate.in_pps, rate.out_pps, rate.dropped_pps)), f"{nf.packets_dropped:,}"]
        for rate, nf in zip(found.nfs, now.nfs, strict=True)
    ]
    parts.append(_table(["network function", "in/s", "out/s", "dropped/s", "dropped"], nfs))
    drops = sorted(now.drops.items(), key=lambda drop: -drop[1])
    if drops:
        rows = [
            [reason, shortened(found.drops[reason]), f"{count:,}"] for reason, count in drops[:_MOST_DROPS]
        ]
        if len(drops) > _MOST_DROPS:
            rows.append([f"{len(drops) - _MOST_DROPS} more reasons", "", ""])
        parts.append(_table(["drop", "/s", "packets"], rows))
    workers = [
        [
            str(one.worker),
            shortened(one.in_pps),
            f"{one.load:.0%}",
            _waits(one.worker, one.waits, hanging),
        ]
        for one in found.workers
    ]
    parts.append(_table(["worker", "in/s", "busy", ""], workers))
    return Group(*(part for one in parts for part in (one, Text(""))))


def shortened(value: float) -> str:
    """A rate in three digits."""
    if value < 999.5:
        return f"{value:.0f}"
    power = min(4, int(math.log10(value * 1.0005) // 3))
    number = value / 1000**power
    return f"{number:.{max(0, 2 - int(math.log10(number * 1.0005)))}f} {' kMGT'[power]}"


def _waits(worker: int, waits: str, hanging: tuple[int, ...]) -> str:
    if worker in hanging:
        return "hangs"
    return {"refill": "waits for input", "flush": "waits for output", "pause": "paused"}.get(waits, "")


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _table(columns: list[str], rows: list[list[str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True, min_width=8)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
