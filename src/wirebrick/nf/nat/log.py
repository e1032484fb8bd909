"""The log of a NAT: which inside endpoint had which external one, from when to when (RFC 6888, 4; RFC 8158)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from wirebrick.addresses import IPv4Address as Address
from wirebrick.errors import ParameterError
from wirebrick.fields import U8, U16, U64, IPv4Address
from wirebrick.state.bindings import PROTOCOLS, Bindings
from wirebrick.state.bindings_layout import N_EXTERNAL, N_INSIDE, N_TIME, N_WHAT
from wirebrick.state.log import Log
from wirebrick.state.record import Record

SUFFIXES = (".jsonl", ".csv")
COLUMNS = ("time", "event", "protocol", "inside", "inside_port", "external", "external_port")
EVENTS = ("created", "ended")


class BindingEvent(Record):
    """A mapping begins (``ended`` 0) or ends."""

    time: U64
    inside: IPv4Address
    external: IPv4Address
    inside_port: U16
    external_port: U16
    protocol: U8
    ended: U8


class LogFile:
    """The file: JSON lines (``.jsonl``) or CSV. Raises ParameterError where it can't be made; it is made anew."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise ParameterError(
                f"nat: the suffix of log={path} says no format", cure="end it in .jsonl or .csv"
            )
        self._csv = path.suffix.lower() == ".csv"
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise ParameterError(
                f"nat: log={path} can't be written: {error.strerror or error}", cure="give another path"
            ) from None
        if self._csv:
            csv.writer(self._file, lineterminator="\n").writerow(COLUMNS)
            self._file.flush()

    def write(self, rows: Any) -> None:
        """Add records of BindingEvent."""
        lines = [_columns(row) for row in rows]
        if self._csv:
            csv.writer(self._file, lineterminator="\n").writerows(lines)
        else:
            objects = (dict(zip(COLUMNS, line, strict=True)) for line in lines)
            self._file.writelines(f"{json.dumps(one)}\n" for one in objects)
        self._file.flush()


def _columns(row: Any) -> Sequence[Any]:
    """Time in seconds since 1970, as text where a float would round it; the rest as people write it."""
    time = int(row["time"])
    return (
        f"{time // 10**9}.{time % 10**9:09d}",
        EVENTS[int(row["ended"])],
        PROTOCOLS[int(row["protocol"])],
        str(Address(int(row["inside"]))),
        int(row["inside_port"]),
        str(Address(int(row["external"]))),
        int(row["external_port"]),
    )


def pass_news(bindings: Bindings, log: Log | None) -> Callable[[], None]:
    """The user function that hands what has happened to the log; nothing where there is none."""
    if log is None:

        def nothing() -> None:
            return

        return nothing

    def hand_on() -> None:
        time = bindings.news(N_TIME)
        while time >= 0:
            inside, external, what = bindings.news(N_INSIDE), bindings.news(N_EXTERNAL), bindings.news(N_WHAT)
            log.add(
                BindingEvent(
                    time=time,
                    inside=inside >> 16,
                    external=external >> 16,
                    inside_port=inside & 0xFFFF,
                    external_port=external & 0xFFFF,
                    protocol=what & 255,
                    ended=what >> 8,
                )
            )
            bindings.read()
            time = bindings.news(N_TIME)

    return hand_on
