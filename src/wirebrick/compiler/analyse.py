"""The user functions of a graph, checked and emitted: what compiler, interpreter and ``check`` start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wirebrick.compiler.front.emitter import Rights
from wirebrick.compiler.front.functions import Function, emit_user_function
from wirebrick.compiler.front.shared import Facts, Shared
from wirebrick.compiler.front.unit import Unit
from wirebrick.runtime.plan import Plan, scope_name
from wirebrick.stream.filter import Filter
from wirebrick.stream.graph import Graph, Node, Slot
from wirebrick.stream.group_by import GroupBy
from wirebrick.stream.map import Map
from wirebrick.stream.metadata import Metadata
from wirebrick.stream.push import Push
from wirebrick.stream.transform import Transform


@dataclass
class Analysed:
    """A user function: its code, what it reads, writes and uses, which parsed headers it may change."""

    function: Function
    facts: Facts
    wrote: list[tuple[Slot | None, str]]

    @property
    def ports(self) -> set[str]:
        """The ports that it sends to by name."""
        return self.facts.ports


def rights_of(node: Node) -> Rights:
    """What the function of an operator may do."""
    if isinstance(node, Transform):
        return Rights("transform", write=True, end=True, copy=True, checksums=node.checksums)
    if isinstance(node, Map):
        return Rights("map")
    if isinstance(node, Filter):
        return Rights("filter", result="bool")
    if isinstance(node, GroupBy):
        return Rights("group_by", result="group")
    if isinstance(node, Metadata):
        return Rights("metadata", result="record")
    return Rights("push", write=True, checksums=False)


def analyse(graph: Graph, plan: Plan, interpreted: bool = False) -> tuple[Shared, dict[Node, Any]]:
    """Check and emit every user function of a graph. Raises CheckError."""
    shared = Shared(plan, interpreted)
    functions: dict[Node, Any] = {}
    for node in graph.nodes:
        function = getattr(node, "function", None)
        if function is None:
            continue
        stream = node.inputs[0]
        unit = Unit(shared, scope_name(node), stream.schema)
        stack = (*stream.stack, node.slot) if isinstance(node, Push) else stream.stack
        groups = len(node.outputs) if isinstance(node, GroupBy) else 0
        schema = node.schema if isinstance(node, Metadata) else None
        emitted = emit_user_function(unit, function, rights_of(node), stack, groups, schema)
        functions[node] = Analysed(emitted, unit.facts(), list(unit.wrote_log))
        for reason in functions[node].facts.reasons:
            plan.counters.number(scope_name(node), "drop", reason)
    return shared, functions
