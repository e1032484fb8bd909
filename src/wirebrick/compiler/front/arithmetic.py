"""Arithmetic: exact as in Python as long as values fit 64 bits; what does not is a fault, never a wrong number.

Where only the low bits matter ``modular`` takes its place.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING

from wirebrick.compiler.front.convert import int64, integer, operand, to_float
from wirebrick.compiler.kinds import (
    FLOAT,
    INT,
    INT_MAX,
    INT_MIN,
    NAT,
    U64,
    WIDE_MAX,
    Bool,
    Float,
    Int,
    Value,
    Wide,
    constant,
)
from wirebrick.packet.faults import DIVISION, OVERFLOW, VALUE

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

FOLD = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.Div: operator.truediv,
}
SIGNS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
CHECKED = {ast.Add: ("add", "+"), ast.Sub: ("sub", "-"), ast.Mult: ("mul", "*")}


def binary(f: Emitter, node: ast.AST, op: ast.operator, left: Value, right: Value) -> Value:
    """``left op right``; ``node`` is where it is written."""
    kind = type(op)
    if kind not in FOLD:
        f.refuse(node, f"{kind.__name__} is not supported", "write it with + - * // % << >> & | ^")
    if left.is_const and right.is_const and not isinstance(left.kind, Float):
        return _folded(f, node, kind, left, right)
    if isinstance(left.kind, Wide) or isinstance(right.kind, Wide):
        from wirebrick.compiler.front.wide import wide_binary

        return wide_binary(f, node, kind, left, right)
    if isinstance(left.kind, Float) or isinstance(right.kind, Float) or kind is ast.Div:
        return _float(f, node, kind, left, right)
    if not isinstance(left.kind, Int | Bool) or not isinstance(right.kind, Int | Bool):
        f.refuse(node, f"{SIGNS.get(kind, kind.__name__)} of {left.kind} and {right.kind}")
    left, right = integer(f, node, left), integer(f, node, right)
    if kind in CHECKED:
        return _checked(f, node, kind, left, right)
    if kind in (ast.BitAnd, ast.BitOr, ast.BitXor):
        return _bitwise(f, node, kind, left, right)
    if kind in (ast.LShift, ast.RShift):
        return _shift(f, node, kind, left, right)
    return _divide(f, node, kind, left, right)


def _folded(f: Emitter, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
    try:
        if kind is ast.LShift and right.const > 128:
            raise OverflowError
        result = FOLD[kind](_plain(left.const), _plain(right.const))
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        return f.refuse(node, f"this constant can't be computed: {error}")
    if not isinstance(result, float) and not INT_MIN <= result <= WIDE_MAX:
        f.refuse(node, "this constant does not fit 128 bits")
    return constant(result)


def _plain(number: int) -> int:
    return int(number)


def _range(*values: Value) -> bool:
    """Whether no value can be negative."""
    return all(isinstance(v.kind, Int) and v.kind.range in ("nat", "u64") for v in values)


def _is(value: Value, name: str) -> bool:
    return isinstance(value.kind, Int) and value.kind.range == name


def _checked(f: Emitter, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
    left, right = operand(f, node, "left", left), operand(f, node, "right", right)
    name, sign = CHECKED[kind]
    a, b = left.code, right.code
    positive = _range(left, right) and kind is not ast.Sub
    small = kind is ast.Sub and _range(left, right)  # a difference of two naturals always fits
    if not small:
        f.unit.note(node, "int")
        a, b = f.keep(a), f.keep(b)
        f.fault_if(f"{name}_overflows({a}, {b})", OVERFLOW)
    return Value(NAT if positive else INT, f.keep(f"{a} {sign} {b}"))


def _bitwise(f: Emitter, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
    sign = SIGNS[kind]
    if kind is not ast.BitAnd and not _range(left, right) and (_is(left, "u64") or _is(right, "u64")):
        # Exact, the result has the sign of the operand that has one: it fits if bit 63 says the same.
        f.unit.note(node, "int")
        which = f.keep(left.code if _is(left, "int") else right.code)
        code = f.keep(f"{left.code} {sign} {right.code}")
        f.fault_if(f"({code} ^ {which}) < 0", OVERFLOW)
        return Value(INT, code)
    code = f"({left.code} {sign} {right.code})"
    if kind is ast.BitAnd and (_is(left, "nat") or _is(right, "nat")):
        return Value(NAT, code)
    if _is(left, "nat") and _is(right, "nat"):
        return Value(NAT, code)
    if _is(left, "u64") or _is(right, "u64"):
        return Value(U64, code)
    return Value(INT, code)


def _shift(f: Emitter, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
    if kind is ast.LShift:
        left = operand(f, node, "left", left)
    right = shift_count(f, node, right)
    if kind is ast.RShift:
        if right.is_const and right.const > 63:
            right = constant(63) if _is(left, "int") else right
        if right.is_const:
            count = right.const
            if count > 63:
                return constant(0)
            if _is(left, "u64"):
                code = f"shift_right({left.code}, {count})"
                return Value(NAT if count else U64, code)
            return Value(left.kind if _is(left, "int") else NAT, f"({left.code} >> {count})")
        function = "u_shift_right" if _is(left, "u64") else "i_shift_right"
        result = U64 if _is(left, "u64") else (NAT if _is(left, "nat") else INT)
        return Value(result, f.keep(f"{function}({left.code}, {right.code})"))
    f.unit.note(node, "int")
    f.unit.note(node, "shift")
    a, n = f.keep(left.code), right.code
    f.fault_if(f"shl_overflows({a}, {n})", OVERFLOW)
    return Value(NAT if _is(left, "nat") else INT, f.keep(f"shift_left({a}, {n})"))


def shift_count(f: Emitter, node: ast.AST, bits: Value) -> Value:
    """By how many bits to shift: a negative number is a fault, 64 stands for all that are larger."""
    bits = integer(f, node, bits)
    if bits.is_const:
        if bits.const < 0:
            f.refuse(node, "a shift by a negative number")
        return constant(min(bits.const, 64))
    count = f.keep(bits.code)
    if _is(bits, "u64"):
        count = f.keep(f"64 if {count} < 0 else {count}")
    elif _is(bits, "int"):
        f.fault_if(f"{count} < 0", VALUE)
    return Value(NAT, count)


def _divide(f: Emitter, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
    divide = kind is ast.FloorDiv
    if not _range(left, right):
        left, right = operand(f, node, "left", left), operand(f, node, "right", right)
    if right.is_const:
        if right.const == 0:
            f.refuse(node, "a division by zero")
    else:
        right = Value(right.kind, f.keep(right.code))
        f.fault_if(f"{right.code} == 0", DIVISION)
    if _range(left, right):
        code = f"{'u_div' if divide else 'u_mod'}({left.code}, {right.code})"
        other = left if divide else right
        result = U64 if _is(other, "u64") and not (divide and right.is_const and right.const > 1) else NAT
        if not divide and _is(left, "nat"):
            result = NAT
        return Value(result, f.keep(code))
    a, b = f.keep(left.code), right.code
    if divide:
        f.unit.note(node, "int")
        f.fault_if(f"{b} == -1 and {a} == {INT_MIN + 1} - 1", OVERFLOW)
        return Value(INT, f.keep(f"floor_div({a}, {b})"))
    return Value(NAT if _is(right, "nat") else INT, f.keep(f"floor_mod({a}, {b})"))


def _float(f: Emitter, node: ast.AST, kind: type[ast.operator], left: Value, right: Value) -> Value:
    left, right = to_float(f, node, left), to_float(f, node, right)
    if kind is ast.Div:
        f.unit.note(node, "floats")  # Python divides integers of more than 53 bits more exactly
        divisor = f.keep(right.code)
        f.fault_if(f"{divisor} == 0.0", DIVISION)
        return Value(FLOAT, f.keep(f"{left.code} / {divisor}"))
    if kind not in CHECKED:
        f.refuse(node, f"{SIGNS.get(kind, kind.__name__)} of floats is not supported", "int(...) first")
    return Value(FLOAT, f.keep(f"{left.code} {CHECKED[kind][1]} {right.code}"))


def negative(f: Emitter, node: ast.UnaryOp, value: Value) -> Value:
    """``-value``."""
    if value.is_const:
        if -value.const < INT_MIN:
            f.refuse(node, "this constant does not fit 64 bits")
        return constant(-value.const)
    if isinstance(value.kind, Float):
        return Value(FLOAT, f"(-{value.code})")
    return binary(f, node, ast.Sub(), constant(0), int64(f, node.operand, value))


def inverted(f: Emitter, node: ast.UnaryOp, value: Value) -> Value:
    """``~value``."""
    if value.is_const:
        if value.const > INT_MAX:
            f.refuse(node, "this constant does not fit 64 bits")
        return constant(~int(value.const))
    value = int64(f, node.operand, value)
    return Value(INT, f"(~{value.code})")
