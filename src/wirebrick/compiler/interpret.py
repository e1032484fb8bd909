"""User functions for the interpreter: as they are, but with the limits that compiled code has.

The syntax tree is kept, with its file and lines, so that breakpoints, ``print`` and coverage work. Added are the
checks that the front end asked for: sums that must fit 64 bits, fuel in loops, and ``raise`` as a fault.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirebrick.compiler.analyse import analyse
from wirebrick.compiler.emit.sharing import locks_of
from wirebrick.compiler.front.shared import Shared
from wirebrick.compiler.instrument import NOTES, SPACE, Instrument
from wirebrick.packet.faults import DEFAULT_FUEL, FUEL, Fault
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.plan import Plan
from wirebrick.state.around import locking
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
        self.burn((numbers[-1] - numbers[0]) // numbers.step + 1 if numbers else 0)
        return numbers

    def over(self, values: Any) -> Any:
        """Something to loop over, its length taken at once."""
        self.burn(len(values))
        return values


class Instrumented:
    """The functions that a graph's user functions reach, each rebuilt once for certain kinds of arguments."""

    def __init__(self, shared: Shared, fuel: Fuel) -> None:
        self.shared = shared
        self.fuel = fuel
        self.made: dict[int, Any] = {}
        self.notes: dict[int, dict[ast.AST, set[str]]] = {}
        for variant, node, what in shared.notes:
            self.notes.setdefault(variant, {}).setdefault(node, set()).add(what)

    def function(self, function: Any, variant: int) -> Any:
        """The twin of a user function, for a variant that the front end emitted."""
        if variant not in self.made:
            self.made[variant] = self._build(function, variant)
        return self.made[variant]

    def _build(self, function: Any, variant: int) -> Any:
        source = self.shared.called[function]
        notes = self.notes.get(variant, {})
        for node in ast.walk(source.tree):
            setattr(node, NOTES, frozenset(notes.get(node, ())))
        tree = _copied(source.tree)
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
        declared = definition.args
        for argument in [
            *declared.posonlyargs,
            *declared.args,
            *declared.kwonlyargs,
            declared.vararg,
            declared.kwarg,
        ]:
            if argument is not None:
                argument.annotation = None
        # Annotations and defaults belong to another scope than this one: the values are set below.
        declared.defaults = [ast.Constant(None) for _ in declared.defaults]
        declared.kw_defaults = [default and ast.Constant(None) for default in declared.kw_defaults]
        space = {
            **function.__globals__,
            **SPACE,
            "_wb_burn": self.fuel.burn,
            "_wb_range": self.fuel.range,
            "_wb_over": self.fuel.over,
        }
        Instrument(space).visit(definition)
        for note in {note for at_node in notes.values() for note in at_node if note.startswith("call ")}:
            called = int(note[5:])
            space[f"_wb_call_{called}"] = self.function(self.shared.variant_of[called], called)
        arguments = ast.arguments([], [ast.arg(name) for name in source.outer], None, [], [], None, [])
        give = ast.Return(ast.Name(definition.name, ast.Load()))
        make = ast.FunctionDef("_wb_make", arguments, [definition, give], [], None)
        module = ast.Module([make], [])
        ast.fix_missing_locations(module)
        exec(compile(module, source.file, "exec"), space)
        made = space["_wb_make"](**source.outer)
        made.__name__ = function.__name__
        made.__defaults__ = function.__defaults__
        made.__kwdefaults__ = function.__kwdefaults__
        return made


def _copied(node: Any) -> Any:
    """A part of a syntax tree, and all below it, once more; much faster than what copies anything."""
    twin = type(node)()
    for name, value in vars(node).items():
        if isinstance(value, ast.AST):
            value = _copied(value)
        elif isinstance(value, list):
            value = [_copied(item) if isinstance(item, ast.AST) else item for item in value]
        setattr(twin, name, value)
    return twin


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
    shared, functions = analyse(graph, plan, interpreted=True)
    own = {node: found.function.own for node, found in functions.items()}
    # Of each user function, in the order of the operators: its variant, and the state that is locked around it.
    variants: dict[Any, list[tuple[int, list[State]]]] = {}
    for node in functions:
        function = getattr(node, "function", None)
        found = functions[node].function
        locked = [shared.states[number] for number in locks_of(found.needs)]
        variants.setdefault(function, []).append((found.variant, locked))

    def make(observer: Any) -> Interpreter:
        tank = Fuel(fuel)
        instrumented = Instrumented(shared, tank)
        turns = {function: iter(numbers) for function, numbers in variants.items()}

        def prepare(function: Callable[..., Any]) -> Callable[..., Any]:
            variant, locked = next(turns[function])
            twin = instrumented.function(function, variant)

            def call(*arguments: Any) -> Any:
                tank.refill()
                return twin(*arguments)

            return locking(call, locked) if locked else call

        return Interpreter(
            graph,
            plan,
            prepare=prepare,
            own_checksums=own,
            observer=observer,
            timers=shared.timers,
            states=shared.states,
        )

    return Prepared(graph, plan, shared.states, shared.scratch_size, make)
