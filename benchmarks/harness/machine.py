"""The machine: what it is, and staying on one of its processors."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.harness.build import compiler_version


def quiet_core() -> int | None:
    """The last processor there is for us (the first gets most interrupts); None where it can't be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Stay on one processor, threads that are started in it too."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe() -> dict[str, str | int]:
    """Processor, load and versions: what numbers depend on.

    >>> sorted(describe())[:3]
    ['cores', 'gcc', 'kernel']
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **_versions("wirebrick", "llvmlite", "numpy"),
        "gcc": compiler_version() if shutil.which("gcc") else "none",
    }


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
