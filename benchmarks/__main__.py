"""``python -m benchmarks``: run the experiments and print a table, or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.experiments import EXPERIMENTS, measure
from benchmarks.harness import machine, table
from benchmarks.harness.options import Options
from wirebrick.errors import WirebrickError
from wirebrick.ports.suggest import did_you_mean

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit status. A missed target is no failure: the machine may be busy."""
    parser = _parser()
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in EXPERIMENTS]
    if unknown:
        cure = did_you_mean(unknown[0], EXPERIMENTS)
        return _tell(f"there is no experiment {unknown[0]!r}\n  help: {cure}", USAGE)
    if given.seconds <= 0 or given.repeats < 1:
        return _tell("--seconds must be more than 0, and --repeats at least 1", USAGE)
    options = Options(seconds=given.seconds, repeats=given.repeats)
    try:
        _run(given.names or list(EXPERIMENTS), options, as_json=given.json)
    except WirebrickError as error:
        return _tell(str(error), FAILED)
    except KeyboardInterrupt:
        return _tell("interrupted", INTERRUPTED)
    return 0


def _parser() -> argparse.ArgumentParser:
    names = "\n".join(f"  {name:12} {what}" for name, what in EXPERIMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Wirebrick measured beside C, on the same packets in the same memory.",
        epilog=f"experiments (all, unless named):\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="an experiment")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=Options.seconds, help="for each measurement (0.5)")
    parser.add_argument("--repeats", type=int, default=Options.repeats, help="of each measurement (7)")
    return parser


def _run(names: list[str], options: Options, *, as_json: bool) -> None:
    about = machine.describe()
    if not as_json:
        print("\n".join(f"{key:9} {value}" for key, value in about.items()))
        print(f"settings  {options.repeats} times {options.seconds:g} s each, on processor {options.core}\n")
        print(table.HEADING, flush=True)
    found: dict[str, list[dict[str, Any]]] = {}
    for name in dict.fromkeys(names):
        found[name] = []
        for row in measure(name, options):
            found[name].append(row.to_dict())
            if not as_json:
                print(table.line(row), flush=True)
    if as_json:
        settings = {"seconds": options.seconds, "repeats": options.repeats, "core": options.core}
        print(json.dumps({"machine": about, "settings": settings, "experiments": found}))


def _tell(message: str, status: int) -> int:
    print(f"benchmarks: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
