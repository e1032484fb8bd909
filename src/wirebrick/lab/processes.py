"""Processes in the namespaces of a lab: who they are, and their end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from glob import iglob
from pathlib import Path

from wirebrick.lab.namespace import Namespace

_PATIENCE = 5.0


@dataclass(frozen=True)
class Process:
    """A process with a thread in a namespace; ``command`` is its command line."""

    pid: int
    host: str
    command: str


def processes_in(namespaces: dict[str, Namespace]) -> list[Process]:
    """The processes with a thread in one of the namespaces (by host), without this one."""
    hosts = {one.inode: host for host, one in namespaces.items() if one.exists()}
    found: dict[int, Process] = {}
    for task in iglob("/proc/[0-9]*/task/*/ns/net") if hosts else ():
        pid = int(task.split("/")[2])
        try:
            host = hosts.get(os.stat(task).st_ino)
            if host is not None and pid != os.getpid() and pid not in found:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                command = words.decode(errors="replace").strip()
                if command:  # without one it is dead, and waits to be collected
                    found[pid] = Process(pid, host, command)
        except OSError:  # it has ended meanwhile
            continue
    return [found[pid] for pid in sorted(found)]


def end(namespaces: dict[str, Namespace]) -> list[Process]:
    """End what runs there: politely, and by force after five seconds. Returns what still runs."""
    until = time.monotonic() + _PATIENCE
    left = processes_in(namespaces)
    _signal(left, signal.SIGTERM)
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = processes_in(namespaces)
    _signal(left, signal.SIGKILL)
    until = time.monotonic() + _PATIENCE
    while left and time.monotonic() < until:
        time.sleep(0.02)
        left = processes_in(namespaces)
    return left


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            continue
