"""list_file: files with one entry a line, as lists of names or prefixes are. Shared by NFs."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from wirebrick.errors import ParameterError, Place

LINE_END = re.compile(rb"\r\n|\r|\n")
LINES_NAMED = 8

T = TypeVar("T")


def read_bytes(path: Path, what: str) -> bytes:
    """The contents of a file. Raises ParameterError where it can't be read; ``what``: such as ``list of names``."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ParameterError(
            f"the {what} {path} can't be read: {reason}", cure="give the path of a file with one entry a line"
        ) from None
    # An error shows the line it is about; what an earlier load left in the cache may be old.
    linecache.checkcache(str(path))
    return content.removeprefix(b"\xef\xbb\xbf")


def entries(content: bytes) -> Iterator[tuple[int, int, str]]:
    """Lines that are not empty: number, column (both from 1), text without spaces around it and comment (# or ;).

    >>> list(entries(b"# names\\n a.example  # this one\\n"))
    [(2, 2, 'a.example')]
    """
    for number, line in enumerate(LINE_END.split(content), start=1):
        text = re.split(rb"[#;]", line, maxsplit=1)[0]
        stripped = text.strip()
        if stripped:
            yield number, text.index(stripped[:1]) + 1, stripped.decode("latin-1")


def parsed(
    path: Path, lines: Iterator[tuple[int, int, str]], parse: Callable[[str], T]
) -> list[tuple[int, T]]:
    """The line number of each entry, and what ``parse`` makes of it.

    Raises ParameterError for the first for which it raises ValueError, and says how many more there are.
    """
    found: list[tuple[int, T]] = []
    errors: list[tuple[Place, str]] = []
    for number, column, text in lines:
        try:
            found.append((number, parse(text)))
        except ValueError as error:
            errors.append((Place(str(path), number, column), str(error)))
    if errors:
        place, message = errors[0]
        more = [str(other.line) for other, _ in errors[1:]]
        if more:
            named = ", ".join(more[:LINES_NAMED]) + (", ..." if len(more) > LINES_NAMED else "")
            message += f" (and {len(more)} more in line {named})"
        raise ParameterError(message, place=place, cure="write one entry a line; # begins a comment")
    return found
