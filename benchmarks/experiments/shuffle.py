"""shuffle: a ring alone, between two threads on processors of their own; and packets that change workers by it.

The first thread describes packets as a source does, puts them, 64 at a time, and publishes them; the second
receives them. Frames change hands as in a run. No packet's bytes are touched. A spill of 48 bytes is what three
parsed headers bring along.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator

import wirebrick
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from wirebrick import Stream, network_function
from wirebrick.compiler.native import load_source
from wirebrick.headers import Ethernet, IPv4
from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    DESCRIPTOR,
    HEADROOM,
    W_BURST,
    W_FRAMES,
    W_POOL,
    W_RING_IN,
    W_RING_OUT,
    W_STRIDE,
)
from wirebrick.ports.base import BURST
from wirebrick.runtime.context import Context, frames_for
from wirebrick.runtime.mempool import COPIES, Mempool
from wirebrick.runtime.plan import ShufflePlan
from wirebrick.runtime.ring import Rings

RATE = 30e6  # packets a second, about: so that a measurement takes about as long as is asked for
TARGET = Target(">=", 15, "Mpps")
SPILLS = {"ring alone": 0, "ring alone, spill of 48 bytes": 48}

_SOURCE = f"""
def produce(w, ring, bursts):
    for _ in range(bursts):
        while ring_has_room(ring, 64) == 0:
            pause()
        descriptor = load64(w + {W_BURST})
        for position in range(64):
            frame = load32(load64(w + {W_FRAMES}) + 4 * position)
            store64(descriptor + {D_DATA}, load64(w + {W_POOL}) + frame * load64(w + {W_STRIDE}) + {HEADROOM})
            store32(descriptor + {D_FRAME}, frame)
            descriptor += {DESCRIPTOR}
            ring_put(w, ring, ring_reserve(ring), position)
        ring_publish(ring)
    return 0


def consume(w, ring, packets):
    while packets > 0:
        got = ring_receive(ring, w, 64)
        if got > 0:
            packets -= got
        else:
            pause()
    return 0
"""
_FUNCTION = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)  # lets go of the GIL while it runs


@network_function
def spread(packets: Stream) -> Stream:
    """Every flow to its worker."""
    return packets.parse(Ethernet).parse(IPv4).shuffle("flow")


def rows(options: Options) -> Iterator[Row]:
    """A row for each size of spill; then whole runs in which half of the packets change workers."""
    if len(os.sched_getaffinity(0)) < 2:
        raise BenchmarkError("a ring needs two processors")
    for name, spill in SPILLS.items():
        measured = [ring_mpps(spill, options.seconds) for _ in range(options.repeats + 1)]
        yield Row(name, "Mpps", tuple(measured[1:]), target=TARGET)  # the first warms up
    spec = "memory:size=64,flows=1024"
    measured = [
        wirebrick.run(spread, rx=spec, tx="null:", workers=2, duration=options.seconds).mpps
        for _ in range(options.repeats + 1)
    ]
    yield Row("shuffle, 2 workers", "Mpps", tuple(measured[1:]))


def ring_mpps(spill: int, seconds: float) -> float:
    """Million packets a second through one ring."""
    bursts = round(RATE * seconds / BURST)
    each = frames_for(BURST, COPIES, 0)
    rings = Rings([ShufflePlan(0, 1, spill)], 2, BURST * COPIES, first=2 * each)
    pool = Mempool(2 * each + rings.frames, 64)
    contexts = [_context(pool, number, each, rings) for number in range(2)]
    ring = rings.out_of(0)[0].address
    native = load_source(
        "bench ring", _SOURCE, {"produce": 3, "consume": 3}, ("wirebrick.runtime.ring_native",)
    )
    work = [
        lambda: _FUNCTION(native["produce"])(contexts[0].address, ring, bursts),
        lambda: _FUNCTION(native["consume"])(contexts[1].address, ring, bursts * BURST),
    ]
    elapsed = _together(work)
    if contexts[0][W_RING_OUT] != contexts[1][W_RING_IN]:
        raise BenchmarkError("packets were lost in the ring")
    return bursts * BURST / elapsed / 1e6


def _context(pool: Mempool, number: int, each: int, rings: Rings) -> Context:
    context = Context(burst=BURST, frame_size=64, ports=1, counters=1, shared=(pool, number * each))
    context.set_worker(number, 2)
    context.set_sources([], rings=rings)
    context.set_rings(rings.table(number))
    return context


def _together(work: list[Callable[[], int]]) -> float:
    """Run each in a thread on a processor of its own; seconds from the common start to the last one's end."""
    barrier = threading.Barrier(len(work) + 1)
    ends = [0.0] * len(work)

    def run(number: int, cpu: int) -> None:
        os.sched_setaffinity(0, {cpu})
        barrier.wait()
        work[number]()
        ends[number] = time.perf_counter()

    cpus = sorted(os.sched_getaffinity(0))
    threads = [threading.Thread(target=run, args=(n, cpus[n])) for n in range(len(work))]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return max(ends) - begin
