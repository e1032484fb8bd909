"""Comparisons: of numbers exactly as in Python, of ports and texts, of records, and membership."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.addresses import Network
from wirebrick.compiler.front.convert import integer, to_float
from wirebrick.compiler.front.wide import in_network, wide_compare
from wirebrick.compiler.kinds import (
    BOOL,
    Bool,
    Float,
    Int,
    Known,
    Nothing,
    OctetsKind,
    PortKind,
    RecordKind,
    TupleKind,
    Value,
    Wide,
    constant,
)

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}
SYMBOLS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


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
    if isinstance(left.kind, PortKind) and isinstance(right.kind, PortKind) and symbol in ("==", "!="):
        return Value(BOOL, f"({left.code} {symbol} {right.code})")
    for a, b in ((left, right), (right, left)):
        if isinstance(a.kind, Known) and isinstance(a.kind.value, str):
            return _text(f, node, op, b, a.kind.value)
        if isinstance(a.kind, Known) and isinstance(a.kind.value, bytes) and isinstance(b.kind, OctetsKind):
            from wirebrick.compiler.front.octets import equals

            return equals(f, node, op, b, a.kind.value)
    if (
        isinstance(left.kind, RecordKind)
        and isinstance(right.kind, RecordKind)
        and isinstance(op, ast.Eq | ast.NotEq)
    ):
        if left.kind.record is not right.kind.record:
            f.refuse(node, f"{left.kind} and {right.kind} are never equal")
        same = f.keep(f"same_words({left.code}, {right.code}, {left.kind.record.size})")
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
        # 2 stands for not a number, which is not greater.
        greater = {">": f"({order} == 1)", ">=": f"(({order} & -2) == 0)"}
        return Value(BOOL, greater.get(symbol, f"({order} {symbol} 0)"))
    return Value(BOOL, f"({to_float(f, node, left).code} {symbol} {to_float(f, node, right).code})")


def _exact(value: Value) -> bool:
    """Whether a float can hold the value."""
    return not isinstance(value.kind, Int) or (value.is_const and abs(value.const) <= 1 << 53)


def _integers(f: Emitter, node: ast.AST, op: ast.cmpop, left: Value, right: Value) -> Value:
    left, right = integer(f, node, left), integer(f, node, right)
    assert isinstance(left.kind, Int)
    assert isinstance(right.kind, Int)
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
