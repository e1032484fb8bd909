"""Payload edits in user functions: resize, insert, delete."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.bracket import close_bracket, grow_lengths, open_bracket
from wirebrick.compiler.front.convert import int64
from wirebrick.compiler.kinds import NOTHING, Int, OctetsKind, Value
from wirebrick.packet import frame
from wirebrick.packet.faults import INDEX, ROOM

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def resize(f: Emitter, node: ast.Call, view: Value, name: str, arguments: list[Value]) -> Value:
    """``payload.resize(n)``, ``payload.insert(at, n)``, ``payload.delete(at, n)``."""
    kind = view.kind
    assert isinstance(kind, OctetsKind)
    if not kind.whole:
        f.refuse(node, f"{name}() is for packet.payload itself", "not for a part of it, nor for options")
    f.unit.may_write(f, node, "the payload")
    if kind.packet != 0:
        f.refuse(node, "the payload of a copy can't be resized", "resize before copying")
    if f.rights.operator == "packetize":
        f.refuse(
            node,
            f"{name}() can't be used behind packetize: the bytes have their sequence numbers already",
            "emit other bytes in the window's function",
        )
    if f.is_helper:
        f.refuse(node, f"{name}() belongs into the function of the operator")
    if len(arguments) != (1 if name == "resize" else 2):
        f.refuse(node, f"{name}() takes {'a size' if name == 'resize' else 'an offset and a size'}")
    stack = f.packets[0].stack
    begin, end = view.code
    numbers = []
    for argument in arguments:
        number = int64(f, node, argument)
        code = f.keep(number.code)
        if not (isinstance(number.kind, Int) and number.kind.range == "nat"):
            f.fault_if(f"{code} < 0", INDEX)
        numbers.append(code)
    size = f.keep(f"{end} - {begin}")
    if name == "resize":
        at, delta = f.keep(f"{begin} + min({numbers[0]}, {size})"), f.keep(f"{numbers[0]} - {size}")
    else:
        f.fault_if(f"{numbers[0]} > {size}", INDEX)
        if name == "delete":
            f.fault_if(f"{numbers[1]} > {size} - {numbers[0]}", INDEX)
        at = f.keep(f"{begin} + {numbers[0]}")
        delta = f.keep(numbers[1] if name == "insert" else f"-{numbers[1]}")
    w, d = f.need("w"), f.need("d")
    f.fault_if(f"load32({d} + {frame.D_LENGTH}) != load32({d} + {frame.D_WIRE})", ROOM)
    f.fault_if(f"{delta} > load64({w} + {frame.W_FRAME})", ROOM)
    sums = open_bracket(f, stack)
    f.fault_if(f"payload_edit({w}, {d}, {begin}, {end}, {at}, {delta}) != 0", ROOM)
    new = f.keep(f"load32({d} + {frame.D_LENGTH})")
    grow_lengths(f, stack, lambda slot: f"{new} - {f.need(f.unit.slot_names(slot).wire)}")
    for slot in stack:
        names = f.unit.slot_names(slot)
        f.line(f"{f.need(names.end)} = {new}")
        f.line(f"{f.need(names.wire)} = {new}")
    close_bracket(f, stack, sums)
    f.unit.wrote(stack[-1] if stack else None, "·bytes")
    for slot in stack:
        if slot.header.length_field:
            f.unit.wrote(slot, slot.header.length_field)
    f.unit.footprint("writes", "payload")
    f.unit.footprint("writes", "length")
    f.resizes = True
    return Value(NOTHING, "0")
