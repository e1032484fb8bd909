"""The bytes of a capture: from a path, standard input or an open file; compressed by gzip or not.

>>> import gzip, io
>>> cells = bytearray(8)
>>> Input(io.BytesIO(gzip.compress(b"packets"))).readinto(memoryview(cells)), cells
(7, bytearray(b'packets\\x00'))
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from wirebrick.errors import PortError

GZIP = b"\x1f\x8b"


class Input:
    """An input file, read in pieces from its start. Raises PortError where it can't be opened."""

    def __init__(self, file: str | Path | BinaryIO) -> None:
        self.path: str | None = None
        self._owned: BinaryIO | None = None
        if isinstance(file, str | Path):
            self.name = "standard input" if str(file) == "-" else str(file)
            stream = _standard_input() if str(file) == "-" else self._open(str(file))
        else:
            self.name = str(getattr(file, "name", "the given file"))
            stream = file
        self._raw = _Counted(stream)
        self.size = _size_of(stream)
        try:
            head = self._raw.peek(len(GZIP))
        except OSError as error:
            self.close()
            raise PortError(
                f"{self.name}: {_reason(error)}", cure="check that it is a file that can be read"
            ) from None
        self._stream: Any = gzip.GzipFile(fileobj=self._raw, mode="rb") if head == GZIP else self._raw

    def _open(self, path: str) -> BinaryIO:
        self.path = path
        try:
            self._owned = open(path, "rb", buffering=0)  # noqa: SIM115 (closed by close())
        except FileNotFoundError:
            cure = f"check the path; relative paths start at {os.getcwd()}"
            raise PortError(f"{path}: no such file", cure=cure) from None
        except IsADirectoryError:
            raise PortError(f"{path}: is a directory", cure="name a capture file in it") from None
        except PermissionError:
            cure = f"change its permissions (chmod +r {path}) or run as its owner"
            raise PortError(f"{path}: permission denied", cure=cure) from None
        except (OSError, ValueError) as error:
            raise PortError(f"{path}: {_reason(error)}", cure="check the path") from None
        return self._owned

    def readinto(self, view: memoryview) -> int:
        """Read some bytes, as many as come at once; 0 at the end. Raises OSError, EOFError, zlib.error."""
        return _some(self._stream, view)

    def progress(self) -> tuple[int, int] | None:
        """Bytes read and bytes there are, of the file as it lies on disk; None for pipes."""
        return None if self.size is None else (min(self._raw.count, self.size), self.size)

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._owned is not None:
            self._owned.close()


class _Counted(io.RawIOBase):
    """A stream that counts what was read, and can look ahead where the stream under it can't seek."""

    def __init__(self, stream: BinaryIO) -> None:
        self._under = stream
        self._ahead = b""
        self.count = 0

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """The first bytes, fewer only at the end; they will be read again."""
        while len(self._ahead) < size:
            cell = bytearray(size - len(self._ahead))
            got = _some(self._under, memoryview(cell))
            if not got:
                break
            self._ahead += bytes(cell[:got])
        return self._ahead

    def readinto(self, view: Any) -> int:
        if self._ahead:
            got = min(len(self._ahead), len(view))
            view[:got] = self._ahead[:got]
            self._ahead = self._ahead[got:]
        else:
            got = _some(self._under, memoryview(view))
        self.count += got
        return got


def _some(stream: Any, view: memoryview) -> int:
    """Read what comes with one system call: a buffered stream would wait until ``view`` is full."""
    read = getattr(stream, "readinto1", None) or getattr(stream, "readinto", None)
    if read is not None:
        return int(read(view) or 0)
    data = stream.read(len(view)) or b""
    view[: len(data)] = data
    return len(data)


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.closed:
        raise PortError("standard input is closed", cure="pipe a capture into it, or name a file")
    if sys.stdin.isatty():
        raise PortError("standard input is a terminal", cure="pipe a capture into it: tcpdump -w - | ...")
    # Not through its buffer: that hands over what it has only when more has come.
    return cast("BinaryIO", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))


def _size_of(stream: Any) -> int | None:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, AttributeError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _reason(error: Exception) -> str:
    """What an error says, without its number and file name."""
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or type(error).__name__).lower()
