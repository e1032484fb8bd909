"""Random and mutated frames in bulk through compiled chains: ``python -m benchmarks.fuzz --frames 10000000``.

A quarter of the frames is random, the others are packets of ``captures/mixed.pcap``, cut or lengthened, with bytes
changed near the start, where the headers are. They go through the compiled chains of ``benchmarks.fuzz_chains`` in
bursts, in the frames of a mempool, as a worker's would. After each burst is checked that

- nothing outside of a frame has changed, but where the chain may push headers or let payloads grow;
- each packet is in one place: on one list, once, or dropped; what came in and was copied is what left and was lost.

The process crashing, of course, is a failure too. The memory before and behind the frames is filled with random
bytes. Exit status 1 if anything is found; it is printed with the number of the burst (and ``--seed``), which can be
made again.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import time

import numpy as np

from benchmarks.fuzz_chains import CHAINS
from benchmarks.fuzz_frames import BURST, LONGEST, Bytes, Frames
from wirebrick.packet.frame import (
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    NO_PORT,
    W_BURST,
    W_COPIES,
    W_COUNT,
    W_LISTS,
    W_USED,
    data_address,
)
from wirebrick.packet.memory import call1, load64
from wirebrick.runtime.context import Context
from wirebrick.runtime.plan import build_plan
from wirebrick.runtime.program import make_program
from wirebrick.stream.network_function import build_chain

PORTS = ["in", "out"]


class Fuzz:
    """A compiled chain with a worker's memory."""

    def __init__(self, name: str) -> None:
        chain, self.before, self.behind = CHAINS[name]
        graph = build_chain(list(chain))
        self.plan = build_plan(graph, PORTS, [1, 0])
        program = make_program(graph, self.plan, 1, interpret=False, live=False)
        self.process, self.derive = program.process, program.derive
        self.context = Context(
            burst=BURST,
            frame_size=LONGEST,
            ports=2,
            counters=self.plan.counters.room,
            scratch=program.scratch,
        )
        self.context.set_states([state.blocks[0] for state in program.states])
        self.context.set_egress(self.plan.default_egress)
        pool = self.context.pool
        self.rows = pool.bytes.reshape(pool.frames, pool.stride)
        self.head = data_address(pool.address, pool.stride, 0) - pool.address
        self.starts = pool.address + np.arange(pool.frames) * pool.stride + self.head
        self.columns = np.arange(pool.stride)
        self.descriptors = _words(self.context[W_BURST], pool.frames * DESCRIPTOR).reshape(-1, DESCRIPTOR)
        self.lists = [load64(self.context[W_LISTS] + 8 * port) for port in range(len(PORTS))]
        self.received = self.left = 0

    def burst(self, frames: Frames) -> list[str]:
        """Process a burst; what is wrong."""
        lengths = frames.fill(self.rows, self.head)
        original = self.rows.copy()
        self._describe(lengths)
        call1(self.process, self.context.address)
        wrong = self._outside(original, lengths)
        listed = np.concatenate([self._take(port) for port in range(len(PORTS))])
        if len(np.unique(listed)) != len(listed) or (listed >= self.context[W_USED]).any():
            wrong.append("a packet is on a list twice, or there is none of its number")
        self.received += BURST
        self.left += len(listed)
        counts = self.plan.counters.read(self.context.counters)
        if self.derive is not None:
            self.derive(counts, self.received)
        lost = sum(count for (_, kind, _), count in counts.items() if kind in ("drop", "fault"))
        if self.received + self.context[W_COPIES] != self.left + lost:
            wrong.append(
                f"{self.received} received, {self.context[W_COPIES]} copied, {self.left} left, {lost} lost"
            )
        return wrong

    def _describe(self, lengths: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        d = self.descriptors
        count = len(d)
        d[:, D_DATA : D_DATA + 8] = self.starts.astype("<u8").view(np.uint8).reshape(count, 8)
        sizes = np.zeros(count, "<u4")
        sizes[:BURST] = lengths
        for place in (D_LENGTH, D_WIRE):
            d[:, place : place + 4] = sizes.view(np.uint8).reshape(count, 4)
        d[:, D_TIME:D_EGRESS] = 0
        d[:, D_EGRESS : D_EGRESS + 2] = np.array([NO_PORT], "<u2").view(np.uint8)
        d[:, D_FRAME : D_FRAME + 4] = np.arange(count, dtype="<u4").view(np.uint8).reshape(count, 4)
        self.context[W_COUNT] = self.context[W_USED] = BURST
        for at in self.lists:
            _words(at, 8)[:] = 0

    def _outside(self, original: Bytes, lengths: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
        """Frames whose neighbourhood has changed; frames of copies are free for anything but their edges."""
        changed = self.rows[:BURST] != original[:BURST]
        behind = self.head + lengths[:, None] + self.behind
        changed &= (self.columns < self.head - self.before) | (self.columns >= behind)
        found = [
            f"frame {row}: bytes outside of it have changed" for row in np.flatnonzero(changed.any(axis=1))
        ]
        copies = self.rows[BURST:, : self.head] != original[BURST:, : self.head]
        if copies.any():
            found.append("the headroom of a copy has changed")
        return found

    def _take(self, port: int) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
        count = load64(self.lists[port])
        return _words(self.lists[port] + 8, 4 * count).view(np.uint32).copy()


def _words(address: int, size: int) -> Bytes:
    """Memory as bytes."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


def fuzz(frames: int, seed: int) -> int:
    """Send so many frames through the chains in turn, print what was found and how many; the number of findings."""
    maker, found = Frames(seed), 0
    chains = {name: Fuzz(name) for name in CHAINS}
    start, number = time.monotonic(), 0
    while number * BURST < frames:
        name = list(chains)[number % len(chains)]
        for wrong in chains[name].burst(maker):
            found += 1
            if found < 20:
                print(f"burst {number}, chain {name}: {wrong}")
        number += 1
    for name, chain in chains.items():
        counts = chain.plan.counters.read(chain.context.counters)
        lost = {".".join(key): n for key, n in counts.items() if key[1] in ("drop", "fault") and n}
        print(
            f"{name:12} {chain.received:>10,} frames, {chain.context[W_COPIES]:,} copied, {chain.left:,} left, {lost}"
        )
    seconds = time.monotonic() - start
    print(f"{number * BURST:,} frames in {seconds:.0f} s, {found} findings")
    return found


def main() -> int:
    """The command line; exit status 1 if something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return 1 if fuzz(given.frames, given.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
