"""Statements of user functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front import stores
from wirebrick.compiler.front.convert import truth
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.loops import break_loop, continue_loop, for_loop, while_loop
from wirebrick.compiler.front.permute import permute
from wirebrick.compiler.kinds import (
    Known,
    TupleKind,
    Value,
)
from wirebrick.packet.faults import RAISE

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Try: ("try is not supported", "test for what could go wrong first; a fault costs only this packet"),
    ast.TryStar: (
        "try is not supported",
        "test for what could go wrong first; a fault costs only this packet",
    ),
    ast.With: ("with is not supported", "what outlives a packet is state: a Table, an Array or a Counter"),
    ast.FunctionDef: ("a function can't be made for each packet", "define it outside"),
    ast.AsyncFunctionDef: ("async is not supported", "a user function runs to completion"),
    ast.ClassDef: ("a class can't be made for each packet", "define it outside"),
    ast.Import: ("import is not supported here", "import at the top of the file"),
    ast.ImportFrom: ("import is not supported here", "import at the top of the file"),
    ast.Global: (
        "global is not supported",
        "what outlives a packet is state: a Table, an Array or a Counter",
    ),
    ast.Nonlocal: (
        "nonlocal is not supported",
        "what outlives a packet is state: a Table, an Array or a Counter",
    ),
    ast.Match: ("match is not supported", "write if and elif"),
    ast.AsyncFor: ("async is not supported", "a user function runs to completion"),
    ast.AsyncWith: ("async is not supported", "a user function runs to completion"),
}


def block(f: Emitter, body: list[ast.stmt]) -> None:
    """Emit statements; what can't be reached is checked for syntax only."""
    for node in body:
        if not f.flow.reached:
            return
        f.check_depth(node)
        handler = HANDLERS.get(type(node))
        if handler is None:
            message, cure = REFUSED.get(type(node), (f"{type(node).__name__} is not supported", ""))
            f.refuse(node, message, cure)
        handler(f, node)


def condition(f: Emitter, node: ast.expr) -> Value:
    """An expression of which only the truth counts."""
    _mark(f, node)
    return truth(f, node, expression(f, node))


def _mark(f: Emitter, node: ast.expr) -> None:
    if isinstance(node, ast.BoolOp):
        f.unit.conditions.add(node)
        for value in node.values:
            _mark(f, value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _mark(f, node.operand)


def _expression(f: Emitter, node: ast.Expr) -> None:
    if isinstance(node.value, ast.Constant):
        return  # a docstring
    expression(f, node.value)


def _assign(f: Emitter, node: ast.Assign) -> None:
    if len(node.targets) == 1 and not isinstance(node.targets[0], ast.Tuple | ast.Name):
        target = node.targets[0]

        value = _fixed(f, stores.stored_value(f, node.value, stores.target_kind(f, target)))
        stores.assign(f, target, lambda old, is_float: value)
        return
    if permute(f, node):
        return
    value = expression(f, node.value)
    if len(node.targets) > 1 or isinstance(node.targets[0], ast.Tuple):
        value = _fixed(f, value)
    for target in node.targets:
        _target(f, node, target, value)


def _fixed(f: Emitter, value: Value) -> Value:
    """A value that later stores can't change under our hands."""

    def fix(code: Any) -> Any:
        if isinstance(code, tuple):
            return tuple(fix(part) for part in code)
        return None if code is None else f.keep(code)

    return Value(value.kind, fix(value.code), value.const)


def _target(f: Emitter, node: ast.stmt, target: ast.expr, value: Value) -> None:
    if isinstance(target, ast.Name):
        f.bind(node, target.id, value)
    elif isinstance(target, ast.Tuple):
        for part in target.elts:
            if isinstance(part, ast.Starred):
                f.refuse(part, "* is not supported here", "name the values")
        if not isinstance(value.kind, TupleKind):
            f.refuse(node, f"{value.kind} can't be unpacked")
        if len(target.elts) != len(value.kind.items):
            f.refuse(node, f"{len(value.kind.items)} values for {len(target.elts)} names")
        for part, kind, code in zip(target.elts, value.kind.items, value.code, strict=True):
            _target(f, node, part, Value(kind, code))
    else:
        stores.assign(f, target, lambda old, is_float: value)


def _annotated(f: Emitter, node: ast.AnnAssign) -> None:
    if node.value is None:
        return
    if not isinstance(node.target, ast.Name):
        f.refuse(node, "only a variable can be annotated")
    f.bind(node, node.target.id, expression(f, node.value))


def _augmented(f: Emitter, node: ast.AugAssign) -> None:
    from wirebrick.compiler.front.arithmetic import binary

    if isinstance(node.target, ast.Name):
        left = expression(f, ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))
        f.bind(node, node.target.id, binary(f, node, node.op, left, expression(f, node.value)))
        return

    def value_of(old: Any, is_float: bool) -> Value:
        if old is None:
            f.refuse(node, "this can be assigned, but not updated in place")
        return stores.updated(f, node, old(), is_float)

    stores.assign(f, node.target, value_of)


def _if(f: Emitter, node: ast.If) -> None:
    test = condition(f, node.test)
    if test.is_const:
        block(f, node.body if test.const else node.orelse)
        return
    before = f.flow.clone()
    f.line(f"if {test.code}:")
    with f.indent():
        block(f, node.body)
    after = f.flow
    f.flow = before
    if node.orelse:
        f.line("else:")
        with f.indent():
            block(f, node.orelse)
    f.flow.merge(after)


def _return(f: Emitter, node: ast.Return) -> None:
    f.unit.finish_return(f, node, node.value)
    f.flow.reached = False


def _raise(f: Emitter, node: ast.Raise) -> None:
    f.fault(RAISE)
    f.flow.reached = False


def _assert(f: Emitter, node: ast.Assert) -> None:
    test = condition(f, node.test)
    f.fault_if(f"not {test.code}", RAISE)


def _delete(f: Emitter, node: ast.Delete) -> None:
    from wirebrick.compiler.front.state import remove

    for target in node.targets:
        if not isinstance(target, ast.Subscript):
            f.refuse(target, "only an entry of a table can be deleted")
        holder = expression(f, target.value)
        if not isinstance(holder.kind, Known):
            f.refuse(target, f"items of {holder.kind} can't be deleted")
        remove(f, target, holder.kind.value, expression(f, target.slice))


def _pass(f: Emitter, node: ast.Pass) -> None:
    return


HANDLERS: dict[type[ast.AST], Any] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.While: while_loop,
    ast.For: for_loop,
    ast.Break: break_loop,
    ast.Continue: continue_loop,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Delete: _delete,
    ast.Pass: _pass,
}
