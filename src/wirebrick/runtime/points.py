"""Points: the places of a running graph where packets can be watched, by name.

=============== =====================================================================================
name            packets that
=============== =====================================================================================
``PORT:rx``     were received from a port (and passed the run's filter)
``PORT:tx``     were put on a port's list, to be transmitted
``NF:in``       enter an NF, ``NF:out``: leave it, those it sends to a port included
``NF:drop``     are dropped in an NF, for whatever reason; faults are drops, too
``NF.REASON``   are dropped with a reason
``drop``        are dropped, wherever
=============== =====================================================================================

A point stands for counters: what they count passes it. The bytes are those there are at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wirebrick.errors import ParameterError
from wirebrick.ports.suggest import did_you_mean
from wirebrick.runtime.endpoints import Endpoint
from wirebrick.runtime.plan import CHAIN, LOST, Plan
from wirebrick.stream.graph import Graph, within


@dataclass(frozen=True)
class Point:
    """Counters by number, and ports by number, whose packets pass it."""

    name: str
    counters: tuple[int, ...] = ()
    receiving: tuple[int, ...] = ()
    transmitting: tuple[int, ...] = ()


def points_of(graph: Graph, plan: Plan, ends: Sequence[Endpoint]) -> dict[str, Point]:
    """All points of a run by name: in the order packets pass them, then the drops."""
    numbers = {key: number for number, key in enumerate(plan.counters.keys)}
    ports = [(number, end) for number, end in enumerate(ends) if end.port is not None]
    found = [Point(f"{end.name}:rx", receiving=(number,)) for number, end in ports if end.receives]
    drops = []
    for scope in graph.scopes:
        names = {other.name for other in graph.scopes if scope in within(other)}
        sent = [number for (name, kind, _), number in numbers.items() if name in names and kind == "sent"]
        lost = [number for (name, kind, _), number in numbers.items() if name in names and kind in LOST]
        found.append(Point(f"{scope.name}:in", (numbers[scope.name, "in", ""],)))
        found.append(Point(f"{scope.name}:out", (numbers[scope.name, "out", ""], *sent)))
        drops.append(Point(f"{scope.name}:drop", tuple(lost)))
    found += [Point(f"{end.name}:tx", transmitting=(number,)) for number, end in ports if end.transmits]
    every = [number for (_, kind, _), number in numbers.items() if kind in LOST]
    drops.append(Point("drop", tuple(every)))
    for (name, kind, reason), number in numbers.items():
        if kind in LOST and name != CHAIN:
            drops.append(Point(f"{name}.{reason}", (number,)))
    return {point.name: point for point in [*found, *drops]}


def find_point(points: dict[str, Point], name: str) -> Point:
    """The point of a name. Raises ParameterError."""
    if name not in points:
        raise ParameterError(
            f"there is no point {name!r} in this run",
            cure=did_you_mean(name, [one for one in points if ".fault_" not in one]),
        )
    return points[name]
