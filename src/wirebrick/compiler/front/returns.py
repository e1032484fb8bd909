"""Returns: what a function gives back, and how its code says so."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.convert import int64
from wirebrick.compiler.front.emitter import RETURN, Emitter
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.packets import HOLD
from wirebrick.compiler.front.records import copied
from wirebrick.compiler.front.statements import condition
from wirebrick.compiler.kinds import (
    NOTHING,
    Bool,
    Float,
    HeaderKind,
    Kind,
    Known,
    Nothing,
    OctetsKind,
    PacketKind,
    RecordKind,
    TupleKind,
    Wide,
)
from wirebrick.packet import frame
from wirebrick.packet.faults import INDEX
from wirebrick.runtime.hold_native import LATEST

if TYPE_CHECKING:
    from wirebrick.compiler.front.unit import Unit


def returned(unit: Unit, f: Emitter, node: ast.AST, value: ast.expr | None) -> None:
    """Emit a return."""
    result = f.rights.result
    if f.is_helper:
        _helper_return(unit, f, node, value)
    elif result == "none":
        if value is not None:
            expression(f, value)
        f.line("return fate")
    elif result == "consumed":
        from wirebrick.compiler.front.windows import consumed

        consumed(f, value)
    elif result == "time":
        _time(f, value)
    elif value is None or (isinstance(value, ast.Constant) and value.value is None):
        what = {
            "bool": "True or False",
            "group": "the number of a group",
            "number": "a number",
            "record": "a record",
        }[result]
        f.refuse(node, f"the function of {f.rights.operator}() must return {what} on every path")
    elif result == "bool":
        test = condition(f, value)
        f.line(f"return 1 if {test.code} else 0")
    elif result == "group":
        number = int64(f, value, expression(f, value), "a group")
        code = f.keep(number.code)
        f.fault_if(f"{code} < 0 or {code} >= {f.groups}", INDEX)
        f.line(f"return {code}")
    elif result == "number":
        number = int64(f, value, expression(f, value), "the number of a queue")
        queues = f.groups or f"load64({f.need('w')} + {frame.W_WORKERS})"
        code = f.keep(number.code)
        f.line(f"if {queues} == 1: return 0")  # a division takes longer than all the rest of a shuffle
        f.line(f"return floor_mod({code}, {queues})")
    else:
        record = expression(f, value)
        if not isinstance(record.kind, RecordKind) or record.kind.record is not f.schema:
            f.refuse(value, f"metadata() needs a {f.schema.__name__}, not {record.kind}")
        copied(f, f.need("attach"), record.code, record.kind.record.size)
        f.line("return 0")
    unit.ownership.finish(f, f.flow)
    f.exits.append(f.flow.clone())


def _time(f: Emitter, value: ast.expr | None) -> None:
    """When the packet goes on; without a value at once, if it has no other fate."""
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        f.line("return fate")
        return
    time = f.keep(int64(f, value, expression(f, value), "a time").code)
    f.line(f"return {HOLD} + min(max({time}, 0), {LATEST}) if fate == 0 else fate")


def _helper_return(unit: Unit, f: Emitter, node: ast.AST, value: ast.expr | None) -> None:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        kind: Kind = NOTHING
    else:
        got = expression(f, value)
        kind = got.kind
        if isinstance(kind, PacketKind | Known):
            f.refuse(value, f"{kind} can't be returned", "return a number, a header or a record")
        if isinstance(kind, OctetsKind):
            f.refuse(value, "bytes of a packet can't be returned", "return offsets into them")
        if isinstance(kind, TupleKind) and any(
            isinstance(item, RecordKind) and item.fresh for item in kind.items
        ):
            f.refuse(value, "a record that is made here can't be returned in a tuple", "return it by itself")
        if not isinstance(kind, Nothing):
            f.bind(value, RETURN, got)
            kind = f.values[RETURN].kind
    before = f.result_kind
    if before is not None and isinstance(before, Nothing) != isinstance(kind, Nothing):
        f.refuse(node, "the function returns a value on some paths only", "return one on every path")
    f.result_kind = kind
    f.line("return @VALUE@")


def flat(codes: Any) -> list[str]:
    """The names in pairs and tuples of codes."""
    if isinstance(codes, tuple):
        return [name for code in codes for name in flat(code)]
    return [] if codes is None else [codes]


def _zeros(kind: Kind) -> list[str]:
    if isinstance(kind, TupleKind):
        return [zero for item in kind.items for zero in _zeros(item)]
    if isinstance(kind, Wide | OctetsKind):
        return ["0", "0"]
    if isinstance(kind, Bool):
        return ["False"]
    if isinstance(kind, Float):
        return ["0.0"]
    return [] if isinstance(kind, Nothing | HeaderKind) else ["0"]


def resolved(f: Emitter, top: bool, method: bool = False) -> list[str]:
    """The lines of a function with its returns written out."""
    kind = f.result_kind or NOTHING
    if top:
        fault, value = "{}", "fate"
    elif method:
        zero = _zeros(kind)[0] if _zeros(kind) else "0"
        fault, value = f"{{}}, {zero}", f"0, {flat(f.values[RETURN].code)[0]}"
    else:
        zeros = "".join(f", {zero}" for zero in _zeros(kind))
        fault = f"{{}}, left, 0{zeros}"
        names = flat(f.values[RETURN].code) if RETURN in f.values and not isinstance(kind, Nothing) else []
        value = "".join(["0, left, fate", *(f", {name}" for name in names)])
    lines = []
    begin = [f"    {copy} = False" for copy in f.declared_copies]
    if f.unit.shared.tapped:
        begin += [f"    {descriptor} = 0" for descriptor in f.declared_copies.values()]
    for line in [*begin, *f.lines]:
        line = line.replace("@VALUE@", value)
        for mark in ("@FAULT(", "@STATUS("):
            if mark in line:
                head, _, rest = line.partition(mark)
                code, _, tail = rest.partition(")@")
                line = head + fault.format(code) + tail
        lines.append(line)
    return lines
