"""The monitor's files: CSV, JSON or Parquet, written whole or not at all."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from wirebrick.errors import ParameterError, PortError
from wirebrick.nf.monitor.flows import Flow
from wirebrick.nf.monitor.parquet import check_library, write_parquet

SUFFIXES = (".csv", ".json", ".parquet")


def check_target(path: Path, name: str = "out") -> Path:
    """Where the file will be (links followed). Raises ParameterError for what can't be written there later.

    >>> check_target(Path("flows.txt"))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: monitor: the suffix of out=flows.txt says no format
      help: end it in .csv, .json or .parquet
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ParameterError(
            f"monitor: the suffix of {name}={path} says no format", cure="end it in .csv, .json or .parquet"
        )
    if path.suffix.lower() == ".parquet":
        check_library()
    target = Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise ParameterError(
            f"monitor: {name}={path} can't be written: there is no folder {folder}",
            cure="make the folder, or give another path",
        )
    if target.exists() and not target.is_file():
        raise ParameterError(f"monitor: {name}={path} is no plain file", cure="give another path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(
            f"monitor: {name}={path} can't be written: no permission for the folder {folder}",
            cure="give a path in a folder that you may write to",
        )
    return target


def export(rows: Sequence[Any], target: Path, columns: Sequence[str] = Flow._fields) -> None:
    """Write rows, flows or others, in the format that the suffix says.

    The file appears, or takes the place of an older one, when it is complete. Raises PortError where it can't
    be written; what was there before is then still there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export([Flow("192.0.2.1", "192.0.2.2", 4711, 53, 17, 2, 180)], Path(folder, "flows.csv"))
    ...     print(Path(folder, "flows.csv").read_text(), end="")
    src,dst,src_port,dst_port,protocol,packets,bytes
    192.0.2.1,192.0.2.2,4711,53,17,2,180
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        if target.suffix.lower() == ".parquet":
            write_parquet(partial, columns, rows)
        else:
            write = _write_json if target.suffix.lower() == ".json" else _write_csv
            with partial.open("w", encoding="utf-8", newline="") as file:
                write(file, columns, rows)
        partial.replace(target)
    except OSError as error:
        raise PortError(
            f"monitor: {target} can't be written: {error.strerror or error}",
            cure="free space on the disk, or give out= another path",
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_csv(file: IO[str], columns: Sequence[str], rows: Sequence[Any]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def _write_json(file: IO[str], columns: Sequence[str], rows: Sequence[Any]) -> None:
    """An array of objects, one a line."""
    lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
    file.write("[")
    for number, line in enumerate(lines):
        file.write(f"{',' if number else ''}\n  {line}")
    file.write("\n]\n" if rows else "]\n")
