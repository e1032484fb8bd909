"""What was made, in ``/run/wirebrick/lab/NAME.json``: written before each step, so that a crash loses nothing."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from wirebrick.errors import LabError
from wirebrick.lab.namespace import Namespace

FOLDER = Path("/run/wirebrick/lab")


@dataclass
class Record:
    """A lab: its topology, and what was made of it.

    ``complete``: all of it was made. ``owner``: the process that the lab ends with, and when that started;
    None for a lab that stays.
    """

    name: str
    topology: str
    text: str
    owner: tuple[int, int] | None = None
    complete: bool = False
    namespaces: dict[str, Namespace] = field(default_factory=dict)

    def write(self) -> None:
        """Write it, whole or not at all."""
        new = FOLDER / f".{self.name}.new"
        try:
            new.write_text(json.dumps(asdict(self), indent=1))
            new.replace(_path(self.name))
        except OSError as error:
            raise LabError(f"{_path(self.name)} can't be written: {error.strerror}") from None

    def forget(self) -> None:
        """Remove the file."""
        _path(self.name).unlink(missing_ok=True)

    @property
    def left_over(self) -> bool:
        """Whether the process that it would have ended with is gone."""
        return self.owner is not None and started(self.owner[0]) != self.owner[1]

    @property
    def state(self) -> str:
        """In a word: up; unfinished (``up`` was killed); left over; damaged (something of it is gone)."""
        if not self.complete:
            return "unfinished"
        if self.left_over:
            return "left over"
        return "up" if all(one.exists() for one in self.namespaces.values()) else "damaged"


def read_record(name: str) -> Record | None:
    """The record of a lab; None where there is none."""
    path = _path(name)
    try:
        told = json.loads(path.read_text())
        spaces = {host: Namespace(**one) for host, one in told.pop("namespaces").items()}
        owner = told.pop("owner")
        return Record(**told, owner=tuple(owner) if owner else None, namespaces=spaces)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        cure = "remove what it names with ip netns delete, and then the file"
        raise LabError(f"{path} can't be read: {error}", cure=cure) from None


def records() -> list[Record]:
    """All labs there are, by name."""
    found = (read_record(path.stem) for path in sorted(FOLDER.glob("*.json")))
    return [record for record in found if record is not None]


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One process at a time makes or removes labs."""
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(FOLDER, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LabError(f"{FOLDER}, where labs are noted down, can't be made: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def started(process: int) -> int | None:
    """When a process was started, in ticks since the machine was (proc(5)); None where there is none."""
    try:
        told = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(told.rpartition(")")[2].split()[19])


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json"
