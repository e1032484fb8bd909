"""Snapshot: a file with the contents of a state object.

A file begins with a magic number that has the version in it, then come the class and the layout of the object
as JSON, then its parts: their size, and the runs of bytes that aren't zero, by offset. Numbers are 64 bits,
little-endian. A BLAKE2b checksum of all of it is at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wirebrick.errors import StateError, caller_place
from wirebrick.state.saved import Part, Saved

if TYPE_CHECKING:
    from wirebrick.state.saving import Saving

_KIND = b"WBSTATE"
MAGIC = _KIND + b"1"
_DIGEST = 32
_WORD = struct.Struct("<Q")


def save(state: Saving, path: Path) -> None:
    """Write the contents of ``state`` to ``path``. Raises StateError."""
    if not state.saveable:
        raise StateError(
            f"{state.name} has no contents before a run begins",
            place=caller_place(),
            cure="save it during a run or after it",
        )
    with state.pausing(), state._reading():
        parts = state._contents()
    folder = path.parent
    try:
        handle, name = tempfile.mkstemp(prefix=path.name + ".", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                digest = hashlib.blake2b(digest_size=_DIGEST)
                for piece in _pieces(state, parts):
                    digest.update(piece)
                    file.write(piece)
                file.write(digest.digest())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise StateError(
            f"{state.name} can't be saved to {path}: {error.strerror or error}",
            place=caller_place(),
            cure="name a file in a folder that exists and can be written",
        ) from error


def _pieces(state: Saving, parts: list[Part]) -> Iterator[bytes]:
    """The bytes of a file, but for the checksum."""
    header = {"class": type(state).__name__, "layout": state._layout(), "parts": len(parts)}
    text = json.dumps(header).encode()
    yield MAGIC + _WORD.pack(len(text)) + text
    for part in parts:
        yield _WORD.pack(part.size) + _WORD.pack(len(part.runs))
        for offset, data in part.runs:
            yield _WORD.pack(offset) + _WORD.pack(len(data))
            yield data


def load(state: Saving, path: Path) -> Saved:
    """Read what ``save`` wrote of an object like ``state``. Raises StateError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateError(
            f"{path} can't be read: {error.strerror or error}",
            place=caller_place(),
            cure=f"name a file that {type(state).__name__}.save() wrote, or use missing_ok=True",
        ) from error
    if not data.startswith(_KIND):
        _refuse(path, "is no saved state", f"name a file that {type(state).__name__}.save() wrote")
    if not data.startswith(MAGIC):
        _refuse(path, "was written by another version of Wirebrick", "begin without it")
    content, digest = data[:-_DIGEST], data[-_DIGEST:]
    if len(data) < len(MAGIC) + _DIGEST or hashlib.blake2b(content, digest_size=_DIGEST).digest() != digest:
        _refuse(path, "is damaged: its checksum is wrong", "begin without it, or with an older file")
    reader = _Reader(path, content, len(MAGIC))
    header = json.loads(reader.take(reader.word()))
    _compare(state, path, header)
    return Saved(path, [reader.part() for _ in range(header["parts"])])


def _compare(state: Saving, path: Path, header: dict[str, Any]) -> None:
    """Raise StateError where a file is of another kind of object."""
    mine = {"class": type(state).__name__, **state._layout()}
    other = {"class": header["class"], **header["layout"]}
    for name in dict.fromkeys([*mine, *other]):
        if mine.get(name) != other.get(name):
            _refuse(
                path,
                f"does not fit {state.name}: its {name} is {_shown(other.get(name))}, here it is "
                f"{_shown(mine.get(name))}",
                "make the object as it was made when the file was written, or begin without the file",
            )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _refuse(path: Path, why: str, cure: str) -> None:
    raise StateError(f"{path} {why}", place=caller_place(), cure=cure)


class _Reader:
    """Reads a file's bytes in order. Raises StateError where there are too few, or they make no sense."""

    def __init__(self, path: Path, data: bytes, at: int) -> None:
        self._path = path
        self._data = data
        self._at = at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > len(self._data) - self._at:
            _refuse(self._path, "is damaged: it is too short", "begin without it, or with an older file")
        self._at += size
        return self._data[self._at - size : self._at]

    def word(self) -> int:
        """The next number."""
        return int(_WORD.unpack(self.take(_WORD.size))[0])

    def part(self) -> Part:
        """The next part."""
        size = self.word()
        runs = []
        for _ in range(self.word()):
            offset = self.word()
            data = self.take(self.word())
            if offset + len(data) > size:
                _refuse(self._path, "is damaged: a part of it is too long", "begin with an older file")
            runs.append((offset, data))
        return Part(size, runs)
