"""Counters that need no counting: what enters and leaves an NF follows from what was lost in it."""

from __future__ import annotations

from typing import Any

from wirebrick.runtime.plan import Key
from wirebrick.stream.graph import Enter, Exit, Graph, Input, Node, Scope
from wirebrick.stream.stream import Stream


def derivable(graph: Graph, functions: dict[Node, Any], node: Node) -> bool:
    """Whether the packets through the begin or end of an NF can be told from other counters."""
    if isinstance(node, Enter):
        return all(_derivable_stream(graph, functions, stream) for stream in node.inputs)
    scope = node.scope
    assert scope is not None
    if _copies(graph, functions, scope) or _moves(graph, scope):
        return False
    exits = [n for n in graph.nodes if isinstance(n, Exit) and n.scope is scope]
    enters = [n for n in graph.nodes if isinstance(n, Enter) and n.scope is scope]
    return len(exits) == 1 and all(derivable(graph, functions, enter) for enter in enters)


def _derivable_stream(graph: Graph, functions: dict[Node, Any], stream: Stream) -> bool:
    producer = stream.producer
    if isinstance(producer, Input):
        return True
    return isinstance(producer, Exit) and derivable(graph, functions, producer)


def _copies(graph: Graph, functions: dict[Node, Any], scope: Scope) -> bool:
    inside = {scope, *_nested(graph, scope)}
    return any(
        node.scope in inside and facts is not None and (facts.facts.copies or facts.facts.makes)
        for node, facts in functions.items()
    )


def _moves(graph: Graph, scope: Scope) -> bool:
    """Whether packets may leave the NF in another worker than they came in, or be made in it."""
    inside = {scope, *_nested(graph, scope)}
    return any(
        node.scope in inside and node.kind in ("shuffle", "packetize", "remake", "duplicate")
        for node in graph.nodes
    )


def _nested(graph: Graph, scope: Scope) -> list[Scope]:
    found = []
    for other in graph.scopes:
        parent = other.parent
        while parent is not None:
            if parent is scope:
                found.append(other)
            parent = parent.parent
    return found


class Derive:
    """Fills in the counts that compiled code leaves out."""

    def __init__(self, graph: Graph, functions: dict[Node, Any]) -> None:
        self.graph = graph
        self.nodes = [
            node
            for node in graph.nodes
            if isinstance(node, Enter | Exit) and derivable(graph, functions, node)
        ]

    def __call__(self, counts: dict[Key, int], received: int) -> None:
        """Complete ``counts`` of one worker that received so many packets."""
        through: dict[Node, int] = {}
        for node in self.nodes:
            scope = node.scope
            assert scope is not None
            if isinstance(node, Enter):
                producers = [stream.producer for stream in node.inputs]
                passed = sum(received if isinstance(p, Input) else through[p] for p in producers if p)
                key = (scope.name, "in", "")
            else:
                entered = sum(through[n] for n in self.nodes if isinstance(n, Enter) and n.scope is scope)
                names = {scope.name, *(nested.name for nested in _nested(self.graph, scope))}
                passed = entered - sum(
                    value
                    for (name, kind, _), value in counts.items()
                    if name in names and kind in ("drop", "fault", "sent", "held")
                )
                key = (scope.name, "out", "")
            through[node] = passed
            counts[key] = counts.get(key, 0) + passed
