"""Loops: each turn takes fuel, and what its end means for its beginning is learnt first."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.convert import int64
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.flow import Flow, LoopFlow
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
from wirebrick.packet.faults import FUEL, VALUE

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def burn(f: Emitter, amount: str) -> None:
    """Take loop iterations from the fuel; none left is a fault."""
    f.line(f"left = left - {amount}")
    f.fault_if("left < 0", FUEL)


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


def while_loop(f: Emitter, node: ast.While) -> None:
    """``while test:``."""
    from wirebrick.compiler.front.statements import block, condition

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


def for_loop(f: Emitter, node: ast.For) -> None:
    """``for name in range(...)``, bytes, or a constant tuple."""
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
    from wirebrick.compiler.front.statements import block

    def emit() -> None:
        i = f.temporary()
        f.line(f"for {i} in range({bounds}):")
        with f.indent():
            f.bind(node, name, item(i))
            block(f, node.body)

    _loop(f, node, emit)


def break_loop(f: Emitter, node: ast.Break) -> None:
    """``break``."""
    f.loops[-1].breaks.append(f.flow.clone())
    f.line("break")
    f.flow.reached = False


def continue_loop(f: Emitter, node: ast.Continue) -> None:
    """``continue``."""
    f.loops[-1].continues.append(f.flow.clone())
    f.line("continue")
    f.flow.reached = False
