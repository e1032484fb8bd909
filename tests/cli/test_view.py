"""What the live view draws: rates, drops, workers, what the kernel counted."""

from __future__ import annotations

import io

from rich.console import Console

from wirebrick.cli.rates import rates
from wirebrick.cli.view import drawn
from wirebrick.runtime.live import Snapshot, WorkerState
from wirebrick.runtime.result import NFTotals, PortTotals


def snapshot(at: float, packets: int, drops: dict[str, int], waits: str = "") -> Snapshot:
    return Snapshot(
        elapsed_s=at,
        cycles=int(at * 1_000_000),
        ports=(
            PortTotals(
                "in", "afpacket:eth9", packets, 1000 * packets, 0, 0, {"missed": packets // 10, "errors": 0}
            ),
            PortTotals("out", "null:", 0, 0, packets, 1000 * packets, {}),
        ),
        nfs=(NFTotals("ttl", packets, packets - sum(drops.values()), sum(drops.values()), 0),),
        drops=drops,
        workers=(
            WorkerState(0, packets, 0, 0.0, waits, True),
            WorkerState(1, 0, int(at * 750_000), 0.0, "", True),
        ),
    )


def text_of(before: Snapshot, now: Snapshot, hanging: tuple[int, ...] = ()) -> list[list[str]]:
    file = io.StringIO()
    Console(file=file, width=100, force_terminal=False).print(drawn(now, rates(before, now), hanging))
    return [line.split() for line in file.getvalue().splitlines()]


def test_all_there_is() -> None:
    lines = text_of(snapshot(3600, 0, {}), snapshot(3662, 124_000, {"ttl.ttl_expired": 62}, "refill"), (1,))
    assert lines[0] == ["1:01:02", "Ctrl-C", "ends", "the", "run"]
    assert ["in", "2.00", "k", "16.0", "M", "0", "0", "124,000", "0"] in lines
    assert ["out", "0", "0", "2.00", "k", "16.0", "M", "0", "124,000"] in lines
    assert ["in:", "missed", "12,400"] in lines
    assert not [line for line in lines if "errors" in line]
    assert ["ttl", "2.00", "k", "2.00", "k", "1", "62"] in lines
    assert ["ttl.ttl_expired", "1", "62"] in lines
    assert ["0", "2.00", "k", "100%", "waits", "for", "input"] in lines
    assert ["1", "0", "25%", "hangs"] in lines


def test_the_drops_that_matter_come_first() -> None:
    drops = {f"nf.reason_{number}": number for number in range(1, 13)}
    lines = text_of(snapshot(1, 0, {}), snapshot(2, 1000, drops))
    names = [line[0] for line in lines if line and line[0].startswith("nf.")]
    assert names == [f"nf.reason_{number}" for number in range(12, 4, -1)]
    assert ["4", "more", "reasons"] in lines


def test_without_drops_there_is_no_table_of_them() -> None:
    lines = text_of(snapshot(1, 0, {}), snapshot(2, 1000, {}))
    assert ["drop", "/s", "packets"] not in lines
