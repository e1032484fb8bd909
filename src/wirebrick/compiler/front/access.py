"""Attributes and subscripts: what a packet, header, record, array or table gives."""

from __future__ import annotations

import ast
import difflib
from types import ModuleType
from typing import TYPE_CHECKING

from wirebrick.compiler.front import octets
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.fields import load_field
from wirebrick.compiler.front.outer import known
from wirebrick.compiler.front.ports import are_names, chosen
from wirebrick.compiler.front.records import load_record_field
from wirebrick.compiler.kinds import (
    INT,
    NAT,
    EventKind,
    HeaderKind,
    Known,
    OctetsKind,
    PacketKind,
    PortKind,
    RecordKind,
    TupleKind,
    Value,
    WindowKind,
    constant,
)
from wirebrick.headers.field import Computed, OctetsField
from wirebrick.headers.header import Header
from wirebrick.packet import frame

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

PACKET_ATTRIBUTES = ("header", "payload", "metadata", "length", "ingress", "egress", "timestamp")
PACKET_METHODS = ("flow", "send", "drop", "copy")


def attribute(f: Emitter, node: ast.Attribute) -> Value:
    """``value.name``, read."""
    value = expression(f, node.value)
    kind = value.kind
    if isinstance(kind, PacketKind):
        return packet_attribute(f, node, kind)
    if isinstance(kind, HeaderKind):
        return header_attribute(f, node, kind)
    if isinstance(kind, RecordKind):
        return load_record_field(f, node, value, node.attr)
    if isinstance(kind, WindowKind):
        from wirebrick.compiler.front.windows import window_attribute

        return window_attribute(f, node, kind)
    if isinstance(kind, EventKind):
        from wirebrick.compiler.front.events import event_attribute

        return event_attribute(f, node)
    if isinstance(kind, Known):
        holder = kind.value
        if isinstance(holder, ModuleType | type):
            if hasattr(holder, node.attr):
                return known(f, node, node.attr, getattr(holder, node.attr))
            f.refuse(node, f"{kind} has no {node.attr}")
        if hasattr(holder, "length") and node.attr == "length":
            return constant(int(holder.length))
    return f.refuse(node, f"{kind} has no attribute {node.attr} that a user function can read")


def packet_attribute(f: Emitter, node: ast.Attribute, kind: PacketKind) -> Value:
    """``packet.name``."""
    name = node.attr
    info = f.packets[kind.number]
    f.unit.ownership.used(f, node, kind.number)
    if name == "header":
        if not info.stack:
            f.refuse(
                node, "no header is parsed here", "parse one before this operator: packets.parse(Ethernet)"
            )
        return Value(HeaderKind(info.stack[-1], kind.number), None)
    if name == "payload":
        f.unit.footprint("reads", "payload")
        return Value(OctetsKind(kind.number, None, True), payload_bounds(f, kind))
    if name == "metadata":
        if f.unit.schema is None:
            f.refuse(
                node, "packets have no metadata here", "attach it first: packets.metadata(Schema, function)"
            )
        return Value(RecordKind(f.unit.schema), f.need("meta"))
    descriptor = f.need(info.descriptor)
    if name in ("length", "timestamp"):
        f.unit.footprint("reads", name)
        if name == "length":
            return Value(NAT, f.keep(f"load32({descriptor} + {frame.D_WIRE})"))
        return Value(INT, f.keep(f"load64({descriptor} + {frame.D_TIME})"))
    if name == "ingress" and info.made:
        f.refuse(node, "a packet that an event made came in by no port")
    if name in ("ingress", "egress"):
        f.unit.footprint("reads", name)
        offset = frame.D_INGRESS if name == "ingress" else frame.D_EGRESS
        return Value(PortKind(), f.keep(f"load16({descriptor} + {offset})"))
    if name in PACKET_METHODS:
        f.refuse(node, f"packet.{name} is not called", f"write packet.{name}() with its parentheses")
    known_names = (*PACKET_ATTRIBUTES, *PACKET_METHODS)
    return unknown(f, node, "a packet", name, known_names)


def payload_bounds(f: Emitter, kind: PacketKind) -> tuple[str, str]:
    """The names of begin and end of a packet's payload."""
    stack = f.packets[kind.number].stack
    if not stack:
        descriptor = f.need(f.packets[kind.number].descriptor)
        return "0", f.keep(f"load32({descriptor} + {frame.D_LENGTH})")
    names = f.unit.slot_names(stack[-1])
    return f.need(names.begin), f.need(names.end)


def header_attribute(f: Emitter, node: ast.Attribute, kind: HeaderKind) -> Value:
    """``header.name``."""
    header = kind.slot.header
    f.unit.ownership.used(f, node, kind.packet)
    name = node.attr
    field = header.fields.get(name)
    if field is not None:
        f.unit.footprint("reads", f"{header.__name__}.{name}")
        return load_field(f, kind, field)
    member = getattr_static(header, name)
    if isinstance(member, Computed):
        f.unit.footprint("reads", f"{header.__name__}.{name}")
        return f.unit.computed(f, kind, member)
    if isinstance(member, OctetsField):
        names = f.unit.slot_names(kind.slot)
        begin = f.keep(f"{f.unit.header_offset(f, kind)} + {member.start}")
        return Value(OctetsKind(kind.packet, kind.slot), (begin, f.need(names.begin)))
    if name == "raw":
        names = f.unit.slot_names(kind.slot)
        begin = f.unit.header_offset(f, kind)
        return Value(OctetsKind(kind.packet, kind.slot, writable=False), (begin, f.need(names.end)))
    return unknown(f, node, header.__name__, name, (*header.fields, *computed_names(header)))


def getattr_static(header: type[Header], name: str) -> object:
    """A class attribute as it is declared, without its descriptor being asked."""
    for base in header.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def computed_names(header: type[Header]) -> list[str]:
    """Names of the values that a header computes."""
    return [n for base in header.__mro__ for n, v in base.__dict__.items() if isinstance(v, Computed)]


def unknown(f: Emitter, node: ast.AST, what: str, name: str, names: tuple[str, ...]) -> Value:
    """Refuse a name that isn't there, with the nearest one that is."""
    near = difflib.get_close_matches(name, names, 1)
    cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    return f.refuse(node, f"{what} has no {name}", cure)


def subscript(f: Emitter, node: ast.Subscript) -> Value:
    """``value[index]``, read."""
    from wirebrick.compiler.front.state import item

    value = expression(f, node.value)
    kind = value.kind
    if isinstance(kind, PacketKind):
        return stack_header(f, node, kind)
    if isinstance(kind, OctetsKind):
        if isinstance(node.slice, ast.Slice):
            return octets.part(f, node, value, node.slice)
        return octets.load(f, node, value, expression(f, node.slice), 1)
    if isinstance(kind, TupleKind):
        return _tuple_item(f, node, value)
    if isinstance(kind, Known) and isinstance(kind.value, bytes):
        index = expression(f, node.slice)
        if index.is_const and -len(kind.value) <= index.const < len(kind.value):
            return constant(kind.value[index.const])
        f.refuse(node, "constant bytes are indexed with a constant in range")
    if isinstance(kind, Known):
        return item(f, node, kind.value, expression(f, node.slice))
    return f.refuse(node, f"{kind} has no items")


def stack_header(f: Emitter, node: ast.Subscript, kind: PacketKind) -> Value:
    """``packet[H]`` (the innermost) or ``packet[H, n]`` (the n-th from the outside)."""
    f.unit.ownership.used(f, node, kind.number)
    index = node.slice
    nth = -1
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        number = expression(f, index.elts[1])
        if not number.is_const:
            f.refuse(index.elts[1], "which header must be a constant")
        nth, index = number.const, index.elts[0]
    chosen = expression(f, index)
    holder = chosen.kind.value if isinstance(chosen.kind, Known) else None
    if not (isinstance(holder, type) and issubclass(holder, Header)):
        f.refuse(node, "a packet is indexed with a header class", "packet.payload[i] is a byte")
    stack = f.packets[kind.number].stack
    found = [slot for slot in stack if slot.header is holder]
    if not found or not -len(found) <= nth < len(found):
        have = ", ".join(slot.header.__name__ for slot in stack) or "nothing"
        f.refuse(node, f"{holder.__name__} is not parsed here", f"parsed: {have}")
    return Value(HeaderKind(found[nth], kind.number), None)


def _tuple_item(f: Emitter, node: ast.Subscript, value: Value) -> Value:
    kind = value.kind
    assert isinstance(kind, TupleKind)
    index = expression(f, node.slice)
    if not index.is_const and are_names(value):
        return chosen(f, node, value, index)
    if not index.is_const:
        f.refuse(node, "a tuple is indexed with a constant", "use an Array for a computed index")
    if not -len(kind.items) <= index.const < len(kind.items):
        f.refuse(node, f"the tuple has {len(kind.items)} items")
    const = value.const[index.const] if value.const is not None else None
    if isinstance(const, int | float):
        return constant(const)
    return Value(kind.items[index.const], value.code[index.const], const)
