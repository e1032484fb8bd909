"""How long the command takes for next to nothing: the whole process, from its start to its end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.captures import write_capture
from benchmarks.harness.options import Options
from benchmarks.harness.process import run_command, wirebrick
from benchmarks.harness.row import Row, Target

PACKETS = 10
MOST_FIRST_STARTS = 3  # each compiles everything


def rows(options: Options) -> Iterator[Row]:
    """With nothing cached, with everything cached, and --help."""
    with tempfile.TemporaryDirectory(prefix="wirebrick-startup-") as folder:
        capture, out = Path(folder) / "ten.pcap", Path(folder) / "out.pcap"
        write_capture(capture, PACKETS)
        run = wirebrick("run", "ttl", "--in", str(capture), "--out", str(out), "--json")
        first, second = [], []
        for number in range(min(options.repeats, MOST_FIRST_STARTS)):
            cache = {"WIREBRICK_CACHE": str(Path(folder) / f"cache{number}")}
            first.append(run_command(run, cache).wall_s)
        for _ in range(options.repeats):
            second.append(run_command(run, cache).wall_s)
        shown = [run_command(wirebrick("--help")).wall_s for _ in range(options.repeats)]
    yield Row("first start of run ttl", "s", tuple(first), target=Target("<=", 6, "s"))
    yield Row("second start of run ttl", "s", tuple(second), target=Target("<=", 1.2, "s"))
    yield Row("wirebrick --help", "s", tuple(shown), target=Target("<=", 0.3, "s"))
