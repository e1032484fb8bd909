"""Expressions of user functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front import arithmetic
from wirebrick.compiler.front.compare import compare
from wirebrick.compiler.front.convert import converted, truth, unified
from wirebrick.compiler.front.outer import known
from wirebrick.compiler.kinds import (
    BOOL,
    NOTHING,
    Bool,
    Float,
    Int,
    Kind,
    Known,
    OctetsKind,
    PacketKind,
    TupleKind,
    Value,
    constant,
)
from wirebrick.compiler.source import MISSING

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter
    from wirebrick.compiler.front.flow import Flow

REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.List: ("a list can't be made for each packet", "use a tuple, an Array or a Table"),
    ast.Dict: ("a dict can't be made for each packet", "use a Table of wirebrick"),
    ast.Set: ("a set can't be made for each packet", "test membership in a tuple: x in (1, 2, 3)"),
    ast.ListComp: ("a comprehension is not supported", "write a for loop"),
    ast.GeneratorExp: ("a generator is not supported", "write a for loop"),
    ast.DictComp: ("a comprehension is not supported", "write a for loop"),
    ast.SetComp: ("a comprehension is not supported", "write a for loop"),
    ast.JoinedStr: (
        "text can't be made for each packet",
        "count with a Counter, or run with --interpret to print",
    ),
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


def _name(f: Emitter, node: ast.Name) -> Value:
    if node.id in f.values or node.id in f.unit.local_names(f.source):
        if node.id not in f.flow.defined and f.flow.reached:
            f.refuse(
                node, f"{node.id} may have no value here", "give it one before, on every way to this line"
            )
        value = f.values[node.id]
        if isinstance(value.kind, PacketKind):
            f.unit.ownership.used(f, node, value.kind.number)
        elif isinstance(value.kind, OctetsKind):
            f.unit.ownership.used(f, node, value.kind.packet)
            if value.kind.whole:  # the payload as it is now: it may have been resized
                from wirebrick.compiler.front.access import payload_bounds

                return Value(value.kind, payload_bounds(f, PacketKind(value.kind.packet)))
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
        from wirebrick.compiler.front.modular import masked

        value = masked(f, node)
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
