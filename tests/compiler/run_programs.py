"""Run a module of random functions both ways and compare all that can be seen; by hand, many of them.

``python tests/compiler/run_programs.py --seconds 60 --seed 1000``
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from programs import function, packets, source

import wirebrick
from wirebrick.errors import WirebrickError


def load(path: Path) -> Any:
    """A fresh copy of a module: its state objects are new."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seen(path: Path, frames: list[bytes], *, interpret: bool) -> dict[str, Any]:
    """What a run gives: packets, drops, counts and the contents of all state."""
    module = load(path)
    result = wirebrick.run(module.nf, rx=frames, interpret=interpret)
    state = [[plain(value) for value in array.partition(0)] for array in module.states]
    return {
        "drops": result.drops,
        "nfs": result.nfs,
        "packets": [bytes(one).hex() for one in result.packets],
        "state": state,
        "total": module.total.value,
    }


def plain(value: Any) -> Any:
    """A value that can be compared: all floats that are no number are the same."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value
    if hasattr(value, "fields"):
        return [plain(getattr(value, name)) for name in value.fields]
    return value


def accepted(folder: Path, seed: int, count: int) -> tuple[list[str], int]:
    """So many random functions that the check takes, and how many it refused."""
    taken: list[str] = []
    refused = 0
    while len(taken) < count:
        text = function(seed * 1000 + len(taken) + refused, f"run_{len(taken)}")
        path = folder / f"one_{seed}_{len(taken)}_{refused}.py"
        path.write_text(source(seed, [text.replace(f"run_{len(taken)}(", "run_0(", 1)]))
        try:
            wirebrick.run(load(path).nf, rx=[], interpret=True)
        except WirebrickError:
            refused += 1
            continue
        taken.append(text)
    return taken, refused


def differences(folder: Path, seed: int, count: int, frames: int) -> tuple[list[str], int]:
    """What compiled and interpreted runs of ``count`` random functions do not agree on, and the functions refused."""
    functions, refused = accepted(folder, seed, count)
    path = folder / f"programs_{seed}.py"
    path.write_text(source(seed, functions))
    inputs = packets(seed, frames)
    try:
        compiled, interpreted = (seen(path, inputs, interpret=way) for way in (False, True))
    except (NameError, SyntaxError, TypeError, AssertionError, RuntimeError) as error:
        return [f"{path}: {error!r}"], refused
    return [f"{path}: {what} differ" for what in compiled if compiled[what] != interpreted[what]], refused


def main() -> int:
    """Run for some time; what differs is printed, with the file that shows it. Exit status 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--functions", type=int, default=10, help="in one module")
    parser.add_argument("--frames", type=int, default=200)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="programs_"))
    end, seed, refused, found = time.monotonic() + given.seconds, given.seed, 0, 0
    while time.monotonic() < end:
        lines, more = differences(folder, seed, given.functions, given.frames)
        print("\n".join(lines), end="\n" if lines else "", flush=True)
        found += bool(lines)
        refused += more
        seed += 1
    done = (seed - given.seed) * given.functions
    print(
        f"{done} functions compared, {refused} refused by the check, {found} modules with differences",
        flush=True,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
