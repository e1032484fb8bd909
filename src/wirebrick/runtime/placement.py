"""Placement: which NF runs on which worker, and the rings between them.

>>> from wirebrick.nf.macswap import macswap
>>> from wirebrick.nf.ttl import ttl
>>> from wirebrick.stream.network_function import build_chain
>>> print(placement(build_chain([ttl, macswap.on(1)], spread=True), 2, spread=True))
worker 0    receives, runs ttl
worker 1    runs ttl, macswap
shuffle(flow)               0 > 1            1 ring, 1,024 packets each; full: wait
shuffle(flow, workers=[1])  0 > 1            1 ring, 1,024 packets each; full: wait
"""

from __future__ import annotations

from wirebrick.stream.graph import Graph, Input, Node
from wirebrick.stream.shuffle import Shuffle


def workers_of(graph: Graph, workers: int, *, spread: bool = False) -> dict[Node, frozenset[int]]:
    """The workers that each node of a complete graph may run on; ``spread``: one worker receives for all."""
    found: dict[Node, frozenset[int]] = {}
    behind: dict[Node, frozenset[int]] = {}
    everyone = frozenset(range(workers))
    for node in graph.nodes:
        if isinstance(node, Input):
            found[node] = frozenset({0}) if spread else everyone
        else:
            producers = [stream.producer for stream in node.inputs]
            found[node] = frozenset().union(*(behind[producer] for producer in producers if producer))
        behind[node] = found[node]
        if isinstance(node, Shuffle):
            behind[node] = everyone if node.queues is None else frozenset(q % workers for q in node.queues)
            if workers == 1:
                behind[node] = found[node]
    return found


def placement(graph: Graph, workers: int, *, spread: bool = False) -> str:
    """The plan of a run as text: a line for each worker, and one for each shuffle with its rings."""
    where = workers_of(graph, workers, spread=spread)
    lines = []
    for worker in range(workers):
        nfs = [
            scope.name
            for scope in graph.scopes
            if any(worker in where[node] for node in graph.nodes if node.scope is scope)
        ]
        parts = ["receives"] if worker in where[graph.nodes[0]] else []
        parts += [f"runs {', '.join(nfs)}"] if nfs else []
        lines.append(f"worker {worker:<4} {', '.join(parts) or 'idle'}")
    shuffles = [node for node in graph.nodes if isinstance(node, Shuffle)]
    width = max((len(node.label) for node in shuffles), default=0)
    for node in shuffles:
        sources = where[node]
        stream = node.outputs[0]
        targets = where[stream.consumer] if stream.consumer is not None else frozenset()
        if node.queues is not None:
            targets = frozenset(queue % workers for queue in node.queues)
        pairs = [(a, b) for a in sorted(sources) for b in sorted(targets) if a != b]
        shown = ", ".join(f"{a} > {b}" for a, b in pairs[:8]) + (", ..." if len(pairs) > 8 else "")
        count = f"{len(pairs)} ring{'' if len(pairs) == 1 else 's'}"
        what = f"{count}, {node.capacity:,} packets each; full: {node.full}" if pairs else "no ring"
        lines.append(f"{node.label:<{width}}  {shown or 'none':<15}  {what}")
    return "\n".join(lines)
