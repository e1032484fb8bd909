"""Methods of packets: flow, send, drop, copy."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.emitter import PacketInfo
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.fields import load_field
from wirebrick.compiler.front.ports import existing_port
from wirebrick.compiler.kinds import (
    NOTHING,
    HeaderKind,
    Known,
    PacketKind,
    RecordKind,
    Value,
    Wide,
)
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.packet.faults import ROOM
from wirebrick.packet.flow import FlowKey
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

DROP, SEND = 1 << 32, 1 << 40  # fates: DROP + number of the counter, SEND + number of the port
HOLD = 1 << 62  # HOLD + time in nanoseconds: until then the packet is held


def packet_method(f: Emitter, node: ast.Call, kind: PacketKind, name: str) -> Value:
    """``packet.name(...)``."""
    if name == "flow":
        if node.args or node.keywords:
            f.refuse(node, "flow() takes no arguments")
        return _flow(f, node, kind)
    if name == "drop":
        return _drop(f, node, kind)
    if name == "send":
        return _send(f, node, kind)
    if name == "copy":
        return _copy(f, node, kind)
    from wirebrick.compiler.front.access import PACKET_ATTRIBUTES, PACKET_METHODS, unknown

    return unknown(f, node, "a packet", f"{name}()", (*PACKET_METHODS, *PACKET_ATTRIBUTES))


def _text(f: Emitter, node: ast.Call, what: str) -> str:
    argument = expression(f, node.args[0]) if len(node.args) == 1 and not node.keywords else None
    if argument is None or not isinstance(argument.kind, Known) or not isinstance(argument.kind.value, str):
        f.refuse(node, f"this takes {what}: a constant text")
    return argument.kind.value


def _may_end(f: Emitter, node: ast.AST, kind: PacketKind, what: str) -> None:
    if not f.rights.end and kind.number == 0:
        f.refuse(
            node, f"the function of {f.rights.operator}() can't {what} the packet", "do it in a transform()"
        )
    if kind.number in f.borrowed:
        f.refuse(node, "a copy is sent or dropped by the function that made it")


def _drop(f: Emitter, node: ast.Call, kind: PacketKind) -> Value:
    reason = _text(f, node, "a reason")
    if not reason.isidentifier():
        f.refuse(
            node, f"{reason!r} can't be a reason", "one word of letters, digits and _, such as ttl_expired"
        )
    _may_end(f, node, kind, "drop")
    f.unit.footprint("reasons", reason)
    f.unit.ownership.ended(f, node, kind.number)
    number = f.unit.counter("drop", reason)
    info = f.packets[kind.number]
    if info.alive:
        f.count(number, info)
        f.line(f"{info.alive} = False")
    else:
        f.fates.add("drop")
        f.line(f"fate = {DROP + number}")
    return Value(NOTHING, "0")


def _send(f: Emitter, node: ast.Call, kind: PacketKind) -> Value:
    port = _port(f, node)
    _may_end(f, node, kind, "send")
    f.unit.ownership.ended(f, node, kind.number)
    info = f.packets[kind.number]
    if info.alive:
        w = f.need("w")
        f.line(f"transmit({w}, {port}, {info.position})")
        f.count(f.unit.counter("sent", ""), info)
        f.line(f"count({w}, {f.unit.shared.plan.counters.number('chain', 'out', '')})")
        f.line(f"{info.alive} = False")
    else:
        f.fates.add("send")
        f.line(f"fate = {SEND} + {port}")
    return Value(NOTHING, "0")


def _port(f: Emitter, node: ast.Call) -> str:
    """The number of the port that ``send`` is given."""
    given = expression(f, node.args[0]) if len(node.args) == 1 and not node.keywords else None
    port = None if given is None else existing_port(f, node, given)
    if port is None:
        cure = (
            'packet.send("out"), packet.send(packet.ingress), or of a tuple of names: packet.send(ports[n])'
        )
        f.refuse(node, "send() takes a port", cure)
    return port


def _copy(f: Emitter, node: ast.Call, kind: PacketKind) -> Value:
    if node.args or node.keywords:
        f.refuse(node, "copy() takes no arguments")
    if not f.rights.copy:
        f.refuse(node, f"the function of {f.rights.operator}() can't copy packets", "do it in a transform()")
    if f.is_helper:
        f.refuse(node, "copy() belongs into the function of the operator", "copy there and pass the copy on")
    f.unit.ownership.used(f, node, kind.number)
    f.unit.footprint("copies", "")
    f.unit.shared.uses_copies = True
    w, d = f.need("w"), f.need(f.packets[kind.number].descriptor)
    number = f.unit.copy_number()
    stem = f"c{number}"
    info = PacketInfo(
        f"{stem}d", f"{stem}p", f.packets[kind.number].stack, f"{stem}i", f"{stem}alive", f.source.place(node)
    )
    begin_packet(f, info, f"copy_packet({w}, {d})")
    return own_packet(f, number, info)


def begin_packet(f: Emitter, info: PacketInfo, position: str) -> None:
    """Find out where a new packet lies; ``position``: the call that gives its position, negative where none is free."""
    f.line(f"{info.position} = {position}")
    f.fault_if(f"{info.position} < 0", ROOM)
    f.line(f"{info.descriptor} = position_descriptor({f.need('w')}, {info.position})")
    f.line(f"{info.data} = load64({info.descriptor})")


def own_packet(f: Emitter, number: int, info: PacketInfo) -> Value:
    """From here on the function has the packet, under a number, and must see to its end."""
    f.line(f"{info.alive} = True")
    f.declared_copies.setdefault(info.alive, info.descriptor)
    f.packets[number] = info
    f.locals.update((info.descriptor, info.data))
    f.flow.gone.pop(number, None)
    f.flow.made.add(number)
    return Value(PacketKind(number), None)


def _flow(f: Emitter, node: ast.Call, kind: PacketKind) -> Value:
    """The FlowKey of the innermost IP header."""
    f.unit.ownership.used(f, node, kind.number)
    slot = innermost_ip(f.packets[kind.number].stack)
    if slot is None:
        f.refuse(node, "flow() needs IPv4 or IPv6 parsed", "packets.parse(Ethernet).parse(IPv4)")
    f.unit.footprint("reads", "flow")
    upper = f.unit.upper_layer(f, HeaderKind(slot, kind.number))
    return Value(RecordKind(FlowKey, fresh=True), flow_record(f, kind.number, upper))


def innermost_ip(stack: tuple[Slot, ...]) -> Slot | None:
    """The last IPv4 or IPv6 header of a stack, or None."""
    return next((slot for slot in reversed(stack) if slot.header in (IPv4, IPv6)), None)


def flow_record(f: Emitter, packet: int, upper: tuple[str, str]) -> str:
    """The address of the FlowKey of a packet whose stack has an IP header: in scratch memory of this place.

    ``upper``: the texts of protocol and fragment offset.
    """
    slot = innermost_ip(f.packets[packet].stack)
    assert slot is not None
    ip = HeaderKind(slot, packet)
    names = f.unit.slot_names(slot)
    protocol, fragment = upper
    data = f.need(f.packets[packet].data)
    begin, end = f.need(names.begin), f.need(names.end)
    ports = f.keep(f"flow_ports({data} + {begin}, {data} + {end}, {protocol}, {fragment})")
    at = f.keep(f"{f.need('scratch')} + {f.unit.scratch(FlowKey.size)}")
    for name in ("src", "dst"):
        value = load_field(f, ip, slot.header.fields[name])
        high, low = value.code if isinstance(value.kind, Wide) else ("0", value.code)
        offset = FlowKey.fields[name].offset
        f.line(f"store64({at} + {offset}, {high})")
        f.line(f"store64({at} + {offset + 8}, {low})")
    version = 4 if slot.header is IPv4 else 6
    # The last word of the record: both ports, protocol and version, as they lie in memory.
    f.line(
        f"store64({at} + {FlowKey.fields['src_port'].offset}, {ports} | {protocol} << 32 | {version} << 40)"
    )
    return at
