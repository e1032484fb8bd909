"""The builtins that user functions may call: len, min, max, abs, int, bool, float, and addresses."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.addresses import Address
from wirebrick.compiler.front import octets
from wirebrick.compiler.front.convert import converted, integer, to_float, truth, unified
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.kinds import (
    FLOAT,
    INT,
    NAT,
    U64,
    Float,
    Int,
    Known,
    OctetsKind,
    PacketKind,
    TupleKind,
    Value,
    Wide,
    constant,
)
from wirebrick.packet.faults import OVERFLOW, VALUE

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def argument(f: Emitter, node: ast.Call, name: str) -> Value:
    """The only argument of a call."""
    values = arguments(f, node)
    if len(values) != 1:
        f.refuse(node, f"{name}() takes one argument here, not {len(values)}")
    return values[0]


def arguments(f: Emitter, node: ast.Call) -> list[Value]:
    """The arguments of a call that takes none by name."""
    if node.keywords:
        f.refuse(node, "this takes no keyword arguments")
    return [expression(f, argument) for argument in node.args]


def address(f: Emitter, node: ast.Call, kind: type[Address]) -> Value:
    """``IPv4Address(...)`` and the like."""
    value = argument(f, node, kind.__name__)
    try:
        if isinstance(value.kind, Known) and isinstance(value.kind.value, str):
            return constant(kind(value.kind.value))
        if value.is_const:
            return constant(kind(int(value.const)))
    except ValueError as error:
        f.refuse(node, str(error))
    if kind.bits == 128:
        from wirebrick.compiler.front.convert import widen

        wide = widen(f, node, value)
        return Value(Wide(kind), wide.code)
    number = integer(f, node, value)
    code = f.keep(number.code)
    f.fault_if(f"not u_less({code}, {1 << kind.bits})", VALUE)
    return Value(Int("nat", kind), code)


def _len(f: Emitter, node: ast.Call) -> Value:
    value = argument(f, node, "len")
    kind = value.kind
    if isinstance(kind, OctetsKind):
        f.unit.touch(f, kind, "read")
        return octets.length(f, value)
    if isinstance(kind, TupleKind):
        return constant(len(kind.items))
    if isinstance(kind, Known) and isinstance(kind.value, bytes):
        return constant(len(kind.value))
    if isinstance(kind, Known):
        from wirebrick.compiler.front.state import length

        return length(f, node, kind.value)
    if isinstance(kind, PacketKind):
        f.refuse(node, "a packet has no len()", "packet.length is its length on the wire")
    return f.refuse(node, f"{kind} has no length")


def _least(f: Emitter, node: ast.Call, name: str) -> Value:
    values = arguments(f, node)
    if len(values) < 2:
        f.refuse(node, f"{name}() takes two values or more")
    result = values[0]
    for value in values[1:]:
        kind = unified(f, node, result.kind, value.kind)
        if not isinstance(kind, Int | Float):
            f.refuse(node, f"{name}() takes numbers")
        if isinstance(kind, Int) and kind.range == "int" and "u64" in (_range_of(result), _range_of(value)):
            result = _least_mixed(f, name, result, value)
            continue
        a, b = converted(f, node, result, kind), converted(f, node, value, kind)
        if a.is_const and b.is_const:
            result = constant(min(a.const, b.const) if name == "min" else max(a.const, b.const))
        elif isinstance(kind, Int) and kind.range == "u64":
            first = f"u_less({a.code}, {b.code})"
            yes, no = (a.code, b.code) if name == "min" else (b.code, a.code)
            result = Value(kind, f.keep(f"{yes} if {first} else {no}"))
        else:
            # Python's min and max give the first of equals, and compare as < does: the same for all numbers.
            sign = "<" if name == "min" else ">"
            x, y = f.keep(a.code), f.keep(b.code)
            result = Value(kind, f.keep(f"{y} if {y} {sign} {x} else {x}"))
    return result


def _range_of(value: Value) -> str:
    return value.kind.range if isinstance(value.kind, Int) else ""


def _least_mixed(f: Emitter, name: str, a: Value, b: Value) -> Value:
    """min() or max() of an unsigned and a signed integer: exact, for the result fits the one or the other."""
    large, small = (a, b) if _range_of(a) == "u64" else (b, a)
    u, s = f.keep(large.code), f.keep(small.code)
    if name == "min":
        return Value(INT, f.keep(f"{u} if {s} >= 0 and u_less({u}, {s}) else {s}"))
    return Value(U64, f.keep(f"{u} if {s} < 0 or u_less({s}, {u}) else {s}"))


def _min(f: Emitter, node: ast.Call) -> Value:
    return _least(f, node, "min")


def _max(f: Emitter, node: ast.Call) -> Value:
    return _least(f, node, "max")


def _abs(f: Emitter, node: ast.Call) -> Value:
    value = argument(f, node, "abs")
    if value.is_const:
        return constant(abs(value.const))
    if isinstance(value.kind, Float):
        return Value(FLOAT, f.keep(f"abs({value.code})"))
    number = integer(f, node, value)
    code = f.keep(number.code)
    if _range_of(number) == "u64":
        return Value(number.kind, code)
    f.unit.note(node, "int")
    f.fault_if(f"{code} == -9223372036854775807 - 1", OVERFLOW)
    return Value(NAT, f.keep(f"{code} if {code} >= 0 else -{code}"))


def _int(f: Emitter, node: ast.Call) -> Value:
    value = argument(f, node, "int")
    if isinstance(value.kind, Float):
        code = f.keep(value.code)
        f.fault_if(f"{code} != {code}", VALUE)
        f.unit.note(node, "int")
        f.fault_if(f"not ({code} >= -9223372036854775808.0 and {code} < 9223372036854775808.0)", OVERFLOW)
        return Value(INT, f.keep(f"to_int({code})"))
    if isinstance(value.kind, Wide):
        return Value(Wide(None), value.code, value.const)
    number = integer(f, node, value)
    assert isinstance(number.kind, Int)
    return Value(Int(number.kind.range), number.code, None if number.const is None else int(number.const))


def _bool(f: Emitter, node: ast.Call) -> Value:
    value = argument(f, node, "bool")
    return truth(f, node, value)


def _float(f: Emitter, node: ast.Call) -> Value:
    value = argument(f, node, "float")
    return to_float(f, node, value)


def _range(f: Emitter, node: ast.Call) -> Value:
    return f.refuse(node, "range() stands in a for loop only")


BUILTINS: dict[Any, Any] = {
    len: _len,
    min: _min,
    max: _max,
    abs: _abs,
    int: _int,
    bool: _bool,
    float: _float,
    range: _range,
}
