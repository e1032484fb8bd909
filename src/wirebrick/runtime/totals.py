"""Totals: the counts of a run added up, and checked: every packet has exactly one fate."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from wirebrick.errors import AccountingError
from wirebrick.packet.frame import (
    W_BYTES_IN,
    W_BYTES_OUT,
    W_COPIED,
    W_COPIES,
    W_MADE,
    W_PACKETS_IN,
    W_RING_IN,
    W_RING_OUT,
)
from wirebrick.runtime.endpoints import NOWHERE, Endpoint
from wirebrick.runtime.plan import CHAIN, LOST, WINDOW, Key, Plan
from wirebrick.runtime.result import Result
from wirebrick.runtime.sums import nf_totals, port_totals
from wirebrick.runtime.worker import Worker
from wirebrick.stream.graph import Graph, Scope

Derive = Callable[[dict[Key, int], int], None]


@dataclass
class Totals:
    """Adds up a run, worker by worker; ``derive`` completes the counters of one. Raises AccountingError."""

    graph: Graph
    plan: Plan
    ends: list[Endpoint]
    derive: Derive | None = None
    result: Result = field(default_factory=Result)

    def add(self, workers: list[Worker]) -> Result:
        """The result of the run, but for times and reports."""
        counts: Sums[Key] = Sums()
        for worker in workers:
            counts.update(self._worker(worker))
        result = self.result
        for (name, kind, reason), count in counts.items():
            if kind == WINDOW and count:
                calls = f"{count} call{'s' if count > 1 else ''} of a window's function"
                result.warnings.append(f"{name}: {calls} that no packet asked for failed: {reason}")
            if kind in LOST and count:
                self._drop(f"{name}.{reason}", count)
            elif kind == "held":
                result.packets_held += count
        on_the_way = self._in_rings(workers)
        broken_off = on_the_way > 0 or any(worker.cut for worker in workers)
        self._written(workers)
        self._not_sent(workers)
        self._ports(workers)
        copies = 0
        for scope in self.graph.scopes:
            copies += self._nf(scope, counts, broken_off)
        made = result.packets_copied + result.packets_made
        if not broken_off and copies != made:
            _wrong(f"the NFs gave {copies} packets more than they got, and {made} were copied or made")
        return result

    def _in_rings(self, workers: list[Worker]) -> int:
        """Packets that were left in rings, as one that was to receive them failed: they are held."""
        left = sum(worker.context[W_RING_OUT] - worker.context[W_RING_IN] for worker in workers)
        if left and not any(worker.failed or worker.gave_up for worker in workers):
            _wrong(f"{left} packets are left between workers")
        self.result.packets_held += left
        return left

    def _worker(self, worker: Worker) -> dict[Key, int]:
        """Check the packets of one worker and add them."""
        result, context = self.result, worker.context
        received, copied, made = context[W_PACKETS_IN], context[W_COPIES], context[W_MADE]
        came, went = context[W_RING_IN], context[W_RING_OUT]
        counts = self.plan.counters.read(context.counters)
        if self.derive is not None:
            self.derive(counts, received)
        listed = self._listed(worker)
        kept = sum(count for (_, kind, _), count in counts.items() if kind in (*LOST, "held"))
        missing = received + copied + made + came - kept - listed - went
        if worker.cut and missing > 0:
            self._drop(f"{CHAIN}.interrupted", missing)
        elif missing:
            _wrong(
                f"{received} packets came in and {came} from other workers, {copied} were copied, {made} made: "
                f"{missing} are not accounted for"
            )
        if not worker.cut and counts[CHAIN, "out", ""] != listed:
            _wrong(f"{counts[CHAIN, 'out', '']} packets were to leave, the ports have had {listed}")
        result.packets_in += received
        result.packets_copied += copied
        result.packets_made += made
        result.bytes_in += context[W_BYTES_IN]
        result.bytes_out += context[W_BYTES_OUT]
        result.bytes_copied += context[W_COPIED]
        result.bytes_copied += sum(getattr(source, "bytes_copied", 0) for source in worker.sources)
        result.bytes_copied += sum(sink.bytes_copied for sink in worker.sinks.values())
        return counts

    def _listed(self, worker: Worker) -> int:
        """Packets that were put on the lists; those that no port took are dropped, by reason."""
        result, listed = self.result, 0
        for number, end in enumerate(self.ends):
            taken, waiting = worker.context.taken(number), worker.context.waiting(number)
            listed += taken + waiting
            if end.transmits:
                result.packets_out += taken
            else:
                reason = f"{CHAIN}.no_egress" if end.name == NOWHERE else f"{end.name}.receives_only"
                self._drop(reason, taken)
            if waiting and not (worker.failed or worker.gave_up):
                _wrong(f"{waiting} packets wait for the port {end.name}")
            self._drop(f"{end.name}.not_sent", waiting)
        return listed

    def _written(self, workers: list[Worker]) -> None:
        """What a file's sinks took but could not write was not sent."""
        for number, end in enumerate(self.ends):
            written = getattr(workers[0].sinks.get(number), "packets", None)
            if isinstance(written, int):
                taken = sum(worker.context.taken(number) for worker in workers)
                if taken != written and not any(worker.failed for worker in workers):
                    _wrong(f"{end.name} took {taken} packets and wrote {written}")
                self._drop(f"{end.name}.not_written", taken - written)
                self.result.packets_out -= taken - written

    def _not_sent(self, workers: list[Worker]) -> None:
        """What sinks of interfaces took and had no room for was dropped there."""
        for worker in workers:
            for number, sink in worker.sinks.items():
                for reason, (packets, size) in sink.dropped.items():
                    self._drop(f"{self.ends[number].name}.{reason}", packets)
                    self.result.packets_out -= packets
                    self.result.bytes_out -= size

    def _ports(self, workers: list[Worker]) -> None:
        """What each port brought and took, and what its other side counted."""
        for number, end in enumerate(self.ends):
            if end.port is not None:
                self.result.ports.append(port_totals(workers, number, end))

    def _nf(self, scope: Scope, counts: Sums[Key], broken_off: bool) -> int:
        """Add an NF's totals; the copies that must have been made in it (0 where it is part of another)."""
        nf, held = nf_totals(self.graph, scope, counts)
        self.result.nfs.append(nf)
        copies = nf.packets_out + nf.packets_dropped + held - nf.packets_in
        if copies < 0 and not broken_off:
            _wrong(f"the NF {scope.name} got {nf.packets_in} packets and gave {nf.packets_in + copies}")
        return 0 if scope.parent is not None else copies

    def _drop(self, key: str, count: int) -> None:
        if count:
            self.result.drops[key] = self.result.drops.get(key, 0) + count
            self.result.packets_dropped += count


def _wrong(what: str) -> NoReturn:
    raise AccountingError(what, cure="this is a defect of Wirebrick: report it with the NF and its input")
