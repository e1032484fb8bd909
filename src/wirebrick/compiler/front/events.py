"""Events in user functions: ``event.now``, ``event.late``, and packets made by ``event.make``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.emitter import Emitter, PacketInfo, Rights
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.packets import begin_packet, own_packet
from wirebrick.compiler.kinds import INT, EventKind, Known, Value
from wirebrick.packet import frame
from wirebrick.packet.template import Template, is_headers, template_of
from wirebrick.state.timers_native import MOMENT_LATE
from wirebrick.stream.events import Event
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.headers.header import Header

EVENT_NAMES = ("now", "late", "make")


def event_rights(event: Event) -> Rights:
    """What the function of an event may do."""
    return Rights(event.operator, write=True, copy=True)


def start_event(f: Emitter, arguments: list[str], own: set[type[Header]]) -> None:
    """The arguments of an event's function: none, or the event. Its time lies in a descriptor, as a packet's."""
    f.own_checksums = frozenset(own)
    for argument in arguments:
        f.argument(argument, Value(EventKind(), None))
    f.line("fate = 0")


def event_attribute(f: Emitter, node: ast.Attribute) -> Value:
    """``event.now``, ``event.late``."""
    offset = {"now": frame.D_TIME, "late": MOMENT_LATE}.get(node.attr)
    if offset is None:
        if node.attr == "make":
            f.refuse(node, "event.make is not called", "write event.make() with its bytes and headers")
        return _unknown(f, node, node.attr)
    return Value(INT, f.keep(f"load64({f.need('d')} + {offset})"))


def event_method(f: Emitter, node: ast.Call, name: str) -> Value:
    """``event.make(b"...", Ethernet, IPv4)``: a new packet."""
    if name != "make":
        return _unknown(f, node, f"{name}()")
    if f.is_helper:
        f.refuse(
            node, "make() belongs into the function of the event", "make it there and pass the packet on"
        )
    if node not in f.unit.templates:
        template = _template(f, node)
        f.unit.templates[node] = template, _slots(f, template)
    template, stack = f.unit.templates[node]
    f.unit.footprint("makes", "")
    f.resizes = True  # packets of another length than those that came in
    number = f.unit.copy_number()
    stem = f"c{number}"
    place = f.source.place(node)
    info = PacketInfo(f"{stem}d", f"{stem}p", stack, f"{stem}i", f"{stem}alive", place, made=True)
    w, d = f.need("w"), f.need("d")
    begin_packet(f, info, f"make_packet({w}, {len(template.data)}, load64({d} + {frame.D_TIME}))")
    _fill(f, info, template)
    return own_packet(f, number, info)


def _template(f: Emitter, node: ast.Call) -> Template:
    cure = (
        'event.make(FRAME, Ethernet, IPv4): bytes that have a name outside of the function, or b"...", '
        "and the headers in them"
    )
    plain = all(isinstance(argument, ast.Constant | ast.Name | ast.Attribute) for argument in node.args)
    given: list[Any] = [expression(f, argument) for argument in node.args] if plain else []
    values = [value.kind.value if isinstance(value.kind, Known) else None for value in given]
    if node.keywords or not values or not isinstance(values[0], bytes) or not is_headers(values[1:]):
        f.refuse(node, "make() takes constant bytes and header classes", cure)
    try:
        return template_of(values[0], tuple(values[1:]))
    except ValueError as error:
        return f.refuse(node.args[0], f"these bytes are no such packet: {error}", cure)


def _slots(f: Emitter, template: Template) -> tuple[Slot, ...]:
    """Slots of the packet's own. No others are in an event's function, so numbers from 1 are free."""
    number = sum(len(stack) for _, stack in f.unit.templates.values())
    stack: list[Slot] = []
    for layer in template.layers:
        number += 1
        stack.append(Slot(number, layer.header, stack[-1] if stack else None))
    return tuple(stack)


def _fill(f: Emitter, info: PacketInfo, template: Template) -> None:
    """Store the bytes, and name the places of the headers."""
    data = template.data + bytes(-len(template.data) % 32)
    words = [int.from_bytes(data[at : at + 8], "little", signed=True) for at in range(0, len(data), 8)]
    for at in range(0, len(words), 4):
        four = ", ".join(f"({word})" if word < 0 else str(word) for word in words[at : at + 4])
        f.line(f"store64x4({info.data} + {8 * at}, {four})")
    for slot, layer in zip(info.stack, template.layers, strict=True):
        names = f.unit.slot_names(slot)
        for name, offset in zip(vars(names).values(), _offsets(layer), strict=True):
            f.line(f"{name} = {offset}")
            f.locals.add(name)


def _offsets(layer: Any) -> tuple[int, int, int, int]:
    return layer.start, layer.begin, layer.end, layer.wire


def _unknown(f: Emitter, node: ast.AST, name: str) -> Value:
    from wirebrick.compiler.front.access import unknown

    return unknown(f, node, "an event", name, EVENT_NAMES)
