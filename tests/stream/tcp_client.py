"""Clients of the laboratory's web server: curl, or Python's where there is no curl; uploads by a plain socket."""

from __future__ import annotations

import http.client
import itertools
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tcp_lab import ADDRESSES, TcpLab
from tcp_space import LabError
from tcp_web import PORT

HOSTS = {4: ADDRESSES[4]["server"], 6: f"[{ADDRESSES[6]['server']}]"}
SECONDS = 8.0


class Web:
    """The web server in a laboratory, and its clients; a context manager. ``target``: see `tcp_web`."""

    def __init__(self, lab: TcpLab) -> None:
        self.lab = lab
        self._serial = itertools.count()

    def __enter__(self) -> Self:
        with (self.lab.folder / "server.log").open("wb") as log:
            command = [sys.executable, str(Path(__file__).with_name("tcp_web.py")), str(self.lab.folder)]
            self._process = self.lab.start(
                "server", *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            self.__exit__(None, None, None)
            raise LabError(f"the web server did not start: see server.log in {self.lab.folder}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=2)
        self._process.kill()
        self._process.wait()

    def fetch(self, target: str, *, family: int = 4, seconds: float = SECONDS) -> bytes:
        """The body of the page ``target``. Raises LabError if it is not there after ``seconds``."""
        return self.fetch_in_a_row([target], family=family, seconds=seconds)[0]

    def fetch_in_a_row(self, targets: list[str], *, family: int = 4, seconds: float = SECONDS) -> list[bytes]:
        """The bodies of pages that are asked for over one connection (not ``end=close``). Raises LabError."""
        if shutil.which("curl") is None:
            return self._without_curl(targets, family, seconds)
        files = [self.lab.folder / f"page-{next(self._serial)}" for _ in targets]
        pages = [
            argument
            for target, file in zip(targets, files, strict=True)
            for argument in ("-o", str(file), f"http://{HOSTS[family]}:{PORT}{target}")
        ]
        options = ["-q", "-sS", "-f", "-g", "--noproxy", "*", "-m", str(seconds), "-w", "%{num_connects}\n"]
        curl = self.lab.start(
            "client", "curl", *options, *pages, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = curl.communicate(timeout=seconds * len(targets) + 5)
        if curl.returncode:
            raise LabError(f"{err.decode(errors='replace').strip()}: {' '.join(targets)}")
        connections = sum(map(int, out.split()))
        if connections != 1:
            raise LabError(f"{connections} connections for {len(targets)} pages: {' '.join(targets)}")
        bodies = [file.read_bytes() if file.exists() else b"" for file in files]  # no file for an empty page
        for file in files:
            file.unlink(missing_ok=True)
        return bodies

    def fetch_at_once(self, targets: list[str], *, seconds: float = SECONDS) -> list[bytes]:
        """The bodies of pages that are asked for at the same time, each over a connection of its own."""
        with ThreadPoolExecutor(len(targets)) as pool:
            return list(pool.map(lambda target: self.fetch(target, seconds=seconds), targets))

    def upload(
        self, body: bytes, *, length: int | None = None, family: int = 4, seconds: float = SECONDS
    ) -> bytes:
        """POST ``body``; what the server has received. Raises LabError or OSError (TimeoutError).

        ``length`` is the Content-Length that is told: what the body will have when it arrives. Without it,
        the end of the body is the end of the client's half of the connection (FIN).
        """
        name = f"upload-{next(self._serial)}"
        head = f"POST /upload?name={name} HTTP/1.{'0' if length is None else '1'}\r\nHost: lab\r\n"
        head += "\r\n" if length is None else f"Content-Length: {length}\r\n\r\n"
        with self.lab.connect(PORT, family=family, seconds=seconds) as connection:
            connection.sendall(head.encode() + body)
            if length is None:
                connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            if (answer.status, answer.read()) != (200, b"ok\n"):
                raise LabError(f"the web server answers the upload with {answer.status} {answer.reason}")
        file = self.lab.folder / name
        received = file.read_bytes()
        file.unlink()
        return received

    def _without_curl(self, targets: list[str], family: int, seconds: float) -> list[bytes]:
        client = http.client.HTTPConnection(HOSTS[family], PORT)
        bodies = []
        try:
            with self.lab.connect(PORT, family=family, seconds=seconds) as client.sock:
                for target in targets:
                    client.request("GET", target)
                    bodies.append(client.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"{type(error).__name__}: {error}: {' '.join(targets)}") from None
        return bodies


def difference(got: bytes, expected: bytes) -> str:
    """Where ``got`` first differs from ``expected``; nothing if it doesn't.

    >>> difference(b"a cat", b"a cow")
    "5 bytes instead of 5, other from byte 3 on: b'at' instead of b'ow'"
    >>> difference(b"same", b"same")
    ''
    """
    if got == expected:
        return ""
    pairs = enumerate(zip(got, expected, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(got), len(expected)))
    text = f"{len(got)} bytes instead of {len(expected)}, other from byte {at} on: "
    return text + f"{got[at : at + 40]!r} instead of {expected[at : at + 40]!r}"
