"""Live: the counters of a run while it goes on, read without stopping the workers.

Each worker counts for itself; what is read in the middle of a burst may be ahead of what follows from it by as much.
"""

from __future__ import annotations

import ctypes
import time
from collections import Counter as Sums
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wirebrick.packet.frame import W_IDLE, W_IDLE_SINCE, W_PACKETS_IN, W_RING_IN
from wirebrick.runtime.endpoints import NOWHERE, Endpoint
from wirebrick.runtime.plan import CHAIN, LOST, Key, Plan
from wirebrick.runtime.result import NFTotals, PortTotals
from wirebrick.runtime.sums import nf_totals, port_totals
from wirebrick.runtime.worker import Worker
from wirebrick.stream.graph import Graph

Derive = Callable[[dict[Key, int], int], None]


@dataclass(frozen=True)
class WorkerState:
    """One worker: packets it received (from ports and other workers), and what it waits for.

    ``idle``: cycles in which it looked for packets and there were none; ``waited``: seconds it waited for pipes.
    """

    index: int
    packets: int
    idle: int
    waited: float
    waits: str  # "refill", "flush", "pause", or nothing
    running: bool


@dataclass(frozen=True)
class Snapshot:
    """All counts at a moment; ``cycles``: the processor's counter, in which ``idle`` of workers is measured."""

    elapsed_s: float
    cycles: int
    ports: tuple[PortTotals, ...]
    nfs: tuple[NFTotals, ...]
    drops: dict[str, int]
    workers: tuple[WorkerState, ...]

    def load(self, before: Snapshot) -> list[float]:
        """For each worker the share of time since ``before`` in which it had packets, 0 .. 1."""
        cycles = max(1, self.cycles - before.cycles)
        seconds = max(1e-9, self.elapsed_s - before.elapsed_s)
        found = []
        for now, then in zip(self.workers, before.workers, strict=True):
            without = (now.idle - then.idle) / cycles + (now.waited - then.waited) / seconds
            found.append(0.0 if not now.running else min(1.0, max(0.0, 1.0 - without)))
        return found


class Snapshots:
    """Takes snapshots of a run; ``derive`` completes the counters of one worker."""

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        ends: Sequence[Endpoint],
        derive: Derive | None,
        workers: Sequence[Worker],
    ) -> None:
        self._graph = graph
        self._plan = plan
        self._ends = ends
        self._derive = derive
        self._workers = workers
        self._counter: Callable[[], int] | None = None

    def take(self, elapsed_s: float) -> Snapshot:
        """The counts now, ``elapsed_s`` seconds after the beginning."""
        now = self._cycles()
        counts: Sums[Key] = Sums()
        for worker in self._workers:
            found = self._plan.counters.read(worker.context.counters)
            if self._derive is not None:
                self._derive(found, worker.context[W_PACKETS_IN])
            counts.update(found)
        return Snapshot(
            elapsed_s=elapsed_s,
            cycles=now,
            ports=tuple(
                port_totals(self._workers, number, end)
                for number, end in enumerate(self._ends)
                if end.port is not None
            ),
            nfs=tuple(nf_totals(self._graph, scope, counts)[0] for scope in self._graph.scopes),
            drops=self._drops(counts),
            workers=tuple(self._state(worker, now) for worker in self._workers),
        )

    def _drops(self, counts: Sums[Key]) -> dict[str, int]:
        """Packets by reason, where there are any."""
        drops: Sums[str] = Sums()
        for (name, kind, reason), count in counts.items():
            if kind in LOST:
                drops[f"{name}.{reason}"] += count
        for number, end in enumerate(self._ends):
            if not end.transmits:
                reason = f"{CHAIN}.no_egress" if end.name == NOWHERE else f"{end.name}.receives_only"
                drops[reason] += sum(worker.context.taken(number) for worker in self._workers)
        for worker in self._workers:
            for number, sink in worker.sinks.items():
                for reason, (packets, _) in sink.dropped.items():
                    drops[f"{self._ends[number].name}.{reason}"] += packets
        return {reason: count for reason, count in drops.items() if count}

    def _state(self, worker: Worker, now: int) -> WorkerState:
        context = worker.context
        since = context[W_IDLE_SINCE]
        return WorkerState(
            index=worker.index,
            packets=context[W_PACKETS_IN] + context[W_RING_IN],
            idle=context[W_IDLE] + (max(0, now - since) if since else 0),
            waited=worker.waited(time.perf_counter()),
            waits=worker.waits,
            running=worker.begin > 0 and not worker.finished,
        )

    def _cycles(self) -> int:
        if self._counter is None:
            # Imported here: most runs are over before anybody looks.
            from wirebrick.compiler.native import load_native

            address = load_native("wirebrick.runtime.cycles_native", {"counter": 0})["counter"]
            self._counter = ctypes.CFUNCTYPE(ctypes.c_int64)(address)
        return self._counter()
