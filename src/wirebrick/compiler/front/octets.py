"""Bytes of a packet: payloads, options, slices of them. Every access is checked; proven checks cost nothing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.convert import int64, integer
from wirebrick.compiler.front.fields import LOADS, STORES
from wirebrick.compiler.front.maintain import Plan, follow, outer_steps, plan_for
from wirebrick.compiler.kinds import BOOL, INT, NAT, U64, HeaderKind, Int, OctetsKind, Value
from wirebrick.packet.faults import INDEX

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

READS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
FAR = 1 << 32  # beyond any packet, and no sum with it overflows
WRITES = {f"put_{name}": size for name, size in READS.items()}


def data_of(f: Emitter, kind: OctetsKind) -> str:
    """The name of the address that offsets of these bytes count from."""
    return f.need(f.packets[kind.packet].data)


def checked_offset(f: Emitter, node: ast.AST, view: Value, index: Value, size: int) -> str:
    """An offset into the bytes as an offset into the packet; out of range is a fault."""
    begin, end = view.code
    index = integer(f, node, index, "an index")
    assert isinstance(index.kind, Int)
    if index.is_const:
        place = max(-FAR, min(index.const, FAR))
        offset = f.keep(f"{begin} + {place}" if place >= 0 else f"{end} + ({place})")
    elif index.kind.range != "int":
        i = f.keep(index.code)
        f.fault_if(f"u_less({end} - {begin}, {i})", INDEX)
        offset = f.keep(f"{begin} + {i}")
    else:
        i = f.keep(index.code)
        f.line(f"if {i} < 0: {i} = {i} + ({end} - {begin})")
        f.fault_if(f"{i} < 0 or {i} > {end} - {begin}", INDEX)
        offset = f.keep(f"{begin} + {i}")
    low = f"{offset} < {begin} or " if index.is_const and index.const < 0 else ""
    f.fault_if(f"{low}{offset} + {size} > {end}", INDEX)
    return offset


def load(f: Emitter, node: ast.AST, view: Value, index: Value, size: int) -> Value:
    """A big-endian integer of ``size`` bytes."""
    assert isinstance(view.kind, OctetsKind)
    offset = checked_offset(f, node, view, index, size)
    f.unit.touch(f, view.kind, "read")
    code = f.keep(f"{LOADS[size]}({data_of(f, view.kind)} + {offset})")
    return Value(U64 if size == 8 else NAT, code)


def store(f: Emitter, node: ast.AST, view: Value, index: Value, size: int, code: str) -> None:
    """Store a big-endian integer of ``size`` bytes; the checksums that cover it follow."""
    kind = view.kind
    assert isinstance(kind, OctetsKind)
    f.unit.may_write(f, node, "the payload" if kind.slot is None else f"{kind.slot.header.__name__}")
    if not kind.writable:
        f.refuse(node, "these bytes are read-only")
    code = f.keep(code)
    offset = checked_offset(f, node, view, index, size)
    f.unit.touch(f, kind, "write")
    data = data_of(f, kind)
    plan = octets_plan(f, kind)
    at = f"{data} + {offset}"
    if plan and size == 1:
        old = f.keep(f"load8({at})")
        f.line(f"store8({at}, {code})")
        new = f.keep(f"{code} & 255")
        shift = f"(({offset} & 1) << 3)"
        follow(f, plan, f"({old} << {shift})", f"({new} << {shift})")
        return
    if plan:
        word = f.keep(f"{data} + ({offset} & -2)")
        words = size + 2 if size > 1 else 2
        old = f.keep(f"fold(sum_words({word}, {words}))")
        f.line(f"{STORES[size]}({at}, {code})")
        new = f.keep(f"fold(sum_words({word}, {words}))")
        follow(f, plan, old, new)
        return
    f.line(f"{STORES[size]}({at}, {code})")


def octets_plan(f: Emitter, kind: OctetsKind) -> Plan:
    """The checksums that follow a store to payload or options."""
    if kind.slot is not None:
        return plan_for(f, HeaderKind(kind.slot, kind.packet), None)
    if not f.rights.checksums:
        return Plan(None, None, (), False)
    return Plan(None, None, outer_steps(f, kind.packet, len(f.packets[kind.packet].stack)), False)


def part(f: Emitter, node: ast.Subscript, view: Value, bounds: ast.Slice) -> Value:
    """A slice: bounds are cut to the bytes there are, as in Python."""
    from wirebrick.compiler.front.expressions import expression

    kind = view.kind
    assert isinstance(kind, OctetsKind)
    if bounds.step is not None:
        f.refuse(bounds.step, "a slice of bytes has step 1")
    begin, end = view.code
    size = f.keep(f"{end} - {begin}")
    ends = []
    for bound, default in ((bounds.lower, "0"), (bounds.upper, size)):
        if bound is None:
            ends.append(default)
            continue
        value = int64(f, bound, expression(f, bound), "a slice")
        name = f.keep(value.code)
        if not (isinstance(value.kind, Int) and value.kind.range == "nat"):
            f.line(f"if {name} < 0: {name} = max(0, {name} + {size})")
        ends.append(f.keep(f"min({name}, {size})"))
    low, high = ends
    start = f.keep(f"{begin} + {low}")
    stop = f.keep(f"{begin} + max({low}, {high})")
    return Value(OctetsKind(kind.packet, kind.slot, False, kind.writable), (start, stop))


def length(f: Emitter, view: Value) -> Value:
    """How many bytes."""
    begin, end = view.code
    return Value(NAT, f.keep(f"{end} - {begin}"))


def equals(f: Emitter, node: ast.AST, op: ast.cmpop, view: Value, data: bytes) -> Value:
    """Whether the bytes are exactly ``data``."""
    if not isinstance(op, ast.Eq | ast.NotEq):
        f.refuse(node, "bytes are compared with == and !=")
    begin, end = view.code
    result = f.keep(f"{end} - {begin} == {len(data)}")
    _match(f, view, result, data)
    return Value(BOOL, result if isinstance(op, ast.Eq) else f"(not {result})")


def startswith(f: Emitter, view: Value, data: bytes) -> Value:
    """Whether the first bytes are ``data``."""
    begin, end = view.code
    result = f.keep(f"{end} - {begin} >= {len(data)}")
    _match(f, view, result, data)
    return Value(BOOL, result)


def endswith(f: Emitter, view: Value, data: bytes) -> Value:
    """Whether the last bytes are ``data``."""
    begin, end = view.code
    result = f.keep(f"{end} - {begin} >= {len(data)}")
    _match(f, view, result, data, f"{end} - {len(data)}")
    return Value(BOOL, result)


def _match(f: Emitter, view: Value, result: str, data: bytes, begin: str = "") -> None:
    assert isinstance(view.kind, OctetsKind)
    f.unit.touch(f, view.kind, "read")
    if not data:
        return
    at = f"{data_of(f, view.kind)} + {begin or view.code[0]}"
    f.line(f"if {result}:")
    with f.indent():
        f.line(f"{result} = {match_text(at, data)}")


def match_text(at: str, data: bytes) -> str:
    """The text of a comparison of memory with constant bytes, in the widest steps there are."""
    parts, offset = [], 0
    while offset < len(data):
        step = next(n for n in (8, 4, 2, 1) if offset + n <= len(data))
        number = int.from_bytes(data[offset : offset + step], "big", signed=step == 8)
        parts.append(f"{LOADS[step]}({at} + {offset}) == {number}")
        offset += step
    return "(" + " and ".join(parts) + ")"


def find(f: Emitter, node: ast.AST, view: Value, needle: bytes, start: Value | None) -> Value:
    """The offset of the first occurrence of ``needle`` at or behind ``start``, or -1."""
    assert isinstance(view.kind, OctetsKind)
    f.unit.touch(f, view.kind, "read")
    begin, end = view.code
    data = data_of(f, view.kind)
    at, result = f.keep(begin), f.temporary()
    if start is not None:
        value = int64(f, node, start, "find()")
        first = f.keep(value.code)
        f.line(f"if {first} < 0: {first} = max(0, {first} + ({end} - {begin}))")
        # Beyond any packet or stream, and no sum with it overflows.
        f.line(f"{at} = {begin} + min({first}, {FAR})")
    if not needle:
        return Value(INT, f.keep(f"{at} - {begin} if {at} <= {end} else -1"))
    f.line(f"{result} = -1")
    f.line(f"while {at} + {len(needle)} <= {end}:")
    with f.indent():
        f.line(f"if {match_text(f'{data} + {at}', needle)}:")
        with f.indent():
            f.line(f"{result} = {at} - {begin}")
            f.line("break")
        f.line(f"{at} += 1")
    return Value(INT, result)
