"""wirebrick run ttl, from a capture in the page cache to one on tmpfs: speed and memory."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.captures import write_capture
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.options import Options
from benchmarks.harness.process import run_command, wirebrick
from benchmarks.harness.row import Row, Target

PACKETS, MANY = 2_000_000, 8_000_000
MOST_LONG_RUNS = 2
MEGABYTE = 10**6
RECORD = 80  # bytes of a packet in the file
FAST = Target(">=", 5, "Mpps")
SMALL = Target("<=", 300, "MB")


def rows(options: Options) -> Iterator[Row]:
    """Speed and peak memory, for a capture and for one four times as long."""
    mpps, peaks = zip(*measure(PACKETS, options.repeats), strict=True)
    yield Row("capture of 2 M packets", "Mpps", mpps, target=FAST)
    yield Row("its peak of memory", "MB", peaks, target=SMALL)
    mpps, peaks = zip(*measure(MANY, min(options.repeats, MOST_LONG_RUNS)), strict=True)
    yield Row("capture of 8 M packets", "Mpps", mpps)
    yield Row("its peak of memory", "MB", peaks, target=SMALL)


def measure(packets: int, repeats: int) -> list[tuple[float, float]]:
    """Million packets a second over ``elapsed_s``, and peak of resident memory in MB, of each run.

    A run before them compiles. Raises BenchmarkError where there is no room, or packets are missing.
    """
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="wirebrick-capture-") as folder,
        tempfile.TemporaryDirectory(prefix="wirebrick-capture-", dir=_tmpfs()) as memory,
    ):
        _need_room(folder, memory, packets * RECORD)
        source, target = Path(folder) / "in.pcap", Path(memory) / "out.pcap"
        write_capture(source, packets)
        command = wirebrick("run", "ttl", "--in", str(source), "--out", str(target), "--json")
        for _ in range(repeats + 1):
            done = run_command(command)
            totals = json.loads(done.stdout)
            if totals["packets_in"] != packets or totals["packets_out"] != packets:
                raise BenchmarkError(f"of {packets} packets {totals['packets_out']} came out")
            found.append((packets / totals["elapsed_s"] / 1e6, done.peak_bytes / MEGABYTE))
            target.unlink()
    return found[1:]


def _tmpfs() -> str | None:
    """Where tmpfs is on Linux; elsewhere the folder for temporary files must do."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _need_room(folder: str, memory: str, size: int) -> None:
    """Refuse what doesn't fit: twice as much where both are in the same file system."""
    times = 2 if os.stat(folder).st_dev == os.stat(memory).st_dev else 1
    for place in (folder, memory):
        if shutil.disk_usage(place).free < size * times:
            cure = "make room there, or set TMPDIR to another folder"
            raise BenchmarkError(f"{place} has no room for {size * times / MEGABYTE:.0f} MB", cure=cure)
