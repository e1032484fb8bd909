"""Sums: what the counters of all workers say of a port or an NF, at the end of a run or on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wirebrick.runtime.endpoints import Endpoint
from wirebrick.runtime.plan import Key
from wirebrick.runtime.result import NFTotals, PortTotals
from wirebrick.runtime.worker import Worker
from wirebrick.stream.graph import Graph, Scope, within


def port_totals(workers: Sequence[Worker], number: int, end: Endpoint) -> PortTotals:
    """What port ``number`` brought and took, and what its other side counted."""
    assert end.port is not None
    came = [
        worker.context.received(entry)
        for worker in workers
        for entry, port in enumerate(worker.receiving)
        if port == number
    ]
    lost = [
        drop for worker in workers if number in worker.sinks for drop in worker.sinks[number].dropped.values()
    ]
    taken = sum(worker.context.taken(number) for worker in workers) if end.transmits else 0
    return PortTotals(
        name=end.name,
        port=end.port.spec,
        packets_in=sum(packets for packets, _ in came),
        bytes_in=sum(size for _, size in came),
        packets_out=taken - sum(packets for packets, _ in lost),
        bytes_out=sum(worker.context.sent_bytes(number) for worker in workers)
        - sum(size for _, size in lost),
        statistics=dict(end.port.statistics),
    )


def nf_totals(graph: Graph, scope: Scope, counts: Mapping[Key, int]) -> tuple[NFTotals, int]:
    """An NF's packets, those of its parts included; and how many it holds."""
    names = {other.name for other in graph.scopes if scope in within(other)}
    sums = dict.fromkeys(("sent", "held", "fault", "drop"), 0)
    for (name, kind, _), count in counts.items():
        if name in names and kind in sums:
            sums[kind] += count
    nf = NFTotals(
        name=scope.name,
        packets_in=counts.get((scope.name, "in", ""), 0),
        packets_out=counts.get((scope.name, "out", ""), 0) + sums["sent"],
        packets_dropped=sums["drop"] + sums["fault"],
        faults=sums["fault"],
    )
    return nf, sums["held"]
