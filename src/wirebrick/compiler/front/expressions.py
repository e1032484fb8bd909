"""Expressions of user functions."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from wirebrick.addresses import Network
from wirebrick.compiler.front import arithmetic
from wirebrick.compiler.front.convert import converted, integer, to_float, truth, unified
from wirebrick.compiler.front.wide import in_network, wide_compare
from wirebrick.compiler.kinds import (
    BOOL,
    NOTHING,
    Bool,
    Float,
    Int,
    Kind,
    Known,
    Nothing,
    OctetsKind,
    PacketKind,
    PortKind,
    RecordKind,
    TupleKind,
    Value,
    Wide,
    constant,
)
from wirebrick.compiler.source import MISSING

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter, Flow

MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}
SYMBOLS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.List: ("a list can't be made for each packet", "use a tuple, an Array or a Table"),
    ast.Dict: ("a dict can't be made for each packet", "use a Table of wirebrick"),
    ast.Set: ("a set can't be made for each packet", "test membership in a tuple: x in (1, 2, 3)"),
    ast.ListComp: ("a comprehension is not supported", "write a for loop"),
    ast.GeneratorExp: ("a generator is not supported", "write a for loop"),
    ast.DictComp: ("a comprehension is not supported", "write a for loop"),
    ast.SetComp: ("a comprehension is not supported", "write a for loop"),
    ast.JoinedStr: ("text can't be made for each packet", "count with a Counter, or run with --interpret to print"),
    ast.Lambda: ("a function can't be made for each packet", "define it outside"),
    ast.Await: ("await is not supported", "a user function runs to completion"),
    ast.Yield: ("yield is not supported", "a user function runs to completion"),
    ast.YieldFrom: ("yield is not supported", "a user function runs to completion"),
    ast.NamedExpr: (":= is not supported", "assign on a line of its own"),
    ast.Starred: ("* is not supported here", "name the values"),
}


def expression(f: Emitter, node: ast.expr) -> Value:
    """Emit code for an expression; its value."""
    handler = HANDLERS.get(type(node))
    if handler is None:
        message, cure = REFUSED.get(type(node), (f"{type(node).__name__} is not supported", ""))
        f.refuse(node, message, cure)
    f.check_depth(node)
    value: Value = handler(f, node)
    return value


def kind_of(f: Emitter, node: ast.expr) -> Kind:
    """The kind of an expression, without emitting anything."""
    state = (len(f.lines), f.temporaries, f.flow.clone(), set(f.used), f.unit.snapshot())
    try:
        return expression(f, node).kind
    finally:
        del f.lines[state[0] :]
        f.temporaries, f.flow, f.used = state[1], state[2], state[3]
        f.unit.restore(state[4])


def constant_of(f: Emitter, node: ast.expr) -> Any:
    """The number that an expression is known to be, or None."""
    if isinstance(node, ast.Constant | ast.Name | ast.Attribute | ast.BinOp | ast.UnaryOp):
        if isinstance(node, ast.Name) and node.id in f.values:
            return None
        if any(isinstance(part, ast.Name) and part.id in f.values for part in ast.walk(node)):
            return None
        if any(isinstance(part, ast.Call | ast.Subscript) for part in ast.walk(node)):
            return None
        return expression(f, node).const
    return None


def _constant(f: Emitter, node: ast.Constant) -> Value:
    if node.value is None:
        return Value(NOTHING, "0")
    if isinstance(node.value, bool | int | float):
        if isinstance(node.value, int) and node.value >= 1 << 128:
            f.refuse(node, "this number does not fit 128 bits")
        return constant(node.value)
    if isinstance(node.value, str | bytes):
        return Value(Known(node.value), None)
    return f.refuse(node, f"{node.value!r} is not supported")


def known(f: Emitter, node: ast.AST, name: str, value: Any) -> Value:
    """The value of an object from outside of the function."""
    from wirebrick.state.base import State

    if isinstance(value, bool | int | float):
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 128:
            f.refuse(node, f"{name} = {value} does not fit 128 bits")
        return constant(value)
    if value is None:
        return Value(NOTHING, "0")
    if isinstance(value, tuple):
        items = [known(f, node, name, item) for item in value]
        return Value(TupleKind(tuple(i.kind for i in items)), tuple(i.code for i in items), tuple(value))
    if isinstance(value, str | bytes | Network | State | ModuleType):
        return Value(Known(value), None)
    if inspect.isfunction(value) or inspect.isbuiltin(value):
        return Value(Known(value), None)
    if isinstance(value, type):
        return Value(Known(value), None)  # to be called, or for the constants in it
    cure = "numbers, addresses, networks, bytes, tuples, state objects and plain functions can be used"
    if isinstance(value, list | set | dict | bytearray):
        cure = f"make it a tuple if it does not change, else use an Array or a Table ({cure})"
    elif type(value).__module__ == "ipaddress":
        cure = f'use wirebrick.{type(value).__name__.removesuffix("Interface")}("{value}")'
    return f.refuse(node, f"{name} is a {type(value).__name__}: that can't be used in a user function", cure)


def _name(f: Emitter, node: ast.Name) -> Value:
    if node.id in f.values or node.id in f.unit.local_names(f.source):
        if node.id not in f.flow.defined and f.flow.reached:
            f.refuse(node, f"{node.id} may have no value here", "give it one before, on every way to this line")
        value = f.values[node.id]
        if isinstance(value.kind, PacketKind):
            f.unit.ownership.used(f, node, value.kind.number)
        return value
    value = f.source.lookup(node.id)
    if value is MISSING:
        f.refuse(node, f"{node.id} is not defined")
    return known(f, node, node.id, value)


def _tuple(f: Emitter, node: ast.Tuple) -> Value:
    items = []
    for element in node.elts:
        item = expression(f, element)
        if isinstance(item.kind, PacketKind):
            f.refuse(element, "a packet can't be kept in a tuple", "a packet is in one place only")
        items.append(item)
    const = tuple(i.const for i in items) if all(i.is_const for i in items) else None
    return Value(TupleKind(tuple(i.kind for i in items)), tuple(i.code for i in items), const)


def _unary(f: Emitter, node: ast.UnaryOp) -> Value:
    value = expression(f, node.operand)
    if isinstance(node.op, ast.Not):
        value = truth(f, node.operand, value)
        return constant(not value.const) if value.is_const else Value(BOOL, f"(not {value.code})")
    if not isinstance(value.kind, Int | Float | Bool):
        f.refuse(node, f"this is not defined for {value.kind}")
    if isinstance(node.op, ast.USub):
        return arithmetic.negative(f, node, value)
    if isinstance(node.op, ast.Invert):
        return arithmetic.inverted(f, node, value)
    return value


def _binary(f: Emitter, node: ast.BinOp) -> Value:
    if isinstance(node.op, ast.BitAnd):
        value = arithmetic.masked(f, node)
        if value is not None:
            return value
    left = expression(f, node.left)
    right = expression(f, node.right)
    return arithmetic.binary(f, node, node.op, left, right)


def _boolean(f: Emitter, node: ast.BoolOp) -> Value:
    is_and = isinstance(node.op, ast.And)
    result = f.temporary()
    depth = 0
    ways: list[Flow] = []  # where the rest is left out
    for operand in node.values:
        value = expression(f, operand)
        if not isinstance(value.kind, Bool) and not f.unit.in_condition(node):
            f.refuse(
                operand,
                f"and/or of {value.kind} as a value is not supported",
                "write it as: x if condition else y",
            )
        value = truth(f, operand, value)
        f.line(f"{result} = {value.code}")
        if operand is not node.values[-1]:
            f.line(f"if {result}:" if is_and else f"if not {result}:")
            f.depth += 1
            depth += 1
            ways.append(f.flow.clone())
    f.depth -= depth
    for way in ways:
        f.flow.merge(way)
    return Value(BOOL, result)


def _conditional(f: Emitter, node: ast.IfExp) -> Value:
    test = truth(f, node.test, expression(f, node.test))
    if test.is_const:
        return expression(f, node.body if test.const else node.orelse)
    stem = f.temporary()
    f.line(f"if {test.code}:")
    start = len(f.lines)
    f.depth += 1
    before = f.flow.clone()
    a = expression(f, node.body)
    after_a = f.flow
    f.flow = before
    middle = len(f.lines)
    b = expression(f, node.orelse)
    f.flow.merge(after_a)
    kind = unified(f, node, a.kind, b.kind)
    code_b = f.lines[middle:]
    del f.lines[middle:]
    names = f.codes(kind, stem)
    f.assign(names, converted(f, node, a, kind).code)
    if len(f.lines) == start:
        f.line("pass")
    f.depth -= 1
    f.line("else:")
    f.depth += 1
    f.lines += code_b
    f.assign(names, converted(f, node, b, kind).code)
    f.depth -= 1
    return Value(kind, names)


def _compare(f: Emitter, node: ast.Compare) -> Value:
    left = expression(f, node.left)
    if len(node.ops) == 1:
        right = expression(f, node.comparators[0])
        return compare(f, node, node.ops[0], left, right)
    result = f.temporary()
    depth = 0
    ways: list[Flow] = []
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = expression(f, comparator)
        f.line(f"{result} = {compare(f, node, op, left, right).code}")
        if comparator is not node.comparators[-1]:
            f.line(f"if {result}:")
            f.depth += 1
            depth += 1
            ways.append(f.flow.clone())
        left = right
    f.depth -= depth
    for way in ways:
        f.flow.merge(way)
    return Value(BOOL, result)


def compare(f: Emitter, node: ast.AST, op: ast.cmpop, left: Value, right: Value) -> Value:
    """One comparison."""
    if isinstance(op, ast.In | ast.NotIn):
        value = _member(f, node, left, right)
        if isinstance(op, ast.NotIn):
            return constant(not value.const) if value.is_const else Value(BOOL, f"(not {value.code})")
        return value
    if isinstance(op, ast.Is | ast.IsNot):
        if not isinstance(right.kind, Nothing):
            f.refuse(node, "is compares with None only", "use ==")
        if isinstance(left.kind, PortKind):
            sign = "==" if isinstance(op, ast.Is) else "!="
            return Value(BOOL, f"({left.code} {sign} 65535)")
        return constant(isinstance(left.kind, Nothing) == isinstance(op, ast.Is))
    symbol = SYMBOLS[type(op)]
    kinds = (left.kind, right.kind)
    for a, b in ((left, right), (right, left)):
        if isinstance(a.kind, Known) and isinstance(a.kind.value, str):
            return _text(f, node, op, b, a.kind.value)
        if isinstance(a.kind, Known) and isinstance(a.kind.value, bytes) and isinstance(b.kind, OctetsKind):
            from wirebrick.compiler.front.octets import equals

            return equals(f, node, op, b, a.kind.value)
    if isinstance(left.kind, RecordKind) and isinstance(right.kind, RecordKind) and isinstance(op, ast.Eq | ast.NotEq):
        if left.kind.record is not right.kind.record:
            f.refuse(node, f"{left.kind} and {right.kind} are never equal")
        same = f.keep(f"same_bytes({left.code}, {right.code}, {left.kind.record.size})")
        return Value(BOOL, f"({same} {'!=' if isinstance(op, ast.Eq) else '=='} 0)")
    if any(isinstance(kind, Wide) for kind in kinds):
        return wide_compare(f, node, op, left, right)
    if any(isinstance(kind, Float) for kind in kinds):
        return _floats(f, node, op, left, right)
    if not all(isinstance(kind, Int | Bool) for kind in kinds):
        f.refuse(node, f"{left.kind} can't be compared with {right.kind}")
    if left.is_const and right.is_const:
        return constant(bool(eval(f"{int(left.const)} {symbol} {int(right.const)}")))
    return _integers(f, node, op, left, right)


def _floats(f: Emitter, node: ast.AST, op: ast.cmpop, left: Value, right: Value) -> Value:
    """A comparison with at least one float; with an integer of more than 53 bits it is exact, as in Python."""
    if isinstance(left.kind, Float) and not isinstance(right.kind, Float) and not _exact(right):
        return _floats(f, node, MIRRORED.get(type(op), type(op))(), right, left)
    symbol = SYMBOLS[type(op)]
    if isinstance(left.kind, Int) and not _exact(left):
        function = "order_u64" if left.kind.range == "u64" else "order_int"
        order = f.keep(f"{function}({left.code}, {to_float(f, node, right).code})")
        return Value(BOOL, {">": f"({order} == 1)", ">=": f"(({order} & -2) == 0)"}.get(symbol, f"({order} {symbol} 0)"))
    return Value(BOOL, f"({to_float(f, node, left).code} {symbol} {to_float(f, node, right).code})")


def _exact(value: Value) -> bool:
    """Whether a float can hold the value."""
    return not isinstance(value.kind, Int) or (value.is_const and abs(value.const) <= 1 << 53)


def _integers(f: Emitter, node: ast.AST, op: ast.cmpop, left: Value, right: Value) -> Value:
    left, right = integer(f, node, left), integer(f, node, right)
    assert isinstance(left.kind, Int) and isinstance(right.kind, Int)
    symbol = SYMBOLS[type(op)]
    ranges = (left.kind.range, right.kind.range)
    if "u64" not in ranges:
        return Value(BOOL, f"({left.code} {symbol} {right.code})")
    if "int" in ranges:
        return _mixed(f, op, left, right)
    a, b = left.code, right.code
    if isinstance(op, ast.Eq | ast.NotEq):
        return Value(BOOL, f"({a} {symbol} {b})")
    if isinstance(op, ast.Gt | ast.LtE):
        a, b = b, a
    less = f"u_less({a}, {b})"
    return Value(BOOL, less if isinstance(op, ast.Lt | ast.Gt) else f"(not {less})")


def _mixed(f: Emitter, op: ast.cmpop, left: Value, right: Value) -> Value:
    """A comparison of an unsigned with a signed integer: a negative one is below all unsigned ones."""
    if left.kind.range == "int":  # type: ignore[attr-defined]
        return _mixed(f, MIRRORED.get(type(op), type(op))(), right, left)
    u, s = f.keep(left.code), f.keep(right.code)
    text = {
        ast.Eq: f"({s} >= 0 and {u} == {s})",
        ast.NotEq: f"({s} < 0 or {u} != {s})",
        ast.Lt: f"({s} >= 0 and u_less({u}, {s}))",
        ast.LtE: f"({s} >= 0 and not u_less({s}, {u}))",
        ast.Gt: f"({s} < 0 or u_less({s}, {u}))",
        ast.GtE: f"({s} < 0 or not u_less({u}, {s}))",
    }[type(op)]
    return Value(BOOL, text)


def _text(f: Emitter, node: ast.AST, op: ast.cmpop, value: Value, text: str) -> Value:
    if isinstance(value.kind, PortKind) and isinstance(op, ast.Eq | ast.NotEq):
        return Value(BOOL, f"({value.code} {SYMBOLS[type(op)]} {f.unit.port(f, node, text)})")
    if isinstance(value.kind, Known) and isinstance(value.kind.value, str):
        return constant((value.kind.value == text) == isinstance(op, ast.Eq))
    cure = ""
    if isinstance(value.kind, Int | Wide):
        name = value.kind.address.__name__ if value.kind.address else "IPv4Address"
        cure = f'addresses are numbers: compare with {name}("{text}")'
    return f.refuse(node, f"{value.kind} is never equal to a text", cure)


def _member(f: Emitter, node: ast.AST, left: Value, right: Value) -> Value:
    kind = right.kind
    if isinstance(kind, TupleKind):
        parts = []
        for position, item in enumerate(kind.items):
            const = right.const[position] if right.const is not None else None
            value = constant(const) if isinstance(const, int | float) else Value(item, right.code[position])
            if isinstance(item, Known) and isinstance(item.value, Network):
                parts.append(_member(f, node, left, Value(item, None)).code)
            else:
                parts.append(compare(f, node, ast.Eq(), left, value).code)
        return Value(BOOL, f"({' or '.join(parts)})") if parts else constant(False)
    if isinstance(kind, Known) and isinstance(kind.value, Network):
        network = kind.value
        if isinstance(left.kind, Wide):
            return in_network(f, left, int(network.address), network.mask)
        value = integer(f, node, left)
        if network.address_type.bits > 64:
            f.refuse(node, "an IPv4 address is never in an IPv6 network")
        return Value(BOOL, f"(({value.code} & {network.mask}) == {int(network.address)})")
    if isinstance(kind, Known):
        from wirebrick.compiler.front.state import contains

        return contains(f, node, left, kind.value)
    return f.refuse(node, f"in needs a tuple, a network or a table, not {kind}")


def _attribute(f: Emitter, node: ast.Attribute) -> Value:
    from wirebrick.compiler.front.access import attribute

    return attribute(f, node)


def _subscript(f: Emitter, node: ast.Subscript) -> Value:
    from wirebrick.compiler.front.access import subscript

    return subscript(f, node)


def _call(f: Emitter, node: ast.Call) -> Value:
    from wirebrick.compiler.front.calls import call

    return call(f, node)


HANDLERS: dict[type[ast.AST], Any] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Compare: _compare,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
}
