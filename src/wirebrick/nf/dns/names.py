"""The list of names of the NF dns: a file with one name a line."""

from __future__ import annotations

from pathlib import Path

from wirebrick.nf.list_file import entries, parsed, read_bytes
from wirebrick.state.domains import labels_of


def load_names(path: Path) -> list[str]:
    """The names in a file, without those that are there twice. Raises ParameterError with file, line and column.

    >>> load_names(Path("/nowhere/names.txt"))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: the list of names /nowhere/names.txt can't be read: No such file or directory
      help: give the path of a file with one entry a line
    """
    return list(
        dict.fromkeys(name for _, name in parsed(path, entries(read_bytes(path, "list of names")), name_of))
    )


def name_of(text: str) -> str:
    """An entry as the report has it. Raises ValueError.

    >>> name_of("*.Ads.Example.")
    '*.ads.example'
    """
    try:
        labels, below = labels_of(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no name: {error}") from None
    return "*." * below + b".".join(labels).decode()
