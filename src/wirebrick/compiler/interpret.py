"""User functions for the interpreter: as they are, but with the limits that compiled code has.

The syntax tree is kept, with its file and lines, so that breakpoints, ``print`` and coverage work. Added are the
checks that the front end asked for: sums that must fit 64 bits, fuel in loops, and ``raise`` as a fault.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from wirebrick.compiler.analyse import analyse
from wirebrick.compiler.kinds import INT_MAX, INT_MIN
from wirebrick.compiler.source import Source
from wirebrick.packet.faults import DEFAULT_FUEL, FUEL, OVERFLOW, RAISE, Fault
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.plan import Plan
from wirebrick.state.base import State
from wirebrick.stream.graph import Graph


class Fuel:
    """The loop iterations that are left for one call of a user function."""

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self.left = amount

    def refill(self) -> None:
        """Before each call."""
        self.left = self.amount

    def burn(self, count: int = 1) -> bool:
        """Take iterations; raises Fault when there are none left. True, for use in conditions."""
        self.left -= count
        if self.left < 0:
            raise Fault(FUEL)
        return True

    def range(self, *bounds: int) -> range:
        """A range whose length is taken at once, as compiled code does."""
        numbers = range(*bounds)
        self.burn(len(numbers))
        return numbers

    def over(self, values: Any) -> Any:
        """Something to loop over, its length taken at once."""
        self.burn(len(values))
        return values


def fits(value: Any) -> Any:
    """An integer as it is if it fits 64 signed bits; else a fault."""
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        raise Fault(OVERFLOW)
    return value


def failed(*ignored: Any) -> Fault:
    """The fault of a raise or a failed assert."""
    return Fault(RAISE)


MARK = "_wb_checked"


class _Instrument(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> Any:
        result = super().visit(node)
        if getattr(node, MARK, False) and isinstance(result, ast.expr):
            return ast.copy_location(_call("_wb_fits", result), node)
        return result

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        if getattr(node, MARK, False):
            node.value = ast.copy_location(_call("_wb_fits", node.value), node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and getattr(node, MARK, False):
            read = ast.Name(node.target.id, ast.Load())
            value = _call("_wb_fits", ast.BinOp(read, node.op, node.value))
            return ast.copy_location(ast.Assign([node.target], value), node)
        return node

    def visit_While(self, node: ast.While) -> Any:
        self.generic_visit(node)
        node.test = ast.BoolOp(ast.And(), [_call("_wb_burn"), node.test])
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        call = node.iter
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range":
            call.func = ast.copy_location(ast.Name("_wb_range", ast.Load()), call.func)
        else:
            node.iter = ast.copy_location(_call("_wb_over", call), call)
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        return ast.copy_location(ast.Raise(_call("_wb_failed"), None), node)

    def visit_Assert(self, node: ast.Assert) -> Any:
        self.generic_visit(node)
        test = ast.UnaryOp(ast.Not(), node.test)
        return ast.copy_location(ast.If(test, [ast.Raise(_call("_wb_failed"), None)], []), node)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class Instrumented:
    """The functions that a graph's user functions reach, each rebuilt once."""

    def __init__(self, sources: Mapping[Any, Source], notes: list[tuple[ast.AST, str]], fuel: Fuel) -> None:
        self.sources = sources
        self.fuel = fuel
        self.made: dict[Any, Any] = {}
        self.checked = {node for node, _ in notes}

    def function(self, function: Any) -> Any:
        """The instrumented twin of a user function."""
        if function not in self.made:
            self.made[function] = self._build(function)
        return self.made[function]

    def _build(self, function: Any) -> Any:
        source = self.sources[function]
        for node in ast.walk(source.tree):
            setattr(node, MARK, node in self.checked)
        tree = copy.deepcopy(source.tree)
        definition: Any
        if isinstance(tree, ast.Lambda):
            body: list[ast.stmt] = [ast.Return(tree.body)]
            definition = ast.FunctionDef("_wb_lambda", tree.args, body, [], None)
            ast.copy_location(definition, tree)
            ast.copy_location(body[0], tree.body)
        else:
            definition = tree
            definition.decorator_list = []
        definition.returns = None
        for argument in definition.args.args:
            argument.annotation = None
        _Instrument().visit(definition)
        outer = list(source.outer)
        arguments = ast.arguments([], [ast.arg(name) for name in outer], None, [], [], None, [])
        give = ast.Return(ast.Name(definition.name, ast.Load()))
        make = ast.FunctionDef("_wb_make", arguments, [definition, give], [], None)
        module = ast.Module([make], [])
        ast.fix_missing_locations(module)
        space = {
            **function.__globals__,
            "_wb_fits": fits,
            "_wb_burn": self.fuel.burn,
            "_wb_range": self.fuel.range,
            "_wb_over": self.fuel.over,
            "_wb_failed": failed,
        }
        for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
            value = space.get(name)
            if isinstance(value, FunctionType) and value in self.sources:
                space[name] = self.function(value)
        exec(compile(module, source.file, "exec"), space)
        values = {
            name: self.function(value) if isinstance(value, FunctionType) and value in self.sources else value
            for name, value in source.outer.items()
        }
        made = space["_wb_make"](**values)
        made.__name__ = function.__name__
        made.__defaults__ = function.__defaults__
        made.__kwdefaults__ = function.__kwdefaults__
        return made


@dataclass
class Prepared:
    """A checked graph, ready for the interpreter."""

    graph: Graph
    plan: Plan
    states: list[State]
    scratch: int
    make: Callable[[Any], Interpreter]

    def interpreter(self, observer: Any = None) -> Interpreter:
        """An interpreter of its own, for one worker."""
        return self.make(observer)


def prepare_graph(graph: Graph, plan: Plan, fuel: int = DEFAULT_FUEL) -> Prepared:
    """Check a graph as the compiler does, and prepare its user functions. Raises CheckError."""
    shared, functions = analyse(graph, plan)
    own = {node: found.function.own for node, found in functions.items()}

    def make(observer: Any) -> Interpreter:
        tank = Fuel(fuel)
        instrumented = Instrumented(shared.called, shared.notes, tank)

        def prepare(function: Callable[..., Any]) -> Callable[..., Any]:
            twin = instrumented.function(function)

            def call(packet: Any) -> Any:
                tank.refill()
                return twin(packet)

            return call

        return Interpreter(graph, plan, prepare=prepare, own_checksums=own, observer=observer)

    return Prepared(graph, plan, shared.states, shared.scratch_size, make)
