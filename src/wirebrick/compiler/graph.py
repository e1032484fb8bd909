"""compile_graph: a graph as one native function."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from wirebrick.compiler.analyse import analyse
from wirebrick.compiler.emit.counts import Derive
from wirebrick.compiler.emit.fused import Fused
from wirebrick.compiler.native import load_source
from wirebrick.runtime.plan import Plan
from wirebrick.state.base import State
from wirebrick.stream.graph import Graph

# The first one that has a name gives it.
MODULES = (
    "wirebrick.compiler.support",
    "wirebrick.packet.checksum",
    "wirebrick.packet.edit",
    "wirebrick.packet.words",
    "wirebrick.packet.make",
    "wirebrick.state.flow_prefetch_native",
    "wirebrick.state.table_native",
    "wirebrick.state.timers_native",
    "wirebrick.state.table_sweep_native",
    "wirebrick.state.lock_native",
    "wirebrick.state.views_native",
)

# What only graphs with certain operators call.
MODULES_OF = {
    "shuffle": ("wirebrick.packet.flow_hash", "wirebrick.runtime.ring_native"),
    "duplicate": ("wirebrick.packet.made",),
    "hold": ("wirebrick.runtime.hold_native",),
    "window": (
        "wirebrick.state.reassembly_native",
        "wirebrick.state.reassembly_give_native",
        "wirebrick.state.reassembly_index_native",
    ),
    "remake": ("wirebrick.packet.made",),
    "packetize": ("wirebrick.packet.made", "wirebrick.state.rewrite_native"),
}

RESIZING = ("push", "pop", "packetize", "remake")  # operators that make packets longer or shorter


@dataclass
class Compiled:
    """A graph in native code."""

    process: int  # address of process(context)
    source: str
    compile_s: float
    states: list[State]
    scratch: int  # bytes
    keeps_lengths: bool  # no operator makes a packet longer or shorter
    derive: Derive  # completes the counters of a worker


def emit_graph(graph: Graph, plan: Plan, tapped: bool = False) -> tuple[str, Any, dict[Any, Any]]:
    """The text of the fused function, without compiling it. Raises CheckError."""
    shared, functions = analyse(graph, plan, tapped=tapped)
    fused = Fused(graph, plan, functions, shared)
    process = fused.text()
    return "\n\n\n".join([*shared.functions, process]), shared, functions


def compile_graph(graph: Graph, plan: Plan, tapped: bool = False) -> Compiled:
    """Check, emit and compile (or load from the cache) a graph. Raises CheckError.

    ``tapped``: so that packets can be watched; it works on the same memory, and can take the other's place.
    """
    start = time.perf_counter()
    source, shared, functions = emit_graph(graph, plan, tapped)
    kinds = {node.kind for node in graph.nodes}
    needed = [name for kind in MODULES_OF if kind in kinds for name in MODULES_OF[kind]]
    needed += ["wirebrick.runtime.tap_native"] if tapped else []
    modules = tuple(dict.fromkeys((*MODULES, *needed, *sorted(shared.modules))))
    process = load_source("graph", source, {"process": 1}, modules)["process"]
    return Compiled(
        process,
        source,
        time.perf_counter() - start,
        shared.states,
        shared.scratch_size,
        not any(node.kind in RESIZING for node in graph.nodes)
        and not any(found.function.emitter.resizes for found in functions.values()),
        Derive(graph, functions),
    )
