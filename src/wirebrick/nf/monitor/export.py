"""The monitor's file of flows: CSV or JSON, written whole or not at all."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from wirebrick.errors import ParameterError, PortError
from wirebrick.nf.monitor.flows import Flow

SUFFIXES = (".csv", ".json")


def check_target(path: Path) -> Path:
    """Where the file will be (links followed). Raises ParameterError for what can't be written there later.

    >>> check_target(Path("flows.txt"))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: monitor: the suffix of out=flows.txt says no format
      help: end it in .csv or .json
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ParameterError(
            f"monitor: the suffix of out={path} says no format", cure="end it in .csv or .json"
        )
    target = Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise ParameterError(
            f"monitor: out={path} can't be written: there is no folder {folder}",
            cure="make the folder, or give another path",
        )
    if target.exists() and not target.is_file():
        raise ParameterError(f"monitor: out={path} is no plain file", cure="give another path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(
            f"monitor: out={path} can't be written: no permission for the folder {folder}",
            cure="give a path in a folder that you may write to",
        )
    return target


def export(flows: Sequence[Flow], target: Path) -> None:
    """Write the flows, in the format that the suffix says.

    The file appears, or takes the place of an older one, when it is complete. Raises PortError where it can't
    be written; what was there before is then still there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export([Flow("192.0.2.1", "192.0.2.2", 4711, 53, 17, 2, 180)], Path(folder, "flows.csv"))
    ...     print(Path(folder, "flows.csv").read_text(), end="")
    src,dst,src_port,dst_port,protocol,packets,bytes
    192.0.2.1,192.0.2.2,4711,53,17,2,180
    """
    write = _write_json if target.suffix.lower() == ".json" else _write_csv
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            write(file, flows)
        partial.replace(target)
    except OSError as error:
        raise PortError(
            f"monitor: {target} can't be written: {error.strerror or error}",
            cure="free space on the disk, or give out= another path",
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_csv(file: IO[str], flows: Sequence[Flow]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Flow._fields)
    writer.writerows(flows)


def _write_json(file: IO[str], flows: Sequence[Flow]) -> None:
    """An array of objects, one a line."""
    lines = (json.dumps(flow._asdict()) for flow in flows)
    file.write("[")
    for number, line in enumerate(lines):
        file.write(f"{',' if number else ''}\n  {line}")
    file.write("\n]\n" if flows else "]\n")
