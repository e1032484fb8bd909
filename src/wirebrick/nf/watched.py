"""watched: files that NFs read again when they have changed. Shared by NFs with rules or configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from wirebrick.errors import WirebrickError
from wirebrick.stream.events import every

PERIOD = 0.5  # seconds between two looks


class Telling(Protocol):
    """What a background event gets."""

    def tell(self, text: str) -> None:
        """Have the user told something."""


def watch(path: Path, load: Callable[[Path], str | None], period: float = PERIOD) -> None:
    """Call ``load(path)`` in the background whenever the file has changed while a run lasts.

    To be called while a network function is built, right behind the first reading of the file. ``load`` reads and
    publishes; the text it gives is a notice for the user. Where it raises a WirebrickError (an invalid file), a
    notice has that, and what was there stays. A file is looked at every ``period`` seconds; one that is missing, or
    was changed during the last look, is looked at again later.
    """
    seen = _stamp(path)

    def look(event: Telling) -> None:
        nonlocal seen
        stamp = _stamp(path)
        if stamp is None or stamp == seen:
            return
        seen = stamp
        try:
            said = load(path)
        except WirebrickError as error:
            event.tell(f"{path} has changed and is refused; what was read before stays: {error}")
        else:
            event.tell(said or f"{path} has changed and was read again")

    every(period, look, on="background")


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What is different once a file has been written or replaced; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
