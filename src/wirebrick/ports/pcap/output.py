"""The file captures are written to: whole records only, whatever happens on the way.

Format: classic pcap, little-endian, link type Ethernet (draft-ietf-opsawg-pcap).

>>> import io
>>> stream = io.BytesIO()
>>> output = Output(stream, nanoseconds=True)
>>> stream.getvalue().hex(" ", 4)
'4d3cb2a1 02000400 00000000 00000000 00000400 01000000'
"""

from __future__ import annotations

import contextlib
import errno
import struct
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from wirebrick.errors import PortError
from wirebrick.ports.pcap.layout import MAX_CAPTURED, RECORD

_MICROSECONDS, _NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D


class Output:
    """A capture being written, shared by the sinks of all workers.

    ``file`` is a path, ``-`` (standard output) or an open binary file. The header is written at once.
    ``packets`` counts the packets that are in the file. Raises PortError where it can't be opened or written.
    """

    def __init__(self, file: str | Path | BinaryIO, *, nanoseconds: bool = False) -> None:
        self.packets = 0
        self.nanoseconds = nanoseconds
        self.failure: PortError | None = None
        self._lock = threading.Lock()
        self._owned: BinaryIO | None = None
        self._stream: Any = self._open(file)
        self._seekable = _seekable(self._stream)
        magic = _NANOSECONDS if nanoseconds else _MICROSECONDS
        try:
            self._write(memoryview(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, MAX_CAPTURED, 1)), None)
        except BaseException:
            self.close()
            raise

    def append(self, records: memoryview, packets: int) -> None:
        """Write whole records. Raises PortError, now and from then on, where that fails."""
        with self._lock:
            if self.failure is not None:
                raise self.failure
            self._write(records, packets)

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._owned is not None:
            with contextlib.suppress(OSError):
                self._owned.close()

    def _open(self, file: str | Path | BinaryIO) -> Any:
        if not isinstance(file, str | Path):
            self.name = str(getattr(file, "name", "the given file"))
            return file
        self.name = "standard output" if str(file) == "-" else str(file)
        if str(file) == "-":
            return _standard_output()
        if self.name.endswith(".gz"):
            cure = f"name it {self.name.removesuffix('.gz')}"
            raise PortError(f"{self.name}: captures are written uncompressed", cure=cure)
        try:
            self._owned = open(file, "wb", buffering=0)  # noqa: SIM115 (closed by close())
        except FileNotFoundError:
            raise PortError(f"{file}: its directory does not exist", cure="make it with mkdir -p") from None
        except IsADirectoryError:
            raise PortError(f"{file}: is a directory", cure="name a file in it") from None
        except (OSError, ValueError) as error:
            raise PortError(f"{file}: {_reason(error)}", cure="name a file that can be written") from None
        return self._owned

    def _write(self, data: memoryview, packets: int | None) -> None:
        """Write the header (``packets`` is None) or records."""
        start = self._stream.tell() if self._seekable else 0
        written = 0
        try:
            while written < len(data):
                written += self._stream.write(data[written:]) or 0
            self._stream.flush()
        except OSError as error:
            if packets is None:
                cure = "write where there is room and permission"
                raise PortError(f"{self.name}: {_reason(error)}", cure=cure) from None
            whole, count = whole_records(data[:written])
            self.packets += count
            readable = self._cut(start + whole) or whole == written
            self.failure = self._failed(error, readable)
            raise self.failure from None
        except BaseException:  # an interrupt: the records are kept by their sink and come again
            self._cut(start)
            raise
        self.packets += packets or 0

    def _cut(self, size: int) -> bool:
        """Take off what lies behind ``size``; whether that was possible."""
        if not self._seekable:
            return False
        try:
            self._stream.seek(size)
            self._stream.truncate(size)
        except OSError:
            return False
        return True

    def _failed(self, error: OSError, readable: bool) -> PortError:
        text = f"{self.name}: {_reason(error)}; {self.packets} packets written"
        if error.errno == errno.EPIPE:
            return PortError(text, cure="what reads the packets ended before it had all of them")
        text += ", the file is readable up to there" if readable else ", the file ends inside a record"
        return PortError(text, cure="write where there is room, or fewer packets (--count)")


def whole_records(data: bytes | memoryview, most: int | None = None) -> tuple[int, int]:
    """How many bytes of ``data`` are whole records, and how many records: at most ``most``."""
    at = count = 0
    while at + RECORD <= len(data) and count != most:
        size = RECORD + struct.unpack_from("<I", data, at + 8)[0]
        if at + size > len(data):
            break
        at += size
        count += 1
    return at, count


def _standard_output() -> Any:
    """Standard output without a buffer: what is in a buffer when a pipe breaks would be an error at exit."""
    if sys.stdout is None or sys.stdout.closed:
        raise PortError("standard output is closed", cure="name a file")
    if sys.stdout.isatty():
        raise PortError("standard output is a terminal", cure="pipe it on (| tcpdump -r -), or name a file")
    sys.stdout.flush()
    return getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)


def _seekable(stream: Any) -> bool:
    try:
        return bool(stream.seekable())
    except (AttributeError, OSError):
        return False


def _reason(error: Exception) -> str:
    """What an error says, without its number and file name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
