"""The trunk between client and server: all frames of both directions go through ``wirebrick run``, as a pipe.

    client --.                                                              .-- client
              }-- loss -- pcap --> wirebrick run NF... --in - --out - -- pcap -- loss --{
    server --'                                                              '-- server

What comes out goes to the side that its destination address names; broadcast and multicast go to the side
that the source address does not name. ``before.pcap`` and ``after.pcap`` in the laboratory's folder hold what
went into the network functions and what came out of them.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tcp_lab import MACS, SIDES, TcpLab
from tcp_space import LabError, missed, open_device

ROOT = Path(__file__).parents[2]

PIPE_SIZE = 1 << 20
BURST = 64  # frames taken from one side before the other has its turn

FILE_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)  # classic pcap, nanoseconds, Ethernet
RECORD = struct.Struct("<IIII")
# A frame of the trunk's own (EtherType for experiments, IEEE 802): when it comes out, the chain is at work.
PROBE = bytes.fromhex("00005e0053fe 00005e0053fd 88b5") + b"is the chain at work?".ljust(46, b"\0")
SIDE_OF = {bytes.fromhex(mac.replace(":", "")): number for number, mac in enumerate(MACS.values())}

PROBE_MILLISECONDS = 20
START_SECONDS, STOP_SECONDS = 60.0, 10.0


class Trunk:
    """A chain of network functions between the two sides; a context manager.

    ``nfs`` are as on the command line: ``ttl``, ``monitor:top=1``, ``file.py:function``; ``options`` go to
    ``wirebrick run`` too. ``loss_before`` and ``loss_after``: how probably each frame is lost before and
    after the chain; ``seed`` decides which. Without loss TCP is patient (`TcpLab.patience`).

    ``result`` is, after the end, the JSON object of the run; ``packets_in`` and ``packets_out`` count the
    frames that went into the chain and came out; ``probes`` the trunk's own frames, which are in the counts of
    the result alone.
    """

    def __init__(
        self,
        lab: TcpLab,
        *nfs: str,
        loss_before: float = 0.0,
        loss_after: float = 0.0,
        seed: int = 1,
        options: tuple[str, ...] = (),
    ) -> None:
        self.lab = lab
        self.packets_in = self.packets_out = self.probes = 0
        self.result: dict[str, Any] = {}
        self._arguments = ["run", *nfs, "--in", "-", "--out", "-", "--json", *options]
        self._loss = (loss_before, loss_after)
        self._lost = [0, 0]
        self._random = (random.Random(seed), random.Random(seed + 1))
        self._problems: list[str] = []
        self._ready = threading.Event()
        self._stop, self._wake = -1, -1  # a pipe: the reader's end, the writer's end

    def __enter__(self) -> Self:
        """Start, and wait until the chain is compiled and at work. Raises LabError."""
        self.lab.patience(not any(self._loss))
        self._sockets = [self.lab.inside("box", partial(open_device, side)) for side in SIDES]
        self._stop, self._wake = os.pipe()
        with (self.lab.folder / "chain.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "wirebrick", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                cwd=self.lab.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
            )
        self._threads = [
            threading.Thread(target=self._guard, args=(work,), daemon=True)
            for work in (self._send_in, self._take_out)
        ]
        try:
            for thread in self._threads:
                thread.start()
            self._wait_until_ready()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        self._before = self.lab.counters()
        return self

    @property
    def lost(self) -> int:
        """How many frames were lost on purpose."""
        return sum(self._lost)

    def tcp(self) -> dict[str, int]:
        """What TCP counted since the chain is at work, client and server together (`TcpLab.counters`)."""
        return {name: count - self._before.get(name, 0) for name, count in self.lab.counters().items()}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop. Raises LabError if the chain failed; where something else did, that gets a note."""
        os.close(self._wake)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self._problems.append(f"the chain did not end within {STOP_SECONDS:g} s of the end of its input")
        for thread in self._threads:
            thread.join()
        for side, each in zip(SIDES, self._sockets, strict=True):
            if late := missed(each):
                self._problems.append(f"the trunk was too slow for {late} frames of the {side}")
            each.close()
        os.close(self._stop)
        told = (self.lab.folder / "chain.log").read_text(errors="replace").strip()
        last = told.rpartition("\n")[2]
        if self._process.returncode or not last.startswith("{"):
            self._problems.append(
                f"the chain ended with status {self._process.returncode}: {told or 'silent'}"
            )
        else:
            self.result = json.loads(last)
        problems = "; ".join(list(dict.fromkeys(self._problems))[:5])
        if error is None and problems:
            raise LabError(problems)
        if error is not None:
            error.add_note(
                f"trunk: {self.packets_in} frames in, {self.packets_out} out, {self.lost} lost on purpose"
            )
            error.add_note(
                f"trunk: {problems or self.result}; see before.pcap, after.pcap in {self.lab.folder}"
            )

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._ready.wait(0.02):
            if self._process.poll() is not None:
                raise LabError("the chain ended before its first packet")
            if time.monotonic() > end:
                raise LabError(f"the chain did not pass the first packet on within {START_SECONDS:g} s")

    def _guard(self, work: Callable[[], None]) -> None:
        """Keep what goes wrong in a thread."""
        try:
            work()
        except BrokenPipeError:
            self._problems.append("the chain closed its input early")
        except Exception as error:
            self._problems.append(f"{type(error).__name__}: {error}")

    def _send_in(self) -> None:
        """Thread: frames of both sides into the chain, until the trunk is stopped."""
        assert self._process.stdin is not None
        poll = select.poll()
        sides = {each.fileno(): each for each in self._sockets}
        for descriptor in (*sides, self._stop):
            poll.register(descriptor, select.POLLIN)
        with self._process.stdin as chain, (self.lab.folder / "before.pcap").open("wb") as copy:
            fcntl.fcntl(chain, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
            _write((chain, copy), FILE_HEADER)
            while True:
                wait = None if self._ready.is_set() else PROBE_MILLISECONDS
                readable = [number for number, _ in poll.poll(wait)]
                if self._stop in readable:
                    return
                records = [self._records_from(sides[number]) for number in readable]
                if not self._ready.is_set():
                    self.probes += 1
                    records.append(_record(PROBE))
                _write((chain, copy), b"".join(records))

    def _records_from(self, side: socket.socket) -> bytes:
        """Up to BURST frames that have come from one side, as records."""
        records = []
        for _ in range(BURST):
            try:
                frame = side.recv(65536)
            except BlockingIOError:
                break
            if self._loses(0):
                continue
            self.packets_in += 1
            records.append(_record(frame))
        return b"".join(records)

    def _take_out(self) -> None:
        """Thread: frames that come out of the chain to their sides, until it ends."""
        assert self._process.stdout is not None
        fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        with self._process.stdout as chain, (self.lab.folder / "after.pcap").open("wb") as copy:
            data = bytearray()
            at = len(FILE_HEADER)
            while got := chain.read(PIPE_SIZE):
                copy.write(got)
                data += got
                while at + RECORD.size <= len(data):
                    end = at + RECORD.size + RECORD.unpack_from(data, at)[2]
                    if end > len(data):
                        break
                    self._deliver(bytes(data[at + RECORD.size : end]))
                    at = end
                if at > len(FILE_HEADER):
                    del data[:at]
                    at = 0

    def _deliver(self, frame: bytes) -> None:
        if frame == PROBE:
            self._ready.set()
            return
        self.packets_out += 1
        if self._loses(1):
            return
        try:
            self._sockets[_towards(frame)].send(frame)
        except OSError as error:
            self._problems.append(f"a frame of {len(frame)} bytes could not be sent: {error.strerror}")

    def _loses(self, place: int) -> bool:
        lost = self._random[place].random() < self._loss[place]
        self._lost[place] += lost  # each place has a thread of its own
        return lost


def _towards(frame: bytes) -> int:
    """The number of the side that a frame goes to."""
    side = SIDE_OF.get(frame[:6])
    return 1 - SIDE_OF.get(frame[6:12], 0) if side is None else side


def _record(frame: bytes) -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return RECORD.pack(seconds, nanoseconds, len(frame), len(frame)) + frame


def _write(files: tuple[IO[bytes], ...], data: bytes) -> None:
    """Write all of ``data`` to each file; a pipe may take it in parts."""
    for file in files:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
