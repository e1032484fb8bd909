"""The generator: a process of its own, on a processor of its own, that sends frames and takes them back.

``python -m benchmarks.harness.wire.generator OUT BACK``: frames leave by interface OUT and come back by interface
BACK (which may be the same). It reads one request a line, a JSON object with ``size`` (bytes without FCS), ``rate``
(frames a second, 0: as many as can be), ``seconds`` and ``pids`` (whose processor time is wanted), and answers each
with a line: what ``Measured`` has.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness.wire.programs import BUCKET, Receiver, Sender, make_frame
from wirebrick.ports.xdp.bpf import NATIVE, link_xdp, load_xdp, run_program

WARM_UP = 0.25  # part of the time that is measured, before it
_ALL = (1 << 32) - 1  # times: more than there is time for
_BATCH = {
    True: 64,
    False: 4,
}  # frames between two flushes: at full speed; paced, where each may be late by so many
_SETTLE = 0.05  # seconds for frames that are under way


@dataclass(frozen=True)
class Measured:
    """Frames a second sent, accepted by the interface, and received back; latencies in microseconds.

    ``lost``: of those that were sent, the part that never came back. ``processor``: the part of the time that the
    processes which were named had a processor.
    """

    sent: float
    accepted: float
    back: float
    median_us: float
    p99_us: float
    lost: float
    processor: float


class Generator:
    """Sends out of interface ``out``, counts at interface ``back``. Raises OSError."""

    def __init__(self, out: str, back: str) -> None:
        self._out = out
        self._sender = Sender(socket.if_nametoindex(out))
        self._receiver = Receiver()
        self._program = load_xdp(self._sender.code)
        self._link = link_xdp(load_xdp(self._receiver.code), socket.if_nametoindex(back), NATIVE)

    def measure(self, size: int, rate: float, seconds: float, pids: Sequence[int] = ()) -> Measured:
        """Send frames of ``size`` bytes for so long, and some time before it."""
        self._sender.interval = round(1e9 / rate) if rate else 0
        with self._sending(make_frame(size), _BATCH[not rate]):
            time.sleep(seconds * WARM_UP)
            before, accepted, latencies = self._counts(), self._accepted(), self._receiver.latencies
            begin, processor = time.perf_counter(), processor_time(pids)
            time.sleep(seconds)
            sent, back = np.subtract(self._counts(), before)
            elapsed, processor = time.perf_counter() - begin, processor_time(pids) - processor
            accepted = self._accepted() - accepted
            latencies = self._receiver.latencies - latencies
        time.sleep(_SETTLE)
        sent_too, came = np.subtract(self._counts(), before)
        median, late = percentiles(latencies, (0.5, 0.99))
        lost = max(0.0, 1 - came / max(sent_too, 1))
        return Measured(
            sent / elapsed, accepted / elapsed, back / elapsed, median, late, lost, processor / elapsed
        )

    @contextmanager
    def _sending(self, frame: bytes, batch: int) -> Iterator[None]:
        """Run the program all the time, by one call in a thread, which a signal ends.

        A call for each of many pieces would not do: when one ends the kernel waits for some 30 ms (RCU) before it
        lets go of frames that are under way.
        """
        failed: list[OSError] = []

        def send() -> None:
            try:
                run_program(self._program, frame, _ALL, batch)
            except InterruptedError:
                pass
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            while thread.is_alive() and thread.ident is not None:
                signal.pthread_kill(thread.ident, signal.SIGUSR1)
                thread.join(_SETTLE)
        if failed:
            raise failed[0]

    def _counts(self) -> tuple[int, int]:
        return self._sender.count, self._receiver.count

    def _accepted(self) -> int:
        """Frames that the interface's other end was given."""
        for line in Path("/proc/self/net/dev").read_text().splitlines():
            name, _, counts = line.partition(":")
            if name.strip() == self._out:
                return int(counts.split()[9])
        raise OSError(f"there is no {self._out}")


def percentiles(
    histogram: np.ndarray[tuple[int], np.dtype[np.uint64]], parts: tuple[float, ...]
) -> list[float]:
    """Microseconds that these parts of the frames took at most; NaN where there are none.

    >>> percentiles(np.array([0, 3, 0, 1], np.uint64), (0.5, 0.99))
    [0.096, 0.224]
    """
    upto = np.cumsum(histogram)
    if not upto[-1]:
        return [float("nan")] * len(parts)
    return [float(np.searchsorted(upto, part * float(upto[-1])) + 0.5) * BUCKET / 1000 for part in parts]


def processor_time(pids: Sequence[int]) -> float:
    """Seconds that these processes have run so far, all threads of each (proc(5), ``schedstat``)."""
    return sum(
        int((task / "schedstat").read_text().split()[0]) / 1e9
        for pid in pids
        for task in Path(f"/proc/{pid}/task").iterdir()
    )


def main(out: str, back: str) -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGUSR1, lambda *_: None)
    generator = Generator(out, back)
    for line in sys.stdin:
        print(json.dumps(asdict(generator.measure(**json.loads(line)))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
