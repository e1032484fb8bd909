"""A network with a generator in it, and what a contestant does with the generator's frames."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.pairs import in_turn
from benchmarks.harness.wire.contestants import Contestant, Running
from benchmarks.harness.wire.generator import Measured
from benchmarks.harness.wire.topology import Network, cores, network

SIZES = 64, 1500  # bytes of a frame, with FCS
_PATIENCE = 20.0  # seconds for a contestant to begin
_FCS = 4  # bytes of a frame on the wire that nobody sees
_PROBE_RATE, _PROBE = 1000, 0.02  # frames a second, seconds


class Wire:
    """Measures contestants: they forward between the last interfaces of each pair, or back, where there is one."""

    def __init__(self, made: Network) -> None:
        self.network = made
        back = made.ends[-1][0]
        self.interfaces = [pair[1] for pair in made.ends]
        self._process = subprocess.Popen(
            made.inside(
                *(sys.executable, "-m", "benchmarks.harness.wire.generator", made.ends[0][0], back),
                core=cores()[1],
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def running(self, contestant: Contestant) -> Iterator[Running]:
        """Start a contestant; it forwards when this begins. Raises BenchmarkError where it doesn't."""
        with contestant.start(self.network, self.interfaces) as running:
            end = time.monotonic() + _PATIENCE
            while not self.measure(64, _PROBE_RATE, _PROBE).back:
                running.check()
                if time.monotonic() > end:
                    raise BenchmarkError(f"{contestant.name} forwards nothing after {_PATIENCE:g} s")
            yield running

    def measure(self, size: int, rate: float, seconds: float, pids: Sequence[int] = ()) -> Measured:
        """Send frames of ``size`` bytes, FCS included, ``rate`` a second (0: all that can be), to what runs."""
        request = {"size": size - _FCS, "rate": rate, "seconds": seconds, "pids": list(pids)}
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise BenchmarkError(f"the generator ended:\n{process.stderr.read().strip()}")
        return Measured(**json.loads(answer))

    def mpps(self, contestant: Contestant, size: int, seconds: float) -> float:
        """Start a contestant, give it more than it can take, end it: million packets a second that came back.

        A second is one in which it had its processor, or the kernel's thread that receives for it there did, so that
        others on the machine don't count.
        """
        with self.running(contestant) as running:
            pids = [] if running.pid is None else [running.pid, softirq_thread(cores()[0])]
            found = self.measure(size, 0, seconds, pids)
        return found.back / 1e6 / (found.processor if pids else 1)

    def rates(
        self, contestants: Sequence[Contestant], size: int, seconds: float, repeats: int
    ) -> list[tuple[float, ...]]:
        """Million packets a second of each, in turn."""
        return in_turn([partial(self.mpps, one, size, seconds) for one in contestants], repeats)

    def close(self) -> None:
        """End the generator."""
        self._process.communicate()


def softirq_thread(core: int) -> int:
    """The kernel's thread that receives where a processor has too much of it to do at once: ksoftirqd."""
    for stat in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if stat.read_text().strip() == f"ksoftirqd/{core}":
                return int(stat.parent.name)
    raise BenchmarkError(f"there is no ksoftirqd/{core}")


@contextmanager
def wire(pairs: int = 1) -> Iterator[Wire]:
    """A network of so many pairs, and its generator."""
    with network(pairs) as made:
        opened = Wire(made)
        try:
            yield opened
        finally:
            opened.close()
