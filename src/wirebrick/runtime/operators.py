"""What each operator does to one packet in the interpreter: a closure a node, made once."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wirebrick.headers.header import Header
from wirebrick.packet.encapsulate import pop, push
from wirebrick.packet.frame import W_USED
from wirebrick.packet.layer import Layer
from wirebrick.packet.memory import load64
from wirebrick.packet.packet import Packet
from wirebrick.runtime.filter import interpret_filter
from wirebrick.runtime.holding import Holding
from wirebrick.runtime.plan import Plan
from wirebrick.runtime.shuffling import Shuffling
from wirebrick.runtime.windowing import Windowing
from wirebrick.stream.deparse import Deparse
from wirebrick.stream.drop import Drop
from wirebrick.stream.duplicate import Duplicate
from wirebrick.stream.filter import ExpressionFilter, Filter
from wirebrick.stream.graph import Enter, Exit, Graph, Input, Node, Output
from wirebrick.stream.group_by import GroupBy
from wirebrick.stream.hold import Hold
from wirebrick.stream.merge import Merge
from wirebrick.stream.metadata import Metadata
from wirebrick.stream.packetize import Packetize
from wirebrick.stream.parse import Parse
from wirebrick.stream.pop import Pop
from wirebrick.stream.push import Push
from wirebrick.stream.remake import Remake
from wirebrick.stream.send import Send
from wirebrick.stream.shuffle import FULL, Shuffle
from wirebrick.stream.stream import Stream
from wirebrick.stream.udf import FunctionNode
from wirebrick.stream.window import Window


@dataclass(frozen=True)
class Done:
    """A packet's way ends: ``out``, ``send`` (``detail``: the port), ``drop`` or ``fault`` (the reason)."""

    kind: str
    detail: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class On:
    """A packet goes on by a stream; ``note`` says why by this one, where that is not plain."""

    stream: Stream
    note: str = ""
    made: tuple[Packet, ...] = ()  # packets that follow it
    follow: Stream | None = None  # by another stream


@dataclass
class Setting:
    """What operators may need of their surroundings; ``windowings`` collects those that give up at the end."""

    graph: Graph
    plan: Plan
    count: Callable[..., None]
    windowings: list[Any] = field(default_factory=list)


Operator = Callable[[Packet, Stream], On | Done]
Function = Callable[..., Any]


def operator_of(
    node: Node, function: Function | None, own: frozenset[type[Header]], setting: Setting
) -> Operator:
    """The operator that ``node`` stands for; ``function`` is its user function, prepared.

    ``own``: the headers whose checksums the function stores itself.
    """
    for kind, make in _SIMPLE.items():
        if isinstance(node, kind):
            return make(node)
    if isinstance(node, Push):
        return _push(node, function, own)
    if isinstance(node, Shuffle):
        return _shuffle(node, Shuffling(setting.graph, node, function, setting.plan.ports))
    if isinstance(node, Hold):
        assert function is not None
        return _hold(node, Holding(setting.graph, node, function))
    if isinstance(node, Packetize):
        return _filling(node, function, own)
    if isinstance(node, Remake):
        return _remake(node)
    if isinstance(node, Window):
        return _window(node, function, setting)
    assert isinstance(node, FunctionNode)
    assert function is not None
    if node.may_write:
        return _writing(node, function, own)
    return _reading(node, function)


def _parse(node: Parse) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        found = packet._parse(node.header)
        if isinstance(found, Layer):
            return On(node.outputs[0])
        if node.otherwise == "drop":
            return Done("drop", f"{node.header.__name__.lower()}_{found}")
        return On(node.outputs[1], found)

    return run


def _deparse(node: Node) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        packet._layers.pop()
        return On(node.outputs[0])

    return run


def _pop(node: Node) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        pop(packet)
        return On(node.outputs[0])

    return run


def _merge(node: Merge) -> Operator:
    kept = {
        id(stream): [stream.stack.index(slot) for slot in slots]
        for stream, slots in zip(node.inputs, node.slots, strict=True)
    }
    forgets = node.outputs[0].schema is None

    def run(packet: Packet, stream: Stream) -> On | Done:
        packet._layers = [packet._layers[index] for index in kept[id(stream)]]
        if forgets:
            packet._metadata = None
        return On(node.outputs[0])

    return run


def _boundary(node: Node) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        packet._layers = []
        packet._metadata = None
        packet._pending = {}
        return On(node.outputs[0])

    return run


def _pass(node: Node) -> Operator:
    return lambda packet, stream: On(node.outputs[0])


def _matching(node: ExpressionFilter) -> Operator:
    matches = interpret_filter(node.expression)

    def run(packet: Packet, stream: Stream) -> On | Done:
        lies = packet._descriptor
        if matches(lies.data, lies.length, lies.wire):
            return On(node.outputs[0])
        return _refused(node)

    return run


def _refused(node: Any) -> On | Done:
    """What becomes of a packet that a filter doesn't want."""
    return On(node.outputs[1]) if len(node.outputs) > 1 else Done("drop", node.reason)


def _end(kind: str, detail: str) -> Operator:
    return lambda packet, stream: Done(kind, detail)


_SIMPLE: dict[type[Node], Callable[[Any], Operator]] = {
    Parse: _parse,
    Deparse: _deparse,
    Pop: _pop,
    Merge: _merge,
    Enter: _boundary,
    Exit: _boundary,
    Input: _pass,
    ExpressionFilter: _matching,
    Output: lambda node: _end("out", ""),
    Send: lambda node: _end("send", node.port),
    Drop: lambda node: _end("drop", node.reason),
}


def _writing(node: FunctionNode | Packetize, function: Function, own: frozenset[type[Header]]) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        packet._begin(True, node.checksums, own)
        function(packet)
        return On(node.outputs[0])

    return run


def _push(node: Push, function: Function | None, own: frozenset[type[Header]]) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        pushed = push(packet, node.slot.header, node.checksums, own)
        if function is not None:
            packet._begin(True, False, own)
            function(packet)
        pushed.finish()
        return On(node.outputs[0])

    return run


def _shuffle(node: Shuffle, shuffling: Shuffling) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        moved = shuffling.moved(packet)
        if moved is None:
            return Done("drop", FULL)
        return Done("moved") if moved else On(node.outputs[0])

    return run


def _hold(node: Hold, holding: Holding) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        held = holding.held(packet)
        if held is None:
            return Done("drop", node.reason)
        return Done("held") if held else On(node.outputs[0])

    return run


def _window(node: Window, function: Function | None, setting: Setting) -> Operator:
    assert function is not None
    windowing = Windowing(node, function, setting.count)
    setting.windowings.append(windowing)
    return windowing


def _remake(node: Remake) -> Operator:
    def run(packet: Packet, stream: Stream) -> On | Done:
        context, last = packet._context, packet._layers[-1]
        meta = packet._metadata._at if packet._metadata is not None else 0
        first = load64(context + W_USED)
        extra = node.state.remake(
            node.step, context, packet._position, last.start, last.begin, meta, packet.timestamp
        )
        if extra < 0:
            return Done("drop", node.reasons[-extra - 1])
        packet._layers.pop()
        made = []
        for position in range(first, first + extra):
            other = Packet(context, position, packet._ports, packet._ender)
            other._layers = [layer.copy() for layer in packet._layers]
            other._pending = dict(packet._pending)
            other._metadata = packet._metadata and packet._metadata.copy()
            made.append(other)
        for one in (packet, *made):
            for layer in one._layers:
                layer.end = layer.wire = one._descriptor.length
        return On(node.outputs[0], made=tuple(made))

    return run


def _filling(node: Packetize, function: Function | None, own: frozenset[type[Header]]) -> Operator:
    if function is None:
        return _pass(node)
    return _writing(node, function, own)


def _reading(node: FunctionNode, function: Function) -> Operator:
    """Of a function that may read the packet only; its metadata, a plain record, is compared afterwards."""
    finish = _finish(node)

    def run(packet: Packet, stream: Stream) -> On | Done:
        metadata = packet._metadata
        before = bytes(metadata) if metadata is not None else b""
        result = function(packet)
        if metadata is not None and bytes(metadata) != before:
            raise TypeError(f"{node.kind}() functions read packets: the metadata can't be changed here")
        return finish(packet, result)

    return run


def _finish(node: FunctionNode) -> Callable[[Packet, Any], On | Done]:
    """What the result of a reading function means."""

    def keep(packet: Packet, result: Any) -> On | Done:
        if bool(result):
            return On(node.outputs[0])
        return _refused(node)

    def double(packet: Packet, result: Any) -> On | Done:
        if not result:
            return On(node.outputs[0])
        packet._begin(True, False, frozenset())
        other = packet.copy()
        packet._copies = []
        other._copies, other._copied = [], False
        return On(node.outputs[0], made=(other,), follow=node.outputs[-1])

    def choose(packet: Packet, result: Any) -> On | Done:
        number = operator.index(result)
        if not 0 <= number < len(node.outputs):
            raise IndexError(f"group {number} of {len(node.outputs)}")
        return On(node.outputs[number])

    def attach(packet: Packet, result: Any) -> On | Done:
        if not isinstance(result, node.schema):  # type: ignore[attr-defined]
            raise TypeError(f"metadata() got {result!r}")
        packet._metadata = result.copy()
        return On(node.outputs[0])

    if isinstance(node, Filter):
        return keep
    if isinstance(node, Duplicate):
        return double
    if isinstance(node, GroupBy):
        return choose
    if isinstance(node, Metadata):
        return attach
    return lambda packet, result: On(node.outputs[0])
