"""The C baselines, compiled when they are first used and kept for this process alone.

>>> hasattr(library(), "drive")
True
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.harness.errors import BenchmarkError

BASELINES = Path(__file__).parent.parent / "baselines"
FLAGS = ("-O3", "-march=native", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")


def compiler() -> str:
    """The path of gcc. Raises BenchmarkError where there is none."""
    found = shutil.which("gcc")
    if found is None:
        raise BenchmarkError(
            "gcc is not installed: the baselines are C",
            cure="install it (apt-get install gcc), or name only experiments without a baseline",
        )
    return found


def compiler_version() -> str:
    """The first line of ``gcc --version``. Raises BenchmarkError where there is no gcc."""
    told = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False)
    return told.stdout.partition("\n")[0]


@cache
def library() -> ctypes.CDLL:
    """All baselines in one library. Raises BenchmarkError where they can't be compiled."""
    gcc = compiler()
    with tempfile.TemporaryDirectory(prefix="wirebrick-baselines-") as folder:
        target = Path(folder) / "baselines.so"
        sources = sorted(str(source) for source in BASELINES.glob("*.c"))
        command = [gcc, *FLAGS, *sources, "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(
                f"the baselines can't be compiled:\n{done.stderr}", cure="use gcc 9 or a later one"
            )
        loaded = ctypes.CDLL(str(target))  # stays loaded when the file is gone
    for name in ("receive_burst", "process_burst", "drive"):
        getattr(loaded, name).restype = ctypes.c_uint64
    loaded.receive_burst.argtypes = [ctypes.c_void_p]
    loaded.process_burst.argtypes = loaded.drive.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    return loaded


def address_of(function: str) -> int:
    """The address of a function of the baselines. Raises AttributeError where there is none of that name."""
    return ctypes.cast(getattr(library(), function), ctypes.c_void_p).value or 0
