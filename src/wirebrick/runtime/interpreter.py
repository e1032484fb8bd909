"""The interpreter: a graph in plain CPython, packet by packet. It specifies what compiled code does."""

from __future__ import annotations

from bdb import BdbQuit
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wirebrick.headers.header import Header
from wirebrick.packet.body import Fate as Ending
from wirebrick.packet.faults import REASONS, code_of
from wirebrick.packet.frame import (
    FINISH,
    LIST_HEAD,
    NO_PORT,
    W_COUNT,
    W_COUNTERS,
    W_EGRESS,
    W_ENTRY,
    W_FUEL,
    W_FUEL_LEFT,
    W_LISTS,
    W_NOW,
    W_USED,
)
from wirebrick.packet.memory import load64, store32, store64
from wirebrick.packet.packet import Packet
from wirebrick.runtime.hold_native import NEVER
from wirebrick.runtime.holding import Turns
from wirebrick.runtime.operators import Done, On, Setting, operator_of
from wirebrick.runtime.plan import CHAIN, COPY_LOST, Plan, scope_name
from wirebrick.runtime.shuffling import entry_number
from wirebrick.runtime.spill import Spill
from wirebrick.runtime.tap_native import tap, tap_listed, tap_received
from wirebrick.runtime.tap_ring import TapTable
from wirebrick.runtime.trace import Fate, Observer
from wirebrick.runtime.worker_events import Way, WorkerEvents
from wirebrick.state.around import viewing
from wirebrick.state.base import State, worker
from wirebrick.state.timers import Timers
from wirebrick.stream.graph import Enter, Exit, Graph, Node
from wirebrick.stream.hold import Hold
from wirebrick.stream.shuffle import Shuffle
from wirebrick.stream.stream import Stream

Function = Callable[..., Any]


def _unchanged(function: Function) -> Function:
    return function


class Interpreter:
    """Runs a complete graph on the bursts of one worker.

    ``prepare`` gives what is called in the place of a user function (one with fuel in its loops);
    ``own_checksums`` the headers whose checksums a node's or event's function stores itself; ``observer`` is
    told of every step; ``timers`` is the state of the graph's events, or None: none are called; ``states``:
    all state objects. Exceptions of user functions are faults; KeyboardInterrupt, SystemExit and a debugger's
    quit go through.
    """

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        *,
        prepare: Callable[[Function], Function] = _unchanged,
        own_checksums: Mapping[Any, frozenset[type[Header]]] | None = None,
        observer: Observer | None = None,
        timers: Timers | None = None,
        states: Sequence[State] = (),
    ) -> None:
        self.plan = plan
        self._viewed = [state for state in states if state.viewed]
        self.observer = observer
        self.taps: TapTable | None = None
        self._watched: TapTable | None = None  # as it was when the burst began: another thread sets the other
        self._input = next(node for node in graph.nodes if not node.inputs)
        own = own_checksums or {}
        setting = Setting(graph, plan, self._count)
        self._windowings = setting.windowings
        self._operators = {}
        for node in graph.nodes:
            function = getattr(node, "function", None)
            prepared = prepare(function) if function is not None else None
            self._operators[node] = operator_of(node, prepared, own.get(node, frozenset()), setting)
        self._entries = {
            entry_number(graph, node): (node.outputs[0], Spill(graph, node.outputs[0]))
            for node in graph.nodes
            if isinstance(node, Shuffle | Hold)
        }
        self._events: WorkerEvents | None = None
        if timers is not None:
            functions = [prepare(event.function) for event in timers.events]
            way = Way(plan, self._pass, self._transmit)
            self._events = WorkerEvents(timers, functions, [own[event] for event in timers.events], way)
        self._context = 0
        self._node = self._input

    def process(self, context: int) -> int:
        """Run the packets of the burst through the graph, each to its end, in order; at the end: whether to go on."""
        self._watched = taps = self.taps
        if taps is not None:
            tap_received(context, taps.address)
        with viewing(self._viewed, context):
            again = self._process(context)
        if taps is not None:
            tap_listed(context, taps.address)
        return again

    def _process(self, context: int) -> int:
        self._context = context
        count = load64(context + W_COUNT)
        store64(context + W_USED, count)
        if self._events is not None:
            self._events.begin(context)
        turns = Turns(context)
        for position, label, brought in turns:
            packet = Packet(context, position, self.plan.ports, self)
            if self._events is not None:
                self._events.before(context, packet.timestamp)
            if label == 0:
                self._run(packet, self._input.outputs[0], self._input)
            else:
                stream, spill = self._entries[label]
                spill.read(packet, brought)
                self._run(packet, stream, stream.consumer)
        if self._windowings and count:
            store64(context + W_NOW, max(load64(context + W_NOW), packet.timestamp))
        due = NEVER
        if self._events is not None:
            due = self._events.end(context, turns.complete)
        turns.settle(due)
        if load64(context + W_ENTRY) == FINISH and not turns.again:
            for windowing in self._windowings:
                windowing.finish(context)
        return turns.again

    def end_copy(self, copy: Packet, fate: Ending) -> None:
        """Send or drop a copy that a user function made."""
        kind, detail = fate
        if kind == "send":
            self._send(copy, self.plan.port(detail))
        else:
            self._pass(copy, scope_name(self._node), "drop", detail)

    def _run(self, packet: Packet, stream: Stream, node: Node | None) -> None:
        """One packet from ``node`` on, which it comes to by ``stream``, and then those made on its way."""
        worker.now = packet.timestamp
        made: list[tuple[Packet, Stream]] = []
        while node is not None:
            outcome = self._step(node, packet, stream)
            fate = self._settle(node, packet, outcome)
            if self.observer is not None:
                self.observer.step(node, packet, fate)
            if isinstance(outcome, Done):
                break
            # Those of a later maker go first: they stand right behind this packet in their stream.
            made = [*((other, outcome.follow or outcome.stream) for other in outcome.made), *made]
            stream = outcome.stream
            node = stream.consumer
        for other, begin in made:
            self._run(other, begin, begin.consumer)

    def _step(self, node: Node, packet: Packet, stream: Stream) -> On | Done:
        """One operator."""
        self._node = node
        store64(self._context + W_FUEL_LEFT, load64(self._context + W_FUEL))
        packet._begin(False, False, frozenset())
        try:
            outcome: On | Done = self._operators[node](packet, stream)
        except BdbQuit:
            raise
        except Exception as error:
            outcome = Done("fault", REASONS[code_of(error)], error)
        else:
            if packet._fate is not None:
                outcome = Done(*packet._fate)
        for copy in packet._copies:
            if copy._fate is None:
                copy.drop(COPY_LOST)
        return outcome

    def _settle(self, node: Node, packet: Packet, outcome: On | Done) -> Fate:
        """Count, and put what leaves on a port's list."""
        scope = scope_name(node)
        if isinstance(outcome, On):
            if isinstance(node, Enter | Exit):
                self._pass(packet, scope, "in" if isinstance(node, Enter) else "out")
            return Fate("on", ": ".join(filter(None, (outcome.stream.role, outcome.note))))
        if outcome.kind == "send":
            self._send(packet, self.plan.port(outcome.detail, node))
            return Fate("sent", outcome.detail)
        if outcome.kind in ("moved", "held"):
            return Fate(outcome.kind)
        if outcome.kind == "out":
            port = packet._descriptor.egress
            if port == NO_PORT:
                port = load64(load64(self._context + W_EGRESS) + 8 * packet._descriptor.ingress)
            self._transmit(packet, port)
            return Fate("out", self.plan.ports[port])
        self._pass(packet, scope, outcome.kind, outcome.detail)
        return Fate(outcome.kind, outcome.detail, outcome.error)

    def _send(self, packet: Packet, port: int) -> None:
        self._pass(packet, scope_name(self._node), "sent")
        self._transmit(packet, port)

    def _transmit(self, packet: Packet, port: int) -> None:
        self._count(CHAIN, "out")
        listed = load64(load64(self._context + W_LISTS) + 8 * port)
        count = load64(listed)
        store32(listed + LIST_HEAD + 4 * count, packet._position)
        store64(listed, count + 1)

    def _pass(self, packet: Packet, scope: str, kind: str, reason: str = "") -> None:
        """A packet passes a counter, and whoever watches there."""
        self._count(scope, kind, reason)
        if self._watched is not None:
            number = self.plan.counters.number(scope, kind, reason)
            tap(self._watched.address, packet._descriptor.at, number)

    def _count(self, scope: str, kind: str, reason: str = "") -> None:
        at = load64(self._context + W_COUNTERS) + 8 * self.plan.counters.number(scope, kind, reason)
        store64(at, load64(at) + 1)
