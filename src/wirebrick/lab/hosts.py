"""The hosts of a lab that is up: programs and threads at them."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from wirebrick.errors import LabError, ParameterError
from wirebrick.lab.namespace import Namespace
from wirebrick.lab.processes import Process, processes_in
from wirebrick.lab.record import Record
from wirebrick.ports.suggest import did_you_mean


class Hosts:
    """The hosts of a lab, by name. ``record``: what was made."""

    def __init__(self, record: Record) -> None:
        if not record.complete:
            cure = f"wirebrick lab up {record.topology} --name {record.name} makes it anew"
            raise LabError(f"the lab {record.name} is {record.state}", cure=cure)
        self.record = record

    def find(self, host: str) -> Namespace:
        """A host's namespace. Raises ParameterError where there is none of that name."""
        spaces = self.record.namespaces
        if host not in spaces:
            message = f"the lab {self.record.name} has no host {host!r}"
            raise ParameterError(message, cure=did_you_mean(host, spaces))
        return spaces[host]

    def run(
        self, host: str, command: Sequence[str], check: bool, timeout: float | None, options: dict[str, Any]
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; see `wirebrick.lab.Lab.run`."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        text = options.pop("input", None)
        if text is not None:
            pipes["stdin"] = subprocess.PIPE
        with self.start(host, command, {**pipes, **options}) as process:
            try:
                out, err = process.communicate(text, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        if check and process.returncode:
            said = f"{out or ''}{err or ''}".strip()
            failed = f"{' '.join(command)} at {host}: exit status {process.returncode}"
            raise LabError(f"{failed}: {said}" if said else failed)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def start(self, host: str, command: Sequence[str], options: dict[str, Any]) -> subprocess.Popen[str]:
        """Start a program; see `wirebrick.lab.Lab.start`."""
        given = {"stdin": subprocess.DEVNULL, "text": True, **options}
        with _told_of(command):
            # A process is in the namespace of the thread that starts it.
            return self.find(host).call(lambda: subprocess.Popen(command, **given), system=True)

    def become(self, host: str, command: Sequence[str]) -> NoReturn:
        """Run a program at a host in this process's place: with its terminal, its signals, its exit status."""
        space = self.find(host)
        with _told_of(command):
            space.become(command)

    @contextlib.contextmanager
    def inside(self, host: str) -> Iterator[None]:
        """The calling thread is at a host; see `wirebrick.lab.Lab.inside`."""
        with self.find(host).entered():
            yield

    def processes(self) -> list[Process]:
        """What runs at the hosts, without this process."""
        return processes_in(self.record.namespaces)


@contextlib.contextmanager
def _told_of(command: Sequence[str]) -> Iterator[None]:
    """Errors of starting a program as a person reads them."""
    try:
        yield
    except OSError as error:
        cure = "install it, or give its path" if isinstance(error, FileNotFoundError) else ""
        raise LabError(f"{command[0]} can't be run: {error.strerror}", cure=cure) from None
