"""Where running processes are found: a folder with a Unix socket for each, named after its process.

The folder is ``$WIREBRICK_RUNS``, else ``/run/wirebrick/runs`` for root, and for others
``$XDG_RUNTIME_DIR/wirebrick/runs``, or one below ``/tmp``. Only its owner can look into it; one that belongs to
somebody else is not used.
"""

from __future__ import annotations

import itertools
import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_ENDING = ".sock"


def folder() -> Path:
    """The folder, whether it is there or not."""
    named = os.environ.get("WIREBRICK_RUNS")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/run/wirebrick/runs")
    own = os.environ.get("XDG_RUNTIME_DIR")
    return Path(own, "wirebrick", "runs") if own else Path(tempfile.gettempdir(), f"wirebrick-{os.geteuid()}")


class Meeting:
    """A socket on which this process is found, until ``close``. Raises OSError where there can't be one."""

    def __init__(self) -> None:
        where = _own(folder())
        self.socket = socket.socket(socket.AF_UNIX)
        hidden = where / f".{os.getpid()}-{id(self)}"
        try:
            # Bound under another name first: who finds it can connect.
            self.socket.bind(str(hidden))
            hidden.chmod(0o600)
            self.socket.listen()
            self.path = _place(where, hidden)
        except BaseException:
            self.socket.close()
            with suppress(OSError):
                hidden.unlink()
            raise

    def close(self) -> None:
        """Be found no more."""
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.socket.close()


def _place(where: Path, hidden: Path) -> Path:
    """Move the socket to the first free name of this process: it may have several runs at once."""
    for number in itertools.count(1):
        path = where / f"{os.getpid()}{f'-{number}' if number > 1 else ''}{_ENDING}"
        if not path.exists() or _dead(path):
            break
    hidden.rename(path)
    return path


def running() -> list[tuple[int, socket.socket]]:
    """All runs there are: process and a connection to it. What dead processes left behind is removed."""
    found = []
    try:
        paths = sorted(folder().glob(f"*{_ENDING}"))
    except OSError:
        return []
    for path in paths:
        number = path.name.removesuffix(_ENDING).split("-")[0]
        connection = _connection(path)
        if connection is not None and number.isdigit():
            found.append((int(number), connection))
    return found


def _connection(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except ConnectionRefusedError:
        connection.close()
        with suppress(OSError):
            path.unlink()
        return None
    except OSError:
        connection.close()
        return None
    return connection


def _dead(path: Path) -> bool:
    connection = _connection(path)
    if connection is not None:
        connection.close()
    return connection is None


def _own(where: Path) -> Path:
    """The folder, made if need be; only this user can enter it. Raises OSError."""
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = where.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise PermissionError(f"{where} is not this user's own folder")
    return where
