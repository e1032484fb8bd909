"""Calls: methods of packets, bytes and state objects, a few builtins, records, and other plain functions."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from wirebrick.addresses import Address
from wirebrick.compiler.front import octets
from wirebrick.compiler.front.convert import converted, int64, integer, to_float, truth, unified
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.kinds import (
    FLOAT,
    INT,
    NAT,
    NOTHING,
    U64,
    Float,
    HeaderKind,
    Int,
    Known,
    OctetsKind,
    PacketKind,
    RecordKind,
    TupleKind,
    Value,
    Wide,
    constant,
)
from wirebrick.packet import memory
from wirebrick.packet.faults import OVERFLOW, VALUE
from wirebrick.state.base import State
from wirebrick.state.record import Record

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def call(f: Emitter, node: ast.Call) -> Value:
    """A call."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        f.refuse(node, "* is not supported in a call", "name the arguments")
    if isinstance(node.func, ast.Attribute):
        holder = expression(f, node.func.value)
        kind = holder.kind
        if isinstance(kind, PacketKind):
            from wirebrick.compiler.front.packets import packet_method

            return packet_method(f, node, kind, node.func.attr)
        if isinstance(kind, OctetsKind):
            return _octets_method(f, node, holder, node.func.attr)
        if isinstance(kind, Known) and isinstance(kind.value, State):
            from wirebrick.compiler.front.state import method

            return method(f, node, kind.value, node.func.attr, _arguments(f, node))
        if isinstance(kind, HeaderKind | RecordKind):
            return _method(f, node, holder, node.func.attr)
    function = expression(f, node.func)
    if not isinstance(function.kind, Known):
        f.refuse(node, f"{function.kind} can't be called")
    return _known_call(f, node, function.kind.value)


def _argument(f: Emitter, node: ast.Call, name: str) -> Value:
    values = _arguments(f, node)
    if len(values) != 1:
        f.refuse(node, f"{name}() takes one argument here, not {len(values)}")
    return values[0]


def _arguments(f: Emitter, node: ast.Call) -> list[Value]:
    if node.keywords:
        f.refuse(node, "this takes no keyword arguments")
    return [expression(f, argument) for argument in node.args]


def _method(f: Emitter, node: ast.Call, holder: Value, name: str) -> Value:
    """A method that a user's header or record class defines: a plain function of its view."""
    kind = holder.kind
    owner = kind.slot.header if isinstance(kind, HeaderKind) else kind.record  # type: ignore[union-attr]
    for base in owner.__mro__:
        member = base.__dict__.get(name)
        if inspect.isfunction(member):
            if base.__module__.startswith("wirebrick.") and name in ("header_length", "claimed_payload", "valid"):
                assert isinstance(kind, HeaderKind)
                return f.unit.header_method(f, node, kind, member)
            f.unit.note(node, "method")
            return f.unit.call_function(f, node, member, [holder, *_arguments(f, node)], {})
    return f.refuse(node, f"{owner.__name__} has no method {name}")


def _octets_method(f: Emitter, node: ast.Call, view: Value, name: str) -> Value:
    if name in octets.READS:
        arguments = _arguments(f, node)
        if len(arguments) != 1:
            f.refuse(node, f"{name}() takes an offset")
        return octets.load(f, node, view, arguments[0], octets.READS[name])
    if name in octets.WRITES:
        arguments = _arguments(f, node)
        if len(arguments) != 2:
            f.refuse(node, f"{name}() takes an offset and a value")
        value = arguments[1]
        code = value.code[1] if isinstance(value.kind, Wide) else integer(f, node, value).code
        octets.store(f, node, view, arguments[0], octets.WRITES[name], code)
        return Value(NOTHING, "0")
    if name in ("startswith", "find"):
        argument = expression(f, node.args[0]) if len(node.args) == 1 else None
        if argument is None or not isinstance(argument.kind, Known) or not isinstance(argument.kind.value, bytes):
            f.refuse(node, f'{name}() takes constant bytes, such as b"GET "')
        data = argument.kind.value
        return octets.startswith(f, view, data) if name == "startswith" else octets.find(f, view, data)
    if name in ("resize", "insert", "delete"):
        from wirebrick.compiler.front.resize import resize

        return resize(f, node, view, name, _arguments(f, node))
    return f.refuse(node, f"bytes of a packet have no {name}()", "there are u8 .. u64, put_u8 .. put_u64, startswith, find")


def _known_call(f: Emitter, node: ast.Call, function: Any) -> Value:
    if function is memory.cycles:
        return Value(INT, f.keep("cycles()"))
    if function in BUILTINS:
        return BUILTINS[function](f, node)
    if isinstance(function, type):
        if issubclass(function, Record):
            from wirebrick.compiler.front.records import construct

            return construct(f, node, function)
        if issubclass(function, Address):
            return _address(f, node, function)
        f.refuse(node, f"{function.__name__}() can't be called in a user function")
    if function in (print, breakpoint) and f.unit.shared.interpreted:
        return Value(NOTHING, "0")
    if function in (print, breakpoint, input):
        f.refuse(
            node,
            f"{function.__name__}() does not exist in compiled code",
            "run with --interpret to use it",
        )
    if inspect.isfunction(function):
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                f.refuse(node, "** is not supported in a call", "name the arguments")
            keywords[keyword.arg] = expression(f, keyword.value)
        return f.unit.call_function(f, node, function, [expression(f, a) for a in node.args], keywords)
    name = getattr(function, "__name__", repr(function))
    return f.refuse(node, f"{name}() can't be called in a user function", "write it as a plain Python function")


def _address(f: Emitter, node: ast.Call, kind: type[Address]) -> Value:
    value = _argument(f, node, kind.__name__)
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
    value = _argument(f, node, "len")
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
    values = _arguments(f, node)
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
            result = Value(kind, f.keep(f"{a.code if name == 'min' else b.code} if {first} else {b.code if name == 'min' else a.code}"))
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
    value = _argument(f, node, "abs")
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
    value = _argument(f, node, "int")
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
    value = _argument(f, node, "bool")
    return truth(f, node, value)


def _float(f: Emitter, node: ast.Call) -> Value:
    value = _argument(f, node, "float")
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
