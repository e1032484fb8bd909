"""Expressions as LLVM values: integers wrap around, ``//`` and ``%`` round down as in Python."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from wirebrick.compiler.intrinsics import F64, I1, I64, Intrinsic

if TYPE_CHECKING:
    from wirebrick.compiler.lower.function import Lowering

SIGNS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
Typed = tuple[Any, Any]  # kind, value


def expression(low: Lowering, node: ast.expr) -> Typed:
    """The kind and the value of an expression."""
    result: Typed = EXPRESSIONS[type(node)](low, node)
    return result


def integer(low: Lowering, node: ast.expr) -> Any:
    """An expression as an integer."""
    return fit(low, *expression(low, node), "i")


def condition(low: Lowering, node: ast.expr) -> Any:
    """An expression as a truth value."""
    kind, value = expression(low, node)
    if kind == "b":
        return value
    if kind == "f":
        return low.builder.fcmp_unordered("!=", value, F64(0.0))
    return low.builder.icmp_signed("!=", value, I64(0))


def fit(low: Lowering, kind: Any, value: Any, wanted: Any) -> Any:
    """A value as another kind: a truth value as an integer, the parts of a tuple one by one."""
    if kind == wanted:
        return value
    if kind == "b" and wanted == "i":
        return low.builder.zext(value, I64)
    if kind == "i" and wanted == "b":
        return low.builder.icmp_signed("!=", value, I64(0))
    if isinstance(kind, tuple) and isinstance(wanted, tuple) and len(kind) == len(wanted):
        parts = [
            fit(low, one, low.builder.extract_value(value, number), other)
            for number, (one, other) in enumerate(zip(kind, wanted, strict=True))
        ]
        return _pack(low, wanted, parts)
    raise TypeError(f"{low.function.name}: {kind} where {wanted} is needed")


def _pack(low: Lowering, kinds: Any, values: list[Any]) -> Any:
    from wirebrick.compiler.lower.module import llvm_type

    packed = ir.Constant(llvm_type(kinds), ir.Undefined)
    for number, value in enumerate(values):
        packed = low.builder.insert_value(packed, value, number)
    return packed


def _constant(low: Lowering, node: ast.Constant) -> Typed:
    if isinstance(node.value, bool):
        return "b", I1(int(node.value))
    if isinstance(node.value, float):
        return "f", F64(node.value)
    assert isinstance(node.value, int)
    return "i", I64(node.value)


def _name(low: Lowering, node: ast.Name) -> Typed:
    found = low.variables.get(node.id)
    if found is not None:
        return found[0], low.builder.load(found[1])
    value = low.module.resolve(low.space, node.id)
    if not isinstance(value, int):
        raise TypeError(f"{low.function.name}: {node.id} is no number")
    return "i", I64(int(value))


def _tuple(low: Lowering, node: ast.Tuple) -> Typed:
    items = [expression(low, element) for element in node.elts]
    kinds = tuple(kind for kind, _ in items)
    return kinds, _pack(low, kinds, [value for _, value in items])


def _unary(low: Lowering, node: ast.UnaryOp) -> Typed:
    b = low.builder
    if isinstance(node.op, ast.Not):
        return "b", b.not_(condition(low, node.operand))
    kind, value = expression(low, node.operand)
    if kind == "f":
        assert isinstance(node.op, ast.USub)
        return "f", b.fneg(value)
    value = fit(low, kind, value, "i")
    if isinstance(value, ir.Constant):
        return "i", I64(-value.constant if isinstance(node.op, ast.USub) else ~value.constant)
    return "i", b.neg(value) if isinstance(node.op, ast.USub) else b.not_(value)


def _binary(low: Lowering, node: ast.BinOp) -> Typed:
    left, right = expression(low, node.left), expression(low, node.right)
    b = low.builder
    if left[0] == "f" or right[0] == "f":
        make = {ast.Add: b.fadd, ast.Sub: b.fsub, ast.Mult: b.fmul, ast.Div: b.fdiv}[type(node.op)]
        return "f", make(left[1], right[1])
    x, y = fit(low, *left, "i"), fit(low, *right, "i")
    if isinstance(node.op, ast.FloorDiv | ast.Mod):
        return "i", _divide(low, isinstance(node.op, ast.FloorDiv), x, y)
    make = {
        ast.Add: b.add,
        ast.Sub: b.sub,
        ast.Mult: b.mul,
        ast.BitAnd: b.and_,
        ast.BitOr: b.or_,
        ast.BitXor: b.xor,
        ast.LShift: b.shl,
        ast.RShift: b.ashr,
    }[type(node.op)]
    return "i", make(x, y)


def _divide(low: Lowering, quotient: bool, x: Any, y: Any) -> Any:
    b = low.builder
    rest = b.srem(x, y)
    opposite = b.icmp_signed("<", b.xor(rest, y), I64(0))
    adjust = b.and_(opposite, b.icmp_signed("!=", rest, I64(0)))
    if quotient:
        return b.sub(b.sdiv(x, y), b.zext(adjust, I64))
    return b.select(adjust, b.add(rest, y), rest)


def _compare(low: Lowering, node: ast.Compare) -> Typed:
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        return "b", _member(low, node)
    left = expression(low, node.left)
    result = None
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = expression(low, comparator)
        one = _comparison(low, SIGNS[type(op)], left, right)
        result = one if result is None else low.builder.and_(result, one)
        left = right
    return "b", result


def _member(low: Lowering, node: ast.Compare) -> Any:
    """``x in (a, b, c)``."""
    b = low.builder
    value = integer(low, node.left)
    items = node.comparators[0]
    assert isinstance(items, ast.Tuple)
    found: Any = I1(0)
    for item in items.elts:
        found = b.or_(found, b.icmp_signed("==", value, integer(low, item)))
    return b.not_(found) if isinstance(node.ops[0], ast.NotIn) else found


def _comparison(low: Lowering, sign: str, left: Typed, right: Typed) -> Any:
    b = low.builder
    if left[0] == "f":
        return (b.fcmp_unordered if sign == "!=" else b.fcmp_ordered)(sign, left[1], right[1])
    if left[0] == right[0] == "b" and sign in ("==", "!="):
        return b.icmp_unsigned(sign, left[1], right[1])
    return b.icmp_signed(sign, fit(low, *left, "i"), fit(low, *right, "i"))


def _boolean(low: Lowering, node: ast.BoolOp) -> Typed:
    """Operands are evaluated only as far as needed."""
    is_and = isinstance(node.op, ast.And)
    b = low.builder
    end = low.block("decided")
    ways = []
    for operand in node.values:
        value = condition(low, operand)
        ways.append((value, b.block))
        if operand is node.values[-1]:
            b.branch(end)
        else:
            after = low.block("and" if is_and else "or")
            b.cbranch(value, *((after, end) if is_and else (end, after)))
            b.position_at_end(after)
    b.position_at_end(end)
    phi = b.phi(I1)
    for value, block in ways:
        phi.add_incoming(value, block)
    return "b", phi


def _conditional(low: Lowering, node: ast.IfExp) -> Typed:
    from wirebrick.compiler.lower.module import llvm_type

    b = low.builder
    yes, no, end = low.block("yes"), low.block("no"), low.block("chosen")
    b.cbranch(condition(low, node.test), yes, no)
    ways: list[tuple[Any, Any, Any]] = []
    for block, part in ((yes, node.body), (no, node.orelse)):
        b.position_at_end(block)
        kind, value = expression(low, part)
        if kind == "b" and ways and ways[0][0] == "i":
            kind, value = "i", fit(low, kind, value, "i")
        ways.append((kind, value, b.block))
        b.branch(end)
    b.position_at_end(end)
    phi = b.phi(llvm_type(ways[0][0]))
    for _, value, block in ways:
        phi.add_incoming(value, block)
    return ways[0][0], phi


def _subscript(low: Lowering, node: ast.Subscript) -> Typed:
    """An item of a tuple of equal kinds, by a number in range."""
    kinds, values = expression(low, node.value)
    index = integer(low, node.slice)
    b = low.builder
    result = b.extract_value(values, 0)
    for number in range(1, len(kinds)):
        result = b.select(b.icmp_signed("==", index, I64(number)), b.extract_value(values, number), result)
    return kinds[0], result


def _call(low: Lowering, node: ast.Call) -> Typed:
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    if name == "float":
        return "f", F64(float(ast.literal_eval(node.args[0])))
    return call_named(low, name, [expression(low, argument) for argument in node.args])


def call_named(low: Lowering, name: str, arguments: list[Typed]) -> Typed:
    """A call of a builtin, an intrinsic or a function."""
    if name in ("min", "max"):
        return _least(low, name, arguments)
    if name == "abs":
        return _absolute(low, arguments[0])
    target = low.module.resolve(low.space, name)
    if isinstance(target, Intrinsic):
        values = [fit(low, *a, kind) for a, kind in zip(arguments, target.arguments, strict=True)]
        value = target.build(low.builder, *values)
        return (None, None) if target.result == "v" else (target.result, value)
    space, function = target
    found = low.module.lowered(space, function, tuple(kind for kind, _ in arguments))
    attributes = ("alwaysinline",) if name in INLINED and not low.seldom else ()
    values = [value for _, value in arguments]
    return found.result, low.builder.call(found.function, values, attrs=attributes)


def _least(low: Lowering, name: str, arguments: list[Typed]) -> Typed:
    kind, result = arguments[0]
    sign = "<" if name == "min" else ">"
    for one, value in arguments[1:]:
        if one == "f":
            better = low.builder.fcmp_ordered(sign, value, result)
        else:
            value, result, kind = fit(low, one, value, "i"), fit(low, kind, result, "i"), "i"
            better = low.builder.icmp_signed(sign, value, result)
        result = low.builder.select(better, value, result)
    return kind, result


def _absolute(low: Lowering, argument: Typed) -> Typed:
    kind, value = argument
    b = low.builder
    if kind == "f":
        function = b.module.declare_intrinsic("llvm.fabs", [F64])
        return "f", b.call(function, [value])
    return "i", b.select(b.icmp_signed("<", value, I64(0)), b.neg(value), value)


# Look-ups that most packets make: a part of every function that makes them, however many do, unless it is a seldom one.
INLINED = frozenset({"use_flow", "table_use", "table_home", "table_hash"})

EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.Call: _call,
}
