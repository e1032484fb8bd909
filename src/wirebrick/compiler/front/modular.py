"""Arithmetic of which only the low bits matter: below ``& mask``, or stored into a field of up to 64 bits.

Sums, products and shifts to the left wrap around, which gives Python's bits without a check.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.arithmetic import CHECKED, SIGNS, shift_count
from wirebrick.compiler.front.convert import integer
from wirebrick.compiler.kinds import INT_MAX, NAT, U64, U64_MAX, Int, Value, Wide, constant

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

MODULAR = (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)


def low_bits(f: Emitter, node: ast.expr) -> str:
    """The low 64 bits of an integer expression, computed with wrap-around where that is exact."""
    from wirebrick.compiler.front.expressions import expression

    if isinstance(node, ast.BinOp) and isinstance(node.op, MODULAR):
        left, right = low_bits(f, node.left), low_bits(f, node.right)
        if isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor):
            return f"({left} {SIGNS[type(node.op)]} {right})"
        return f.keep(f"wrap_{CHECKED[type(node.op)][0]}({left}, {right})")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift):
        return wrapped_shift(f, node, low_bits(f, node.left), expression(f, node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return f"(~{low_bits(f, node.operand)})"
    value = expression(f, node)
    if isinstance(value.kind, Wide):
        return str(value.code[1])
    return str(integer(f, node, value).code)


def wrapped_shift(f: Emitter, node: ast.AST, code: str, bits: Value) -> str:
    """The low 64 bits of a value shifted to the left."""
    f.unit.note(node, "shift")
    bits = shift_count(f, node, bits)
    if bits.is_const and bits.const <= 63:
        return f.keep(f"wrap_shl({code}, {bits.const})")
    return f.keep(f"shift_left({code}, {bits.code})")


def masked(f: Emitter, node: ast.BinOp) -> Value | None:
    """``expression & constant``: the bits that the mask leaves, or None where another way is needed."""
    from wirebrick.compiler.front.expressions import constant_of, kind_of
    from wirebrick.compiler.front.wide import low_bits128, wide_binary

    for mask_node, other in ((node.right, node.left), (node.left, node.right)):
        mask = constant_of(f, mask_node)
        if mask is None or isinstance(mask, bool) or not isinstance(mask, int) or mask < 0:
            continue
        if not isinstance(other, ast.BinOp | ast.UnaryOp) or not isinstance(kind_of(f, other), Int | Wide):
            return None
        if mask > U64_MAX:
            if not isinstance(kind_of(f, other), Wide):
                return None
            return wide_binary(f, node, ast.BitAnd, low_bits128(f, other), constant(mask))
        code = low_bits(f, other)
        return Value(NAT if mask <= INT_MAX else U64, f.keep(f"{code} & {constant(int(mask)).code}"))
    return None
