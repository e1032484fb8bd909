"""Statements of user functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front import stores
from wirebrick.compiler.front.convert import int64, truth
from wirebrick.compiler.front.emitter import Flow, LoopFlow
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.kinds import (
    INT,
    NAT,
    Bool,
    Int,
    Known,
    OctetsKind,
    TupleKind,
    Value,
    constant,
)
from wirebrick.packet.faults import FUEL, RAISE, VALUE

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Try: ("try is not supported", "test for what could go wrong first; a fault costs only this packet"),
    ast.TryStar: ("try is not supported", "test for what could go wrong first; a fault costs only this packet"),
    ast.With: ("with is not supported", "what outlives a packet is state: a Table, an Array or a Counter"),
    ast.FunctionDef: ("a function can't be made for each packet", "define it outside"),
    ast.AsyncFunctionDef: ("async is not supported", "a user function runs to completion"),
    ast.ClassDef: ("a class can't be made for each packet", "define it outside"),
    ast.Import: ("import is not supported here", "import at the top of the file"),
    ast.ImportFrom: ("import is not supported here", "import at the top of the file"),
    ast.Global: ("global is not supported", "what outlives a packet is state: a Table, an Array or a Counter"),
    ast.Nonlocal: ("nonlocal is not supported", "what outlives a packet is state: a Table, an Array or a Counter"),
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


def _loop(f: Emitter, node: ast.While | ast.For, emit: Any) -> None:
    """Emit a loop twice: first to learn what its end means for its beginning, then for good."""
    if node.orelse:
        f.refuse(node.orelse[0], "else of a loop is not supported", "use a variable")
    f.loop_depth += 1
    lines, snapshot, temporaries = len(f.lines), f.unit.snapshot(), f.temporaries
    before = f.flow.clone()
    f.loops.append(LoopFlow())
    emit()
    loop = f.loops.pop()
    again = f.flow
    for flow in loop.continues:
        again.merge(flow)
    del f.lines[lines:]
    f.unit.restore(snapshot)
    f.temporaries = temporaries
    f.flow = before
    head = before.clone()
    if again.reached:
        for number, (_, place) in again.gone.items():
            if number not in head.gone and (number == 0 or number in before.made or number in f.borrowed):
                head.gone[number] = ("maybe", place)
    f.flow = head.clone()
    f.loops.append(LoopFlow())
    emit()
    loop = f.loops.pop()
    turns = [f.flow, *loop.continues]
    for flow in turns:
        f.unit.ownership.finish(f, flow, before)
    # A while loop is left where its test fails, or by break; a for loop also before its first turn.
    after = Flow(reached=False) if isinstance(node, ast.While) else head
    for flow in [*loop.breaks, *([] if isinstance(node, ast.While) else turns)]:
        after.merge(flow)
    f.flow = after
    f.loop_depth -= 1


def burn(f: Emitter, amount: str) -> None:
    """Take loop iterations from the fuel; none left is a fault."""
    f.line(f"left = left - {amount}")
    f.fault_if("left < 0", FUEL)


def _while(f: Emitter, node: ast.While) -> None:
    def emit() -> None:
        f.line("while True:")
        with f.indent():
            burn(f, "1")
            test = condition(f, node.test)
            if not (test.is_const and test.const):
                f.line(f"if not {test.code}: break")
                f.loops[-1].breaks.append(f.flow.clone())
            block(f, node.body)

    _loop(f, node, emit)


def _for(f: Emitter, node: ast.For) -> None:
    if not isinstance(node.target, ast.Name):
        f.refuse(node.target, "a loop has one variable")
    name = node.target.id
    call = node.iter
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
        function = expression(f, call.func)
        if isinstance(function.kind, Known) and function.kind.value is range:
            _for_range(f, node, name, call)
            return
    value = expression(f, node.iter)
    if isinstance(value.kind, OctetsKind):
        data = f.need(f.packets[value.kind.packet].data)
        begin, end = value.code
        f.unit.touch(f, value.kind, "read")
        burn(f, f"({end} - {begin})")
        _counted(f, node, name, f"{begin}, {end}", lambda i: Value(NAT, f.keep(f"load8({data} + {i})")))
    elif isinstance(value.kind, TupleKind) and value.const == ():
        return
    elif isinstance(value.kind, TupleKind) and value.const and all(isinstance(v, int) for v in value.const):
        if any(not isinstance(constant(v).kind, Int | Bool) for v in value.const):
            f.refuse(node.iter, "a loop over a tuple needs integers of up to 64 bits")
        codes = [constant(int(v)) for v in value.const]
        ranges = {c.kind.range for c in codes if isinstance(c.kind, Int)}
        if {"int", "u64"} <= ranges:
            f.refuse(node.iter, "a loop over negative numbers and some of 2**63 and above", "write two loops")
        kind = NAT if ranges == {"nat"} else Int("u64" if "u64" in ranges else "int")
        values = f.keep(f"({', '.join(str(c.code) for c in codes)},)")
        burn(f, str(len(codes)))
        _counted(f, node, name, f"{len(codes)}", lambda i: Value(kind, f.keep(f"{values}[{i}]")))
    else:
        f.refuse(
            node.iter,
            f"a loop runs over range(), bytes or a constant tuple of integers, not over {value.kind}",
            "for i in range(n) and an index go through everything else",
        )


def _for_range(f: Emitter, node: ast.For, name: str, call: ast.Call) -> None:
    if call.keywords or not 1 <= len(call.args) <= 3:
        f.refuse(call, "range() takes one to three integers")
    values = [int64(f, arg, expression(f, arg), "range()") for arg in call.args]
    start, stop = (constant(0), values[0]) if len(values) == 1 else (values[0], values[1])
    step = values[2] if len(values) == 3 else constant(1)
    a, b = f.keep(start.code), f.keep(stop.code)
    natural = isinstance(start.kind, Int) and start.kind.range == "nat"
    if step.is_const:
        if step.const == 0:
            f.refuse(call, "the step of range() can't be zero")
        s, up = str(step.const), step.const > 0
        natural = natural and up
        count = f"range_count({a}, {b}, {s})"
    else:
        s = f.keep(step.code)
        f.fault_if(f"{s} == 0", VALUE)
        natural = False
        count = f"range_count({a}, {b}, {s})"
    times = f.keep(count)
    burn(f, times)
    kind = NAT if natural else INT
    if step.is_const and abs(step.const) < 1 << 32:
        _counted(f, node, name, f"{a}, {b}, {s}", lambda i: Value(kind, i))
    else:  # the number behind the last one may be beyond 64 bits
        _counted(f, node, name, times, lambda i: Value(kind, f.keep(f"wrap_add({a}, wrap_mul({i}, {s}))")))


def _counted(f: Emitter, node: ast.For, name: str, bounds: str, item: Any) -> None:
    def emit() -> None:
        i = f.temporary()
        f.line(f"for {i} in range({bounds}):")
        with f.indent():
            f.bind(node, name, item(i))
            block(f, node.body)

    _loop(f, node, emit)


def _break(f: Emitter, node: ast.Break) -> None:
    f.loops[-1].breaks.append(f.flow.clone())
    f.line("break")
    f.flow.reached = False


def _continue(f: Emitter, node: ast.Continue) -> None:
    f.loops[-1].continues.append(f.flow.clone())
    f.line("continue")
    f.flow.reached = False


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
    ast.While: _while,
    ast.For: _for,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Delete: _delete,
    ast.Pass: _pass,
}
