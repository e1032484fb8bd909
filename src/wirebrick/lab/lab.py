"""A lab in a ``with`` block: made, used, removed."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from wirebrick.errors import LabError
from wirebrick.lab import manage
from wirebrick.lab.hosts import Hosts
from wirebrick.lab.processes import Process
from wirebrick.lab.record import read_record
from wirebrick.lab.shipped import find_topology
from wirebrick.lab.topology import Topology

_numbers = count(1)
_PATIENCE = 3.0


class Lab:
    """Network namespaces joined by veth pairs, removed at the end of a block with all that runs in them.

    ``topology``: the name of one that comes with Wirebrick, the path of a file, or a `Topology`. ``name``: the
    lab's; else one that no other has. Needs root. Raises LabError and ParameterError. ::

        with Lab("pair") as lab:
            lab.start("server", "iperf3", "-s")
            with lab.inside("box"):
                chain = threading.Thread(target=wirebrick.run, args=("ttl", "xdp:left", "xdp:right"))
                chain.start()
            lab.run("client", "ping", "-c1", "192.0.2.2")

    >>> Lab("direct", name="mine").topology.summary
    'Two hosts, joined directly.'
    """

    def __init__(self, topology: str | Path | Topology, name: str | None = None) -> None:
        self.topology = topology if isinstance(topology, Topology) else find_topology(topology)
        self.name = name or _unused(self.topology.name)
        self._hosts: Hosts | None = None
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Lab:
        self._hosts = Hosts(manage.up(self.topology, self.name, owner=os.getpid()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
        if read_record(self.name):  # someone may have taken it down
            manage.down(self.name, kill=True)
        for process in self._processes:
            with process:  # closes its pipes
                process.kill()
        self._processes.clear()
        self._hosts = None

    def namespace(self, host: str) -> str:
        """The name of a host's namespace, for ``ip netns exec`` and ``ip -n``."""
        return self._up().find(host).name

    def run(
        self, host: str, *command: str, check: bool = True, timeout: float | None = 60.0, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command at a host to its end; ``stdout`` and ``stderr`` of what it returns are text.

        ``options``: ``input`` and those of subprocess.Popen. Raises LabError where the command fails (not with
        ``check=False``), and subprocess.TimeoutExpired after ``timeout`` seconds.
        """
        return self._up().run(host, command, check, timeout, options)

    def start(self, host: str, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start a program at a host; it is stopped with the lab. ``options``: those of subprocess.Popen."""
        process = self._up().start(host, command, options)
        self._processes.append(process)
        return process

    def inside(self, host: str) -> contextlib.AbstractContextManager[None]:
        """A block in which the calling thread is at a host: its sockets, and threads it starts, belong there."""
        return self._up().inside(host)

    def processes(self) -> list[Process]:
        """What runs at the hosts, without this process."""
        return self._up().processes()

    @staticmethod
    def remove_leftovers() -> list[str]:
        """Remove labs of processes that were killed before they could; returns the names of those labs."""
        return manage.remove_leftovers()

    def _up(self) -> Hosts:
        if self._hosts is None:
            raise LabError(f"the lab {self.name} is not up", cure="use it in a block: with Lab(...) as lab:")
        return self._hosts


def _unused(topology: str) -> str:
    """A name that no other lab has, after the topology's."""
    words = re.findall(r"[a-z0-9]+", topology.lower()) or ["lab"]
    return f"{'-'.join(words)[:12]}-{os.getpid()}-{next(_numbers)}"
