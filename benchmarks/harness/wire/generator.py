"""The generator: a process of its own, on a processor of its own, that sends frames and takes them back.

``python -m benchmarks.harness.wire.generator OUT BACK``: frames leave by interface OUT and come back by interface
BACK (which may be the same). It reads one request a line, a JSON object with ``size`` (bytes without FCS), ``rate``
(frames a second, 0: as many as can be) and ``seconds``, and answers each with a line: what ``Measured`` has.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness.wire.programs import BUCKET, Receiver, Sender, make_frame
from wirebrick.ports.xdp.bpf import NATIVE, link_xdp, load_xdp, run_program

WARM_UP = 0.25  # part of the time that is measured, before it
_STEP = 0.05  # seconds, about, of one call
_BATCH = {True: 64, False: 4}  # frames between two flushes: at full speed; paced, where each may be late by so many
_SETTLE = 0.05  # seconds for frames that are under way


@dataclass(frozen=True)
class Measured:
    """Frames a second sent, accepted by the interface, and received back; latencies in microseconds."""

    sent: float
    accepted: float
    back: float
    median_us: float
    p99_us: float
    lost: float  # of those that were sent, the part that never came back


class Generator:
    """Sends out of interface ``out``, counts at interface ``back``. Raises OSError."""

    def __init__(self, out: str, back: str) -> None:
        self._out = out
        self._sender = Sender(socket.if_nametoindex(out))
        self._receiver = Receiver()
        self._program = load_xdp(self._sender.code)
        self._link = link_xdp(load_xdp(self._receiver.code), socket.if_nametoindex(back), NATIVE)
        self._runs = 1000  # of the program in one call

    def measure(self, size: int, rate: float, seconds: float) -> Measured:
        """Send frames of ``size`` bytes for so long."""
        self._sender.interval = round(1e9 / rate) if rate else 0
        frame = make_frame(size)
        batch = _BATCH[not rate]
        self._run(frame, batch, seconds * WARM_UP)
        before, accepted, latencies = self._counts(), self._accepted(), self._receiver.latencies
        begin = time.perf_counter()
        self._run(frame, batch, seconds)
        elapsed = time.perf_counter() - begin
        sent, back = np.subtract(self._counts(), before)
        accepted = self._accepted() - accepted
        latencies = self._receiver.latencies - latencies
        time.sleep(_SETTLE)
        came = self._counts()[1] - before[1]
        median, late = percentiles(latencies, (0.5, 0.99))
        return Measured(
            sent / elapsed, accepted / elapsed, back / elapsed, median, late, max(0.0, 1 - came / max(sent, 1))
        )

    def _run(self, frame: bytes, batch: int, seconds: float) -> None:
        now = time.perf_counter()
        end = now + seconds
        while now < end:
            run_program(self._program, frame, self._runs, batch)
            before, now = now, time.perf_counter()
            self._runs = max(batch, min(1_000_000, int(self._runs * _STEP / max(now - before, 1e-6))))

    def _counts(self) -> tuple[int, int]:
        return self._sender.count, self._receiver.count

    def _accepted(self) -> int:
        """Frames that the interface's other end was given."""
        for line in Path("/proc/self/net/dev").read_text().splitlines():
            name, _, counts = line.partition(":")
            if name.strip() == self._out:
                return int(counts.split()[9])
        raise OSError(f"there is no {self._out}")


def percentiles(histogram: np.ndarray[tuple[int], np.dtype[np.uint64]], parts: tuple[float, ...]) -> list[float]:
    """Microseconds that these parts of the frames took at most; NaN where there are none.

    >>> percentiles(np.array([0, 3, 0, 1], np.uint64), (0.5, 0.99))
    [0.096, 0.224]
    """
    upto = np.cumsum(histogram)
    if not upto[-1]:
        return [float("nan")] * len(parts)
    return [float(np.searchsorted(upto, part * float(upto[-1])) + 0.5) * BUCKET / 1000 for part in parts]


def main(out: str, back: str) -> None:
    """Answer requests until there are no more."""
    generator = Generator(out, back)
    for line in sys.stdin:
        print(json.dumps(asdict(generator.measure(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
