"""944 literals searched for in payloads of 64-byte and IMIX frames, beside Hyperscan called from C.

The same literals (as ``engine="auto"`` gives them to Hyperscan), the same payloads in the same memory, which both scan
one after the other, counting matches. Payloads are random bytes, or parts of web traffic made of the words that the
literals are made of, which is the harder case. Both must find the same number.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.harness.build import library
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from benchmarks.harness.signatures import frame_payloads, literals, payloads
from wirebrick.state import hyperscan
from wirebrick.state.natives import compiled
from wirebrick.state.patterns import Patterns
from wirebrick.state.patterns_tables import Literal

COUNT = 944
PAYLOADS = 2048
FAST = Target(">=", 0.9, "ratio")


@dataclass
class Payloads:
    """Payloads in memory, a line apart, and words (address, size) that say where."""

    texts: list[bytes]

    def __post_init__(self) -> None:
        stride = -(-max(map(len, self.texts)) // 64) * 64 + 64
        self.memory = np.zeros(stride * len(self.texts), np.uint8)
        self.words = np.zeros((len(self.texts), 2), np.uint64)
        for number, text in enumerate(self.texts):
            at = number * stride
            self.memory[at : at + len(text)] = np.frombuffer(text, np.uint8)
            self.words[number] = self.memory.ctypes.data + at, len(text)

    @property
    def at(self) -> int:
        """Address of the words."""
        return int(self.words.ctypes.data)


def rows(options: Options) -> Iterator[Row]:
    """For each kind of frames and bytes: the best engine there is, then the built-in one. Raises BenchmarkError."""
    if hyperscan.library() is None:
        raise BenchmarkError(
            "libhyperscan5 is not installed: it is what is measured beside",
            cure="apt-get install libhyperscan5, or name other experiments",
        )
    texts, nocase = literals(COUNT)
    engines = {engine: Patterns(texts, nocase, engine=engine) for engine in ("auto", "builtin")}
    for patterns in engines.values():
        patterns.allocate(1)
    database = hyperscan.Database([Literal(*pair) for pair in zip(texts, nocase, strict=True)], 1, once=False)
    for frames in ("64", "imix"):
        for kind in ("random", "web"):
            data = Payloads(payloads(frame_payloads(frames, PAYLOADS), kind, texts))
            theirs = in_c(database, data)
            for engine, patterns in engines.items():
                ours = in_wirebrick(patterns, data)
                if ours(1) != theirs(1):
                    raise BenchmarkError(f"{engine} finds {ours(1)} matches, Hyperscan {theirs(1)}")
                with pinned(options.core):
                    measured, against = interleaved(
                        mpps(ours, options.seconds), mpps(theirs, options.seconds), options.repeats
                    )
                target = FAST if engine == "auto" else None
                yield Row(f"{engine}, {frames}, {kind}", "Mpps", measured, against, target)


def in_wirebrick(patterns: Patterns, data: Payloads) -> Callable[[int], int]:
    """Scan all payloads so often; the matches."""
    scan = compiled("benchmarks.harness.scan_native", "scan_all", 5)
    block, found = patterns.blocks[0], patterns.matches.blocks[0]
    return lambda rounds: scan(block, found, data.at, len(data.texts), rounds)


def in_c(database: hyperscan.Database, data: Payloads) -> Callable[[int], int]:
    """The same with Hyperscan, in C."""
    function = library().hyperscan
    function.restype = ctypes.c_uint64
    function.argtypes = [ctypes.c_uint64] * 6
    scan, address, _, _ = database.words()
    scratch = database.scratches[0]
    return lambda rounds: int(function(scan, address, scratch, data.at, len(data.texts), rounds))


def mpps(scan: Callable[[int], int], seconds: float, payloads: int = PAYLOADS) -> Callable[[], float]:
    """Measure million payloads a second, for about so long."""

    def measure() -> float:
        rounds = 1
        while True:
            begin = time.perf_counter()
            scan(rounds)
            took = time.perf_counter() - begin
            if took >= 0.7 * seconds:
                return payloads * rounds / took / 1e6
            rounds = max(rounds + 1, round(rounds * min(20.0, seconds / max(took, 1e-6))))

    return measure
