"""Plan: what a graph needs to run: the ports by number, and a number for each counter.

Kinds of counters, each a 64-bit count in the worker's memory at ``W_COUNTERS + 8 * number``:

========= ============ ==========================================================================
kind      reason       packets that
========= ============ ==========================================================================
``in``                 entered the NF
``sent``               were put on a port's list by ``send`` inside the NF (copies too)
``out``                left the NF by its output
``drop``  a reason     were dropped in it
``fault`` a reason     were dropped in it because its code failed
``held``               are kept in it
``window`` a reason    none: calls of windows' functions that no packet asked for and that failed
========= ============ ==========================================================================

What belongs to no NF is counted under ``chain``, and ``chain out`` counts all packets put on a port's list,
those of ``send`` included: packets in + copies = ``chain out`` + all drops + all faults + held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wirebrick.errors import AccountingError, GraphError
from wirebrick.packet.faults import REASONS
from wirebrick.packet.memory import load64
from wirebrick.state.rewrite_layout import REASONS as REFUSED
from wirebrick.stream.drop import Drop
from wirebrick.stream.filter import ExpressionFilter, Filter
from wirebrick.stream.graph import Graph, Node
from wirebrick.stream.hold import Hold
from wirebrick.stream.parse import Parse
from wirebrick.stream.remake import Remake
from wirebrick.stream.send import Send
from wirebrick.stream.shuffle import FULL, Shuffle

CHAIN = "chain"
WINDOW = "window"
LOST = ("drop", "fault")  # kinds of counters of packets that end there
COPY_LOST = "copy_lost"
MADE_LOST = "made_lost"
SPARE = 64

Key = tuple[str, str, str]  # NF, kind, reason (or an empty text)


class Counters:
    """Numbers for counters, given out in the order in which they are first asked for.

    >>> counters = Counters()
    >>> counters.number("ttl", "in"), counters.number("ttl", "drop", "expired"), counters.number("ttl", "in")
    (0, 1, 0)
    >>> counters.keys
    [('ttl', 'in', ''), ('ttl', 'drop', 'expired')]
    """

    def __init__(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._room: int | None = None

    def number(self, scope: str, kind: str, reason: str = "") -> int:
        """The number of a counter. Raises AccountingError for one too many after ``room`` was asked for."""
        key = scope, kind, reason
        known = self._numbers.get(key)
        if known is None:
            known = len(self._numbers)
            if self._room is not None and known >= self._room:
                raise AccountingError(f"there is no counter left for {scope}.{reason or kind}")
            self._numbers[key] = known
        return known

    @property
    def keys(self) -> list[Key]:
        """All counters, by number."""
        return list(self._numbers)

    @property
    def room(self) -> int:
        """How many 64-bit words a worker needs for them: some are spare, for reasons first seen in a run."""
        if self._room is None:
            self._room = len(self._numbers) + SPARE
        return self._room

    def read(self, address: int) -> dict[Key, int]:
        """The counts of the worker whose counters are at ``address``."""
        # A list: interpreted workers may meet a new reason meanwhile.
        return {key: load64(address + 8 * number) for key, number in list(self._numbers.items())}


@dataclass(frozen=True)
class ShufflePlan:
    """What the rings of a shuffle need: one ring from each worker to each other."""

    number: int  # its place in the W_RINGS table: 0, 1, ... in the order of ``node``
    node: int  # its number among the graph's nodes, more than 0: W_ENTRY of the packets that come out of its rings
    spill: int  # bytes that a packet brings along
    waits: bool = True  # workers receive only while there is room for a burst; or: what finds none is dropped
    capacity: int = 1024  # packets a ring holds, a power of two; each gets room for a whole burst at least


@dataclass(frozen=True)
class HoldPlan:
    """What the queue of a hold needs, in each worker."""

    label: int  # the number under which its packets go on
    spill: int  # bytes that a packet keeps beside its frame
    capacity: int  # packets
    counter: int  # number of the counter of packets that it holds


@dataclass
class Plan:
    """What interpreter and compiler share about a graph."""

    ports: list[str]  # names, by number
    default_egress: list[int]  # for each ingress port's number, where its packets leave
    counters: Counters = field(default_factory=Counters)

    def port(self, name: str, node: Node | None = None) -> int:
        """The number of a port. Raises GraphError for a name that the run doesn't have."""
        if name not in self.ports:
            raise GraphError(
                f"there is no port named {name!r} in this run",
                place=node.place if node else None,
                cure=f"the ports are {', '.join(self.ports) or 'none'}",
            )
        return self.ports.index(name)


def scope_name(node: Node) -> str:
    """What a node's counters are filed under: its NF, or ``chain``."""
    return node.scope.name if node.scope else CHAIN


def build_plan(
    graph: Graph,
    ports: list[str],
    default_egress: list[int],
    reasons: Mapping[Node, tuple[str, ...]] | None = None,
) -> Plan:
    """List the counters of ``graph`` in its order; ``reasons``: those that user functions drop with.

    Raises GraphError where the graph sends to a port that is not among ``ports``.
    """
    plan = Plan(ports, default_egress)
    given = reasons or {}
    for name in dict.fromkeys([*(scope.name for scope in graph.scopes), CHAIN]):
        for kind in ("in", "sent", "out"):
            plan.counters.number(name, kind)
        for node in graph.nodes:
            if scope_name(node) == name:
                for reason in (*_reasons(node), *given.get(node, ())):
                    plan.counters.number(name, "drop", reason)
        for reason in REASONS.values():
            plan.counters.number(name, "fault", reason)
    for node in graph.nodes:
        if isinstance(node, Send):
            plan.port(node.port, node)
    return plan


def _reasons(node: Node) -> tuple[str, ...]:
    if isinstance(node, Filter | ExpressionFilter | Drop):
        return (node.reason,) if len(node.outputs) < 2 else ()
    if isinstance(node, Parse) and node.otherwise == "drop":
        return node.reasons()
    if isinstance(node, Shuffle):
        return (FULL,)
    if isinstance(node, Remake):
        return node.reasons
    if isinstance(node, Hold):
        return (node.reason,)
    if node.kind == "packetize":
        return tuple(REFUSED.values())
    if getattr(node, "may_write", False) and getattr(node, "function", None) is not None:
        return (COPY_LOST,)
    return ()
