"""Conversions between kinds: to a truth value, to a signed 64-bit integer, to what a variable holds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.kinds import (
    BOOL,
    FLOAT,
    NAT,
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
    join,
)
from wirebrick.packet.faults import OVERFLOW

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def truth(f: Emitter, node: ast.AST, value: Value) -> Value:
    """Whether a value counts as true."""
    kind = value.kind
    if isinstance(kind, Bool):
        return value
    if value.is_const:
        return constant(bool(value.const))
    if isinstance(kind, Int):
        return Value(BOOL, f"({value.code} != 0)")
    if isinstance(kind, Float):
        return Value(BOOL, f"({value.code} != 0.0)")
    if isinstance(kind, Wide):
        return Value(BOOL, f"({value.code[0]} != 0 or {value.code[1]} != 0)")
    if isinstance(kind, OctetsKind):
        return Value(BOOL, f"({value.code[1]} > {value.code[0]})")
    if isinstance(kind, Nothing):
        return constant(False)
    if isinstance(kind, Known) and isinstance(kind.value, str | bytes | tuple):
        return constant(bool(kind.value))
    return f.refuse(node, f"{kind} has no truth value here", "compare it with something")


def integer(f: Emitter, node: ast.AST, value: Value, what: str = "this") -> Value:
    """An integer; a truth value counts as 0 or 1, as in Python."""
    if isinstance(value.kind, Int):
        return value
    if isinstance(value.kind, Bool):
        if value.is_const:
            return constant(int(value.const))
        return Value(NAT, f"int64({value.code})")
    if isinstance(value.kind, Float):
        f.refuse(node, f"{what} needs an integer, not a float", "int(...) makes one")
    return f.refuse(node, f"{what} needs an integer, not {value.kind}")


def int64(f: Emitter, node: ast.AST, value: Value, what: str = "this") -> Value:
    """A signed 64-bit integer: a larger one is a fault."""
    value = integer(f, node, value, what)
    assert isinstance(value.kind, Int)
    if value.kind.range != "u64":
        return value
    f.unit.note(node, "int")
    return _natural(f, value)


def operand(f: Emitter, node: ast.AST, side: str, value: Value) -> Value:
    """The ``left`` or ``right`` operand of ``node`` as a signed 64-bit integer: a larger one is a fault.

    Unlike with ``int64`` the interpreter checks it when both operands are known, as compiled code does.
    """
    value = integer(f, node, value)
    assert isinstance(value.kind, Int)
    if value.kind.range != "u64":
        return value
    f.unit.note(node, side)
    return _natural(f, value)


def _natural(f: Emitter, value: Value) -> Value:
    """An unsigned value below 2**63: a larger one is a fault."""
    assert isinstance(value.kind, Int)
    code = f.keep(value.code)
    f.fault_if(f"{code} < 0", OVERFLOW)
    return Value(Int("nat", value.kind.address), code)


def to_float(f: Emitter, node: ast.AST, value: Value) -> Value:
    """A float."""
    if isinstance(value.kind, Float):
        return value
    value = integer(f, node, value)
    assert isinstance(value.kind, Int)
    if value.is_const:
        return constant(float(value.const))
    function = "u_to_float" if value.kind.range == "u64" else "to_float"
    return Value(FLOAT, f"{function}({value.code})")


def kept(f: Emitter, node: ast.AST, name: str, value: Value) -> Value:
    """A value as a variable holds it. Refuses what may not be kept."""
    kind = value.kind
    if isinstance(kind, Known):
        if isinstance(kind.value, bytes | str):
            f.refuse(
                node, f"{name}: text and bytes can't be put into a variable", "use it where it is needed"
            )
        f.refuse(node, f"{name}: {kind} can't be put into a variable", "use it by its own name")
    if isinstance(kind, Nothing):
        f.refuse(node, "None can't be put into a variable", "use a number with a meaning, such as -1")
    if isinstance(kind, RecordKind) and kind.fresh and f.loop_depth and name_of(node) not in (None, name):
        f.refuse(node, "a record made in a loop has one name", "use it under the name it was made with")
    if isinstance(kind, TupleKind):
        items = [kept(f, node, name, Value(k, c)) for k, c in zip(kind.items, value.code, strict=True)]
        return Value(TupleKind(tuple(item.kind for item in items)), tuple(item.code for item in items))
    if isinstance(kind, Int):
        declared = f.kinds.get(name)
        if isinstance(declared, Int) and declared.range == "int" and kind.range == "u64":
            f.unit.note(node, "int" if isinstance(node, ast.expr) else f"bind {name}")
            return _natural(f, value)
        return Value(kind, value.code)
    return Value(kind, value.code)


def name_of(node: ast.AST) -> str | None:
    """The name on the right side of an assignment, if it is one."""
    value = getattr(node, "value", None)
    return value.id if isinstance(value, ast.Name) else None


def unified(f: Emitter, node: ast.AST, a: Kind, b: Kind) -> Kind:
    """The kind that holds values of both (of the branches of ``x if c else y``)."""
    numbers = Int | Bool | Float
    if isinstance(a, numbers) and isinstance(b, numbers) and (isinstance(a, Float) or isinstance(b, Float)):
        return FLOAT
    if isinstance(a, Bool) and isinstance(b, Bool):
        return BOOL
    if isinstance(a, Int | Bool) and isinstance(b, Int | Bool):
        return join(a if isinstance(a, Int) else NAT, b if isinstance(b, Int) else NAT)
    if isinstance(a, Wide | Int) and isinstance(b, Wide | Int):
        return Wide()
    if a == b and not isinstance(a, PacketKind | PortKind):
        return a
    return f.refuse(node, f"one branch is {a}, the other {b}", "make both the same kind")


def converted(f: Emitter, node: ast.AST, value: Value, kind: Kind) -> Value:
    """The value of ``node`` as the kind that ``unified`` gave: an integer becomes a float, also interpreted."""
    if isinstance(kind, Float):
        f.unit.note(node, "float")
        return to_float(f, node, value)
    if isinstance(kind, Wide):
        return widen(f, node, value)
    if not isinstance(kind, Int):
        return value
    value = integer(f, node, value)
    return int64(f, node, value) if kind.range == "int" else value


def widen(f: Emitter, node: ast.AST, value: Value) -> Value:
    """A value as two words of 64 bits."""
    if isinstance(value.kind, Wide):
        return value
    value = integer(f, node, value)
    assert isinstance(value.kind, Int)
    if value.kind.range == "int":
        f.refuse(node, "a number that may be negative can't be compared with an IPv6 address")
    return Value(Wide(), ("0", value.code), value.const)
