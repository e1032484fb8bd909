"""check_graph: the isolation check, and the footprint of each NF: least privilege made visible."""

from __future__ import annotations

from dataclasses import dataclass, field

from wirebrick.compiler.analyse import analyse
from wirebrick.runtime.plan import build_plan
from wirebrick.stream.drop import Drop
from wirebrick.stream.filter import ExpressionFilter, Filter
from wirebrick.stream.graph import Graph
from wirebrick.stream.parse import Parse
from wirebrick.stream.pop import Pop
from wirebrick.stream.push import Push
from wirebrick.stream.send import Send


@dataclass
class Footprint:
    """What an NF reads, writes and does."""

    nf: str
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    can_drop: bool = False
    can_send: bool = False
    can_copy: bool = False
    can_make: bool = False
    operators: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def check_graph(graph: Graph, ports: list[str]) -> list[Footprint]:
    """Check every user function; the footprint of each NF in the order of the chain. Raises CheckError.

    ``ports``: the names that the run will have.
    """
    others = [1 if number == 0 and len(ports) > 1 else 0 for number in range(len(ports))]
    plan = build_plan(graph, ports, others)
    _, functions = analyse(graph, plan)
    footprints = []
    for scope in graph.scopes:
        found = Footprint(scope.name, remarks=list(scope.remarks))
        reads, writes, state, names = set[str](), set[str](), set[str](), set[str]()
        operators = [node for node in graph.operators() if node.scope is scope]
        for node in (*operators, *scope.events):
            found.operators.append(node.label)
            if isinstance(node, Filter | ExpressionFilter | Drop):
                found.reasons.append(node.reason)
            if isinstance(node, Parse) and node.otherwise == "drop":
                found.reasons += node.reasons()
            if isinstance(node, ExpressionFilter):
                reads.add("frame")
            if isinstance(node, Send):
                names.add(node.port)
            if isinstance(node, Push | Pop):
                writes.add(f"{node.slot.header.__name__} ({node.kind})")
            facts = functions[node].facts if node in functions else None
            if facts is not None:
                reads |= facts.reads
                writes |= facts.writes
                state |= facts.state
                names |= facts.ports
                found.reasons += facts.reasons
                found.can_copy |= facts.copies
                found.can_make |= facts.makes
        found.reads, found.writes, found.state = sorted(reads), sorted(writes), sorted(state)
        found.ports = sorted(names)
        found.reasons = list(dict.fromkeys(found.reasons))
        found.can_drop = bool(found.reasons)
        found.can_send = bool(names)
        footprints.append(found)
    return footprints
