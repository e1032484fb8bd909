"""128-bit values (IPv6 addresses): bitwise operations, shifts by a constant, comparison."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.convert import widen
from wirebrick.compiler.kinds import BOOL, NAT, U64, U64_MAX, Int, Value, Wide, signed
from wirebrick.packet.faults import OVERFLOW

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

BITWISE = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}


def wide_binary(f: Emitter, node: ast.AST, kind: type, left: Value, right: Value) -> Value:
    """An operation with at least one wide operand."""
    if kind in BITWISE:
        a, b = widen(f, node, left), widen(f, node, right)
        high, low = (f"({x} {BITWISE[kind]} {y})" for x, y in zip(a.code, b.code, strict=True))
        if kind is ast.BitAnd and any(v.is_const and v.const <= U64_MAX for v in (a, b)):
            small = next(v.const for v in (a, b) if v.is_const and v.const <= U64_MAX)
            return Value(U64 if small >> 63 else NAT, low)
        return Value(Wide(), (high, low))
    if kind in (ast.LShift, ast.RShift) and right.is_const and 0 <= right.const < 128:
        value = _fixed(f, widen(f, node, left))
        if kind is ast.LShift and right.const:
            f.unit.note(node, "wide")
            lost = _shift(f, ast.RShift, value, 128 - right.const)
            f.fault_if(" or ".join(f"{word} != 0" for word in words(lost)), OVERFLOW)
        return _shift(f, kind, value, right.const)
    return f.refuse(
        node,
        "this is not supported for 128-bit values",
        "use & | ^, shifts by a constant and comparisons; (address >> 64) and (address & mask) give integers",
    )


def words(value: Value) -> tuple[str, str]:
    """High and low word of an integer, with its sign."""
    if isinstance(value.kind, Wide):
        high, low = value.code
        return high, low
    return (
        f"({value.code} >> 63)" if isinstance(value.kind, Int) and value.kind.range == "int" else "0"
    ), value.code


def low_bits128(f: Emitter, node: ast.expr) -> Value:
    """The low 128 bits of an expression that is stored into 128 bits: what a shift moves out is lost."""
    from wirebrick.compiler.front.expressions import constant_of, expression, kind_of

    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.LShift)
        and isinstance(kind_of(f, node.left), Wide)
    ):
        count = constant_of(f, node.right)
        if isinstance(count, int) and 0 <= count < 128:
            return _shift(f, ast.LShift, _fixed(f, low_bits128(f, node.left)), count)
    if isinstance(node, ast.BinOp) and type(node.op) in BITWISE and isinstance(kind_of(f, node), Wide):
        return wide_binary(f, node, type(node.op), low_bits128(f, node.left), low_bits128(f, node.right))
    return expression(f, node)


def _fixed(f: Emitter, value: Value) -> Value:
    high, low = words(value)
    return Value(Wide(), (f.keep(high), f.keep(low)))


def _shift(f: Emitter, kind: type, value: Value, count: int) -> Value:
    high, low = f.keep(value.code[0]), f.keep(value.code[1])
    if count == 0:
        return Value(Wide(), (high, low))
    if kind is ast.RShift:
        if count >= 64:
            code = f"shift_right({high}, {count - 64})" if count > 64 else high
            return Value(NAT if count > 64 else U64, code)
        joined = f"(shift_right({low}, {count}) | wrap_shl({high}, {64 - count}))"
        return Value(Wide(), (f"shift_right({high}, {count})", joined))
    if count >= 64:
        return Value(Wide(), (f"wrap_shl({low}, {count - 64})" if count > 64 else low, "0"))
    joined = f"(wrap_shl({high}, {count}) | shift_right({low}, {64 - count}))"
    return Value(Wide(), (joined, f"wrap_shl({low}, {count})"))


def wide_compare(f: Emitter, node: ast.AST, op: ast.cmpop, left: Value, right: Value) -> Value:
    """A comparison with at least one wide operand."""
    (ah, al), (bh, bl) = widen(f, node, left).code, widen(f, node, right).code
    if isinstance(op, ast.Eq):
        return Value(BOOL, f"({ah} == {bh} and {al} == {bl})")
    if isinstance(op, ast.NotEq):
        return Value(BOOL, f"({ah} != {bh} or {al} != {bl})")
    if isinstance(op, ast.Gt | ast.LtE):
        (ah, al), (bh, bl) = (bh, bl), (ah, al)
    less = f"(u_less({ah}, {bh}) or ({ah} == {bh} and u_less({al}, {bl})))"
    return Value(BOOL, less if isinstance(op, ast.Lt | ast.Gt) else f"(not {less})")


def in_network(f: Emitter, value: Value, address: int, mask: int) -> Value:
    """Whether a wide value has the prefix ``address``/``mask``."""
    high, low = value.code
    parts = []
    for code, prefix, bits in ((high, address >> 64, mask >> 64), (low, address & U64_MAX, mask & U64_MAX)):
        if bits:
            parts.append(f"({code} & {signed(bits)}) == {signed(prefix)}")
    return Value(BOOL, f"({' and '.join(parts)})" if parts else "True", None if parts else True)
