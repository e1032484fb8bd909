"""hold in the interpreter: into the worker's queue, or on at once; and the order in which packets have their turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wirebrick.packet.frame import (
    ASIDE,
    D_TIME,
    DESCRIPTOR,
    FINISH,
    W_BURST,
    W_BURST_SIZE,
    W_COUNT,
    W_DUE,
    W_ENTRY,
    W_HOLDS,
    W_NOW,
    W_SPILL,
    W_SPILL_SIZE,
    W_STOP,
    W_USED,
)
from wirebrick.packet.memory import load64, store64
from wirebrick.packet.packet import Packet
from wirebrick.runtime import hold_native as native
from wirebrick.runtime.plan import HoldPlan, Plan, scope_name
from wirebrick.runtime.shuffling import entry_number
from wirebrick.runtime.spill import Spill, spill_size
from wirebrick.stream.graph import Graph
from wirebrick.stream.hold import Hold


def holds_of(graph: Graph) -> list[Hold]:
    """The holds of a graph, by number."""
    return [node for node in graph.nodes if isinstance(node, Hold)]


def hold_plans(graph: Graph, plan: Plan) -> list[HoldPlan]:
    """What the queue of each hold of a complete graph needs."""
    return [
        HoldPlan(
            entry_number(graph, node),
            spill_size(graph, node.inputs[0].stack, node.inputs[0].schema),
            node.capacity,
            plan.counters.number(scope_name(node), "held"),
        )
        for node in holds_of(graph)
    ]


class Holding:
    """One hold, interpreted; ``function`` is its user function, prepared."""

    def __init__(self, graph: Graph, node: Hold, function: Callable[..., Any]) -> None:
        self._spill = Spill(graph, node.outputs[0])
        self._function = function
        self._number = holds_of(graph).index(node)

    def held(self, packet: Packet) -> bool | None:
        """Whether the packet waits; None: there is no room for it."""
        context = packet._context
        packet._begin(True, False, frozenset())
        time = self._function(packet)
        if time is None or packet._fate is not None:
            return False
        until = min(max(int(time), 0), native.LATEST)
        if until <= load64(context + W_NOW):
            return False
        holds = load64(context + W_HOLDS)
        queue = native.hold_queue(holds, self._number)
        slot = native.hold_reserve(queue)
        if slot == 0:
            return None
        native.hold_put(context, holds, queue, slot, packet._position, until)
        self._spill.write(packet, slot + DESCRIPTOR)
        return True


class Turns:
    """The packets that have their turn in a burst, each before the next is asked for.

    Gives positions, the number under which each goes on (0: at the beginning), and where what is known of it is
    written. ``complete`` says afterwards that nothing is due any more, ``again`` that there may be more at the end.
    """

    def __init__(self, context: int) -> None:
        self._context = context
        self.complete = True
        self.again = 0

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        context = self._context
        entry = load64(context + W_ENTRY)
        holds = load64(context + W_HOLDS)
        if holds == 0:
            for position in range(load64(context + W_COUNT)):
                yield position, entry, self._brought(position)
            return
        finishing = entry >= FINISH and load64(context + W_STOP) == 0
        behind = entry if ASIDE < entry < FINISH else 0
        count, most = load64(context + W_COUNT), load64(context + W_BURST_SIZE)
        turn = taken = 0
        while True:
            if turn < count:
                until = load64(load64(context + W_BURST) + turn * DESCRIPTOR + D_TIME)
            elif finishing:
                until = native.hold_last(holds, entry - FINISH)
            else:
                until = -1 if count or entry >= FINISH else load64(context + W_NOW)
            queue = native.hold_next(holds, behind, until)
            if queue:
                if taken == most:
                    if turn < count:
                        native.hold_set_aside(context, turn, entry)
                    self.complete = False
                    break
                taken += 1
                position = load64(context + W_USED)
                brought = native.hold_take(context, holds, queue)
                self._clock(position)
                yield position, load64(holds + native.H_LABEL), brought
            elif turn < count:
                self._clock(turn)
                yield turn, behind, self._brought(turn)
                turn += 1
            else:
                break
        self.again = int(finishing and taken > 0)

    def settle(self, due: int) -> None:
        """At the end: when the worker has to look again, at the latest at ``due``."""
        holds = load64(self._context + W_HOLDS)
        if holds:
            store64(self._context + W_DUE, min(due, load64(holds + native.H_DUE)))

    def _clock(self, position: int) -> None:
        context = self._context
        time = load64(load64(context + W_BURST) + position * DESCRIPTOR + D_TIME)
        store64(context + W_NOW, max(time, load64(context + W_NOW)))

    def _brought(self, position: int) -> int:
        return load64(self._context + W_SPILL) + position * load64(self._context + W_SPILL_SIZE)
