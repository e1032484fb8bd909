"""Program: a graph made ready to run, as native code or for the interpreter, with the memory of its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wirebrick.runtime.events import make_packets
from wirebrick.runtime.holding import hold_plans
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.mempool import COPIES, MADE
from wirebrick.runtime.plan import HoldPlan, Key, Plan, ShufflePlan
from wirebrick.runtime.shuffling import shuffle_plans
from wirebrick.runtime.trace import Observer
from wirebrick.state.base import State
from wirebrick.stream.graph import Graph


@dataclass
class Program:
    """What workers run: native code at ``process``, or where that is 0, each an ``interpreter()``."""

    states: list[State]  # in the order of the W_STATES table
    scratch: int  # bytes of scratch memory a worker needs
    interpreter: Callable[[], Interpreter | None]
    process: int = 0
    tapped: Callable[[], int] = lambda: 0  # compiles the same so that packets can be watched
    source: str = ""  # the text of the native code, to be read
    compile_s: float = 0.0
    keeps_lengths: bool = False  # no packet is longer or shorter when it leaves
    derive: Callable[[dict[Key, int], int], None] | None = None  # completes the counters of a worker
    shuffles: list[ShufflePlan] = field(default_factory=list)
    holds: list[HoldPlan] = field(default_factory=list)
    room: int = COPIES  # positions of a burst: so many times the packets received
    finishes: bool = (
        False  # windows and holds give up what they have at the end: process is called with FINISH
    )


def make_program(
    graph: Graph, plan: Plan, workers: int, *, interpret: bool, live: bool, observer: Observer | None = None
) -> Program:
    """Check the user functions, compile or prepare them, allocate state. Raises CheckError, GraphError."""
    # Imported here: what is only listed or described needs no compiler, what is interpreted not all of it.
    if interpret:
        from wirebrick.compiler.interpret import prepare_graph

        prepared = prepare_graph(graph, plan)
        program = Program(prepared.states, prepared.scratch, lambda: prepared.interpreter(observer))
    else:
        from wirebrick.compiler.graph import compile_graph

        compiled = compile_graph(graph, plan)
        program = Program(
            compiled.states,
            compiled.scratch,
            lambda: None,
            compiled.process,
            lambda: compile_graph(graph, plan, tapped=True).process,
            compiled.source,
            compiled.compile_s,
            compiled.keeps_lengths,
            compiled.derive,
        )
    kinds = {node.kind for node in graph.nodes}
    program.shuffles = shuffle_plans(graph)
    program.holds = hold_plans(graph, plan)
    program.finishes = "window" in kinds or bool(program.holds)
    if kinds & {"packetize", "remake", "duplicate"} or make_packets(program.states):
        program.room = MADE
    program.room = max(program.room, 1 + max((scope.copies for scope in graph.scopes), default=1))
    if program.holds:  # as many packets as come in may go on beside them, of other lengths
        program.room *= 2
        program.keeps_lengths = False
    # In the order they were made: some point at others that were made before.
    for state in dict.fromkeys([*(s for scope in graph.scopes for s in scope.states), *program.states]):
        state.packets_wait = not live
        state.port_names = tuple(plan.ports)
        state.allocate(workers)
    return program
