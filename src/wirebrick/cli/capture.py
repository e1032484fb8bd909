"""``wirebrick capture``: watch packets at a point of a chain that is running."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

from wirebrick.cli.main import FAILED, tell
from wirebrick.cli.options import Text, at_least
from wirebrick.cli.signals import Interrupts
from wirebrick.errors import ParameterError, PortError, WirebrickError
from wirebrick.ports.pcap.layout import MAX_CAPTURED
from wirebrick.ports.pcap.output import Output, whole_records
from wirebrick.runtime.rendezvous import running
from wirebrick.runtime.tap_protocol import PACKETS, receive, receive_json, send_json

FAULT = ".fault_"
_LOOK = 0.1  # seconds between two looks at the clock and for signals
_PATIENCE = 10.0  # seconds for the run to say its last word


def capture_command(
    point: str | None = None,
    /,
    *,
    out: Text = "-",
    filter: Text = None,
    count: int | None = None,
    duration: float | None = None,
    snaplen: int = MAX_CAPTURED,
    pid: int | None = None,
    list: bool = False,
) -> int:
    """Watch the packets at a point of a chain that `wirebrick run` is running, as they are at that moment.

    Points are ports (in:rx, out:tx), before and behind network functions (ttl:in, ttl:out), and what is dropped
    (ttl:drop, ttl.ttl_expired, drop). The run is not held up: what a slow capture has no room for, it misses.
    Ends with Ctrl-C, with the run, or as the options say.

    Parameters
    ----------
    point
        The point; the first port that receives, where it is not given.
    out
        The capture file to write; - (as without it): standard output, for a pipe: | tcpdump -r -
    filter
        Only packets that match there, in tcpdump's syntax.
    count
        End after so many packets.
    duration
        End after so many seconds.
    snaplen
        Keep so many bytes of each packet.
    pid
        The process, where several are running.
    list
        List what is running, and its points.
    """
    at_least("--count", count, 1)
    at_least("--duration", duration, 0, above=True)
    at_least("--snaplen", snaplen, 1)
    if list:
        return _list(pid)
    path = _path(out)
    with Interrupts() as interrupts, closing(_choose(pid)) as run:
        wish = {"point": point, "filter": filter, "snaplen": snaplen, "count": count}
        send_json(run.connection, {"do": "capture", **wish})
        return _follow(Following(run, interrupts, duration), path, count)


def _path(out: str | None) -> str:
    if not out:
        raise ParameterError("capture: --out is empty", cure="--out FILE.pcap, or --out - for a pipe")
    return out


class Run:
    """A process with a run, and the connection to it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.connection = connection
        connection.settimeout(_PATIENCE)

    def points(self) -> dict[str, Any]:
        """What it is and which points it has; it takes no more questions then."""
        with suppress(OSError):
            send_json(self.connection, {"do": "points"})
            return receive_json(self.connection) or {}
        return {}

    def close(self) -> None:
        """Let go of it."""
        self.connection.close()


def _runs(pid: int | None) -> list[Run]:
    """What is running: all, or a process's. Raises WirebrickError where there is nothing."""
    every = [Run(number, connection) for number, connection in running()]
    found = [run for run in every if pid in (None, run.pid)]
    for run in every:
        if run not in found:
            run.close()
    if found:
        return found
    if pid is not None and every:
        known = ", ".join(str(run.pid) for run in every)
        raise ParameterError(f"process {pid} has no run of this user", cure=f"--pid {known}")
    raise WirebrickError(
        "there is no run to be watched" if pid is None else f"process {pid} has no run to be watched",
        cure="start wirebrick run in another terminal, as the same user",
    )


def _choose(pid: int | None) -> Run:
    """The run that is meant. Raises ParameterError where several could be."""
    found = _runs(pid)
    if len({run.pid for run in found}) > 1:
        described = [f"--pid {run.pid} ({' '.join(run.points().get('nfs', []))})" for run in found]
        for run in found:
            run.close()
        raise ParameterError("there are several runs", cure=f"say which: {', '.join(described)}")
    for run in found[1:]:
        run.close()
    return found[0]


def _list(pid: int | None) -> int:
    for run in _runs(pid):
        with closing(run):
            what = run.points()
        print(f"process {run.pid}: {' '.join(what.get('nfs', []))}")
        points = what.get("points", [])
        for name in points:
            if FAULT not in name:
                print(f"  {name}")
        faults = [name for name in points if FAULT in name]
        for nf in dict.fromkeys(name.split(".")[0] for name in faults):
            print("  " + " ".join(name for name in faults if name.startswith(f"{nf}.")))
    return 0


class Following:
    """What comes from a run until a signal, or ``duration`` seconds, or ``enough``; then its last word."""

    def __init__(self, run: Run, interrupts: Interrupts, duration: float | None) -> None:
        self.run = run
        self._interrupts = interrupts
        self._duration = duration
        self._end: float | None = None
        self._asked: float | None = None  # when it was told to end

    def begin(self) -> None:
        """The time runs from now on."""
        if self._duration is not None:
            self._end = time.monotonic() + self._duration

    def enough(self) -> None:
        """Have the run end it."""
        if self._asked is None:
            self._asked = time.monotonic()
            with suppress(OSError):
                self.run.connection.shutdown(socket.SHUT_WR)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        poll = select.poll()
        poll.register(self.run.connection, select.POLLIN)
        while True:
            if self._interrupts.stop.is_set() or (self._end is not None and time.monotonic() >= self._end):
                self.enough()
            if self._asked is not None and time.monotonic() - self._asked > _PATIENCE:
                return
            if poll.poll(1000 * self._wait()):
                message = None
                with suppress(OSError):
                    message = receive(self.run.connection)
                if message is None:
                    return
                yield message

    def _wait(self) -> float:
        return _LOOK if self._end is None else max(0.0, min(_LOOK, self._end - time.monotonic()))


def _follow(following: Following, path: str, count: int | None) -> int:
    """Write what comes; the exit status."""
    output: Output | None = None
    with ExitStack() as opened:
        for kind, data in following:
            if kind == PACKETS:
                assert output is not None
                left = None if count is None else count - output.packets
                size, packets = whole_records(data, left)
                if not _write(output, memoryview(data)[:size], packets) or packets == left:
                    following.enough()
                continue
            value = json.loads(data)
            if "error" in value:
                raise ParameterError(value["error"], cure=value.get("cure", ""))
            if "point" not in value:
                return _end(following.run, value, output)
            # Opened only now: a mistake in the command must not cost the file that is there.
            output = opened.enter_context(closing(Output(path, nanoseconds=True)))
            following.begin()
            tell(f"capturing at {value['point']} of process {following.run.pid}")
    tell(f"process {following.run.pid} is gone; {output.packets if output else 0} packets captured")
    return FAILED


def _end(run: Run, counts: dict[str, Any], output: Output | None) -> int:
    """Tell how many there were."""
    missed = f", {counts['missed']} missed (--filter and --snaplen help)" if counts["missed"] else ""
    ended = "; the run has ended" if counts["ended"] else ""
    tell(f"{output.packets if output else 0} packets captured{missed}{ended}")
    return 0


def _write(output: Output, records: memoryview, packets: int) -> bool:
    """Write records; False where who reads them has enough. Raises PortError."""
    if output.failure is not None:
        return False
    try:
        output.append(records, packets)
    except PortError as error:
        if isinstance(error.__context__, BrokenPipeError):
            return False
        raise
    return True
