"""A network with a generator in it, and what a contestant does with the generator's frames."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.wire.contestants import Contestant, Running
from benchmarks.harness.wire.generator import Measured
from benchmarks.harness.wire.topology import Network, cores, network

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

    def measure(self, size: int, rate: float, seconds: float) -> Measured:
        """Send frames of ``size`` bytes, FCS included, ``rate`` a second (0: all that can be), to what runs."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        try:
            process.stdin.write(json.dumps({"size": size - _FCS, "rate": rate, "seconds": seconds}) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise BenchmarkError(f"the generator ended:\n{process.stderr.read().strip()}")
        return Measured(**json.loads(answer))

    def once(self, contestant: Contestant, size: int, rate: float, seconds: float) -> Measured:
        """Start a contestant, measure it, end it."""
        with self.running(contestant):
            return self.measure(size, rate, seconds)

    def close(self) -> None:
        """End the generator."""
        self._process.communicate()


@contextmanager
def wire(pairs: int = 1) -> Iterator[Wire]:
    """A network of so many pairs, and its generator."""
    with network(pairs) as made:
        opened = Wire(made)
        try:
            yield opened
        finally:
            opened.close()
