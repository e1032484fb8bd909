"""The user functions of a graph, checked and emitted: what compiler, interpreter and ``check`` start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wirebrick.compiler.front.emitter import Rights
from wirebrick.compiler.front.events import event_rights
from wirebrick.compiler.front.functions import Function, emit_user_function
from wirebrick.compiler.front.shared import Facts, Shared
from wirebrick.compiler.front.unit import Unit
from wirebrick.compiler.front.windows import window_rights
from wirebrick.runtime.plan import Plan, scope_name
from wirebrick.state.timers import Timers
from wirebrick.stream.duplicate import Duplicate
from wirebrick.stream.events import events_of
from wirebrick.stream.filter import Filter
from wirebrick.stream.graph import Graph, Node, Slot
from wirebrick.stream.group_by import GroupBy
from wirebrick.stream.hold import Hold
from wirebrick.stream.map import Map
from wirebrick.stream.metadata import Metadata
from wirebrick.stream.packetize import Packetize
from wirebrick.stream.push import Push
from wirebrick.stream.remake import Remake
from wirebrick.stream.shuffle import Shuffle
from wirebrick.stream.transform import Transform
from wirebrick.stream.window import Window


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
    if isinstance(node, Filter | Duplicate):
        return Rights(node.kind, result="bool")
    if isinstance(node, GroupBy):
        return Rights("group_by", result="group")
    if isinstance(node, Metadata):
        return Rights("metadata", result="record")
    if isinstance(node, Shuffle):
        return Rights("shuffle", result="number")
    if isinstance(node, Hold):
        return Rights("hold", end=True, result="time")
    if isinstance(node, Window):
        return window_rights(node)
    return Rights(node.kind, write=True, checksums=isinstance(node, Packetize))


def analyse(
    graph: Graph, plan: Plan, interpreted: bool = False, tapped: bool = False
) -> tuple[Shared, dict[Any, Any]]:
    """Check and emit every user function of a graph: by its operator, or its event. Raises CheckError."""
    shared = Shared(plan, interpreted, tapped)
    functions: dict[Any, Any] = {}
    for node in graph.nodes:
        function = getattr(node, "function", None)
        if isinstance(node, Window | Packetize | Remake):
            shared.state_number(node.state)
        if function is None:
            continue
        stream = node.inputs[0]
        unit = Unit(shared, scope_name(node), stream.schema, node.scope)
        if isinstance(node, Window) and node.maker is not None:
            unit.stream_block = f"t{shared.state_number(node.maker.state)}"
        stack = (*stream.stack, node.slot) if isinstance(node, Push) else stream.stack
        groups = len(node.outputs) if isinstance(node, GroupBy) else 0
        if isinstance(node, Shuffle):
            groups = len(node.queues or ())
        schema = node.schema if isinstance(node, Metadata | Window) else None
        emitted = emit_user_function(unit, function, rights_of(node), stack, groups, schema)
        functions[node] = Analysed(emitted, unit.facts(), list(unit.wrote_log))
        for reason in functions[node].facts.reasons:
            plan.counters.number(scope_name(node), "drop", reason)
    _analyse_events(graph, shared, functions)
    return shared, functions


def _analyse_events(graph: Graph, shared: Shared, functions: dict[Any, Any]) -> None:
    """The functions that events call in the workers."""
    events = events_of(graph, "worker")
    for event in events:
        unit = Unit(shared, event.scope.name, None, event.scope)
        emitted = emit_user_function(unit, event.function, event_rights(event), ())
        functions[event] = Analysed(emitted, unit.facts(), [])
    if events:
        shared.timers = Timers(events, any(functions[event].facts.makes for event in events))
        shared.state_number(shared.timers)
