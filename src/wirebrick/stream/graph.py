"""The graph: nodes (operators) joined by streams, built while network functions are called, checked when complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from wirebrick.errors import GraphError, Place, caller_place

if TYPE_CHECKING:
    from wirebrick.headers.header import Header
    from wirebrick.state.record import Record
    from wirebrick.stream.events import Event
    from wirebrick.stream.stream import Stream


@dataclass(frozen=True, eq=False)
class Slot:
    """A parsed header's place in the graph. Parsing the same header behind the same slot gives the same slot."""

    number: int
    header: type[Header]
    parent: Slot | None
    sources: tuple[Slot, ...] = ()  # what it stands for, after a merge of different stacks


@dataclass(eq=False)
class Scope:
    """One use of a network function: what its nodes and counters belong to."""

    name: str
    parent: Scope | None
    place: Place | None
    bypass: list[Stream] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    reports: list[Callable[[], Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    copies: int = 1  # of each packet, at most, that are expected of it
    remarks: list[str] = field(default_factory=list)
    children: list[Scope] = field(default_factory=list)
    made: list[Any] = field(default_factory=list)  # the state objects that its function made, in order
    making: bool = False  # such an object is being made: those that it consists of are not for themselves
    again: Again | None = None  # its function is called once more: what it made comes from here


class Again:
    """What a use of an NF consists of, to be had once more in the same order, as its function is called again.

    So its operators stand at a second place of the graph, with the same state and the same counters.
    """

    def __init__(self, scope: Scope) -> None:
        self._name = scope.name
        self._place = scope.place
        self._made = iter(scope.made)
        self._children = iter(scope.children)

    def object(self, kind: type) -> Any:
        """The next state object. Raises GraphError where that is of another class."""
        found = next(self._made, None)
        if type(found) is not kind:
            raise self._differs(kind.__name__)
        return found

    def child(self, name: str) -> Scope:
        """The next NF within. Raises GraphError where that is another one."""
        found = next(self._children, None)
        if found is None or found.name.partition("#")[0] != name:
            raise self._differs(name)
        return found

    def _differs(self, what: str) -> GraphError:
        return GraphError(
            f"{self._name} is not built twice alike: where its function is called again it makes a {what}",
            place=self._place,
            cure="let the function make the same objects whenever it is called with the same parameters",
        )


def within(scope: Scope | None) -> Iterator[Scope]:
    """The scope, and those that it is part of, from the inside out."""
    while scope is not None:
        yield scope
        scope = scope.parent


@dataclass(eq=False)
class Node:
    """One operator in the graph: its inputs, its outputs, the NF it belongs to and the line that made it."""

    kind: ClassVar[str] = "node"

    graph: Graph
    scope: Scope | None
    place: Place | None
    inputs: list[Stream] = field(default_factory=list)
    outputs: list[Stream] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        """Join the graph."""
        self.number = len(self.graph.nodes)
        self.graph.nodes.append(self)

    @property
    def label(self) -> str:
        """How drawings and traces call it."""
        return self.kind

    def output(self, stack: tuple[Slot, ...], schema: type[Record] | None, role: str = "") -> Stream:
        """A new stream that leaves this node."""
        from wirebrick.stream.stream import Stream

        stream = Stream._leaving(self, stack, schema, role)
        self.outputs.append(stream)
        return stream


_current: list[Scope] = []


def current_scope() -> Scope | None:
    """The use of a network function that is being built, or None outside of one."""
    return _current[-1] if _current else None


def at_end(function: Callable[[], Any]) -> None:
    """Call ``function()`` on the control thread when a run has ended; what it returns is reported.

    To be called while a network function is built. ``function`` may read state objects (their partitions summed or
    united), write files, and return a ``wirebrick.Report`` or None. Raises GraphError outside of an NF.
    """
    if not _current:
        raise GraphError("at_end() belongs into a network function", place=caller_place())
    if _current[-1].again is None:
        _current[-1].reports.append(function)


def remark(text: str) -> None:
    """Have the user told something about how a network function is configured: a notice of the run, and of a check.

    To be called while a network function is built. Raises GraphError outside of one.
    """
    if not _current:
        raise GraphError("remark() belongs into a network function", place=caller_place())
    if _current[-1].again is None:
        _current[-1].remarks.append(text)


def most_copies(count: int) -> None:
    """Have room for ``count`` more packets for every packet of a burst, where an NF copies or makes more than one.

    To be called while a network function is built. Raises GraphError outside of an NF.
    """
    if not _current:
        raise GraphError("most_copies() belongs into a network function", place=caller_place())
    _current[-1].copies = max(_current[-1].copies, count)


class Input(Node):
    """Where packets come in from the ports."""

    kind = "input"


class Output(Node):
    """Where packets leave by their egress port, or the default one."""

    kind = "output"


class Enter(Node):
    """A network function begins: the header stack is empty, there is no metadata."""

    kind = "enter"


class Exit(Node):
    """A network function ends: its output and everything that bypassed it."""

    kind = "exit"


class Graph:
    """The operators of a chain of NFs. ``complete`` checks it and puts the nodes in the order packets take.

    ``alone``: it runs in one worker, so NFs may leave out what only several need.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self.alone = alone
        self.nodes: list[Node] = []
        self.scopes: list[Scope] = []
        self.repeated: Scope | None = None  # the NF of the chain that is built once more, if one is
        self._slots: dict[tuple[Slot | None, type[Header]], Slot] = {}
        self.all_slots: list[Slot] = []

    def slot(self, parent: Slot | None, header: type[Header]) -> Slot:
        """The slot of ``header`` parsed right behind ``parent``."""
        known = self._slots.get((parent, header))
        if known is None:
            known = self._slots[(parent, header)] = self.new_slot(header, parent)
        return known

    def new_slot(self, header: type[Header], parent: Slot | None, sources: tuple[Slot, ...] = ()) -> Slot:
        """A slot that is nobody else's."""
        slot = Slot(len(self.all_slots) + 1, header, parent, sources)
        self.all_slots.append(slot)
        return slot

    def enter(self, stream: Stream, name: str, place: Place | None) -> tuple[Scope, Stream]:
        """Begin a network function on ``stream``."""
        scope = self._again(stream.scope, name) or self._first(stream.scope, name, place)
        node = Enter(self, scope, place)
        stream._consumed_by(node)
        return scope, node.output((), None)

    def _first(self, parent: Scope | None, name: str, place: Place | None) -> Scope:
        taken = {scope.name for scope in self.scopes}
        unique = next(n for n in _names(name) if n not in taken)
        scope = Scope(unique, parent, place)
        self.scopes.append(scope)
        if parent is not None:
            parent.children.append(scope)
        return scope

    def _again(self, parent: Scope | None, name: str) -> Scope | None:
        """The scope that is built once more; None where it is the first time."""
        scope = self.repeated if parent is None else None
        if parent is not None and parent.again is not None:
            scope = parent.again.child(name)
        if scope is not None:
            scope.bypass = []
            scope.again = Again(scope)
        return scope

    def enter_also(self, scope: Scope, stream: Stream) -> Stream:
        """Another stream into the same network function."""
        node = Enter(self, scope, scope.place)
        stream._consumed_by(node)
        return node.output((), None)

    @contextmanager
    def building(self, scope: Scope) -> Iterator[None]:
        """While an NF's function runs: what ``at_end``, ``every`` and ``after`` register belongs to it."""
        _current.append(scope)
        try:
            yield
        finally:
            _current.pop()

    def leave(self, scope: Scope, streams: list[Stream]) -> list[Stream]:
        """End it: each returned stream becomes an output; what bypassed joins the first."""
        if not streams and not scope.bypass:
            return []
        results = []
        for position, stream in enumerate(streams or [scope.bypass[0]]):
            node = Exit(self, scope, scope.place)
            own = scope.bypass if position == 0 else []
            for incoming in dict.fromkeys([stream, *own]):
                incoming._consumed_by(node)
            result = node.output((), None)
            result.scope = scope.parent
            results.append(result)
        return results

    def complete(self) -> None:
        """Check that every stream has a consumer, and order the nodes. Raises GraphError."""
        for node in self.nodes:
            for stream in node.outputs:
                if stream.role == "bytes" and getattr(stream.consumer, "kind", "") != "packetize":
                    raise GraphError(
                        f"the bytes of {node.label} are no packets: only packetize() can take them",
                        place=node.place,
                        cure="call packetize(headers) on it, or window(..., forward=True)",
                    )
                if stream.consumer is None:
                    raise GraphError(
                        f"the output of {node.label}{stream.role and f' ({stream.role})'} goes nowhere",
                        place=node.place,
                        cure="return it from the network function, merge it, send it, or drop it with a reason",
                    )
        self._order()

    def _order(self) -> None:
        order: list[Node] = []
        waiting = {node: len(node.inputs) for node in self.nodes}
        ready = [node for node in self.nodes if not node.inputs]
        while ready:
            node = ready.pop(0)
            order.append(node)
            for stream in node.outputs:
                assert stream.consumer is not None
                waiting[stream.consumer] -= 1
                if not waiting[stream.consumer]:
                    ready.append(stream.consumer)
        self.nodes = order
        for number, node in enumerate(order):
            node.number = number

    def operators(self) -> Iterator[Node]:
        """The nodes that are operators, in order."""
        return (node for node in self.nodes if not isinstance(node, Input | Output | Enter | Exit))


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}#{number}"
        number += 1


def here(stream: Stream) -> tuple[Graph, Scope | None, Place | None]:
    """Graph and scope of a stream, and the user's line that adds an operator to it."""
    return stream.graph, stream.scope, caller_place()
