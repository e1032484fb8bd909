"""Running a command as a user does, in a process of its own: how long it takes, how much memory it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.harness import launcher
from benchmarks.harness.errors import BenchmarkError


@dataclass(frozen=True)
class Finished:
    """A command that ran: its output, wall time in seconds, and peak of resident memory in bytes."""

    stdout: str
    wall_s: float
    peak_bytes: int


def run_command(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end. Raises BenchmarkError where it fails.

    >>> run_command([sys.executable, "-c", "print('done')"]).stdout
    'done\\n'
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, *command],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    stdout, mark, numbers = done.stdout.rpartition(launcher.MARK)
    if done.returncode or not mark:
        shown = " ".join(command)
        raise BenchmarkError(f"{shown}\nended with status {done.returncode}:\n{done.stderr.strip()}")
    return Finished(stdout, **json.loads(numbers))


def wirebrick(*arguments: str) -> list[str]:
    """The command line of ``wirebrick``, by the Python that runs this."""
    return [sys.executable, "-m", "wirebrick", *arguments]
