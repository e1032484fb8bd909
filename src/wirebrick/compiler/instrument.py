"""User functions rebuilt for the interpreter: as they are, but with the limits that compiled code has.

What the front end notes at a node of the syntax tree (``Unit.note``) is added there:

- ``int``: the value of the expression must fit 64 signed bits; ``wide``: 128 bits.
- ``left``, ``right``: an operand must fit 64 signed bits, checked when both are known.
- ``floats``: both operands become floats; ``float``: the value of the expression does.
- ``shift``: a number of bits above 256 is as good as 256.
- ``bind NAME``: what is assigned to the variable must fit 64 signed bits.
- ``call N``: the function called is the one rebuilt for variant ``N``; ``method``: its object is the first argument.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from wirebrick.compiler.kinds import INT_MAX, INT_MIN, WIDE_MAX
from wirebrick.packet.faults import OVERFLOW, RAISE, Fault

NOTES = "_wb_notes"
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
LONGEST_SHIFT = 256
OF_OPERATION = frozenset({"left", "right", "floats", "shift"})


def fits(value: Any) -> Any:
    """An integer as it is if it fits 64 signed bits; else a fault. Anything else as it is.

    >>> fits(5), fits(1.5)
    (5, 1.5)
    """
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        raise Fault(OVERFLOW)
    return value


def fits_wide(value: int) -> int:
    """An integer as it is if it fits 128 bits; else a fault."""
    if value > WIDE_MAX:
        raise Fault(OVERFLOW)
    return value


def failed(*ignored: Any) -> Fault:
    """The fault of a raise or a failed assert."""
    return Fault(RAISE)


def operation(kind: type[ast.operator], notes: frozenset[str]) -> Callable[[Any, Any], Any]:
    """An operation with what is noted for its operands."""
    apply = OPERATORS[kind]

    def checked(left: Any, right: Any) -> Any:
        if "left" in notes:
            fits(left)
        if "right" in notes:
            fits(right)
        if "floats" in notes:
            left, right = float(left), float(right)
        if "shift" in notes:
            right = min(right, LONGEST_SHIFT)
        return apply(left, right)

    return checked


SPACE = {"_wb_fits": fits, "_wb_wide": fits_wide, "_wb_float": float, "_wb_failed": failed}


class Instrument(ast.NodeTransformer):
    """Adds to a tree what is noted at its nodes (attribute ``_wb_notes``), fuel, and raise as a fault.

    ``space`` gets the operations that the new code calls.
    """

    def __init__(self, space: dict[str, Any]) -> None:
        self.space = space

    def visit(self, node: ast.AST) -> Any:
        """Rebuild a node and all below it."""
        notes: frozenset[str] = getattr(node, NOTES, frozenset())
        result = super().visit(node)
        if not isinstance(result, ast.expr):
            return result
        if isinstance(result, ast.BinOp) and notes & OF_OPERATION:
            result = self._operation(result.op, notes, result.left, result.right)
        return ast.copy_location(_checked(result, notes), node)

    def _operation(self, op: ast.operator, notes: frozenset[str], *operands: ast.expr) -> ast.expr:
        wanted = notes & OF_OPERATION
        name = "_".join(["_wb", type(op).__name__.lower(), *sorted(wanted)])
        self.space[name] = operation(type(op), wanted)
        return _call(name, *operands)

    def visit_Call(self, node: ast.Call) -> Any:
        """The variant of the called function; of a method with its object as the first argument."""
        self.generic_visit(node)
        notes: frozenset[str] = getattr(node, NOTES, frozenset())
        variant = next((note[5:] for note in notes if note.startswith("call ")), None)
        if variant is not None:
            if "method" in notes and isinstance(node.func, ast.Attribute):
                node.args.insert(0, node.func.value)
            node.func = ast.copy_location(ast.Name(f"_wb_call_{variant}", ast.Load()), node.func)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Where a variable's kind sets a limit, its part of the value is checked when its turn comes."""
        self.generic_visit(node)
        names = _bound(node)
        if not names:
            return node
        statements: list[ast.stmt] = [ast.Assign([ast.Name("_wb_value", ast.Store())], node.value)]
        for target in node.targets:
            statements += _spread(target, ast.Name("_wb_value", ast.Load()), names)
        return [ast.copy_location(statement, node) for statement in statements]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """As an assignment."""
        self.generic_visit(node)
        if node.value is not None and _bound(node):
            node.value = _call("_wb_fits", node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Written out where something is checked; object and index are evaluated once."""
        self.generic_visit(node)
        notes: frozenset[str] = getattr(node, NOTES, frozenset())
        if not notes:
            return node
        before: list[ast.stmt] = []
        target: Any = node.target
        if not isinstance(target, ast.Name):
            before.append(ast.Assign([ast.Name("_wb_object", ast.Store())], target.value))
            target.value = ast.Name("_wb_object", ast.Load())
        if isinstance(target, ast.Subscript):
            before.append(ast.Assign([ast.Name("_wb_index", ast.Store())], target.slice))
            target.slice = ast.Name("_wb_index", ast.Load())
        read = _loaded(target)
        value: ast.expr = ast.BinOp(read, node.op, node.value)
        if notes & OF_OPERATION:
            value = self._operation(node.op, notes, read, node.value)
        value = _checked(value, notes)
        if _bound(node):
            value = _call("_wb_fits", value)
        return [ast.copy_location(s, node) for s in [*before, ast.Assign([target], value)]]

    def visit_While(self, node: ast.While) -> Any:
        """Each iteration takes fuel."""
        self.generic_visit(node)
        node.test = ast.BoolOp(ast.And(), [_call("_wb_burn"), node.test])
        return node

    def visit_For(self, node: ast.For) -> Any:
        """All iterations take their fuel at once."""
        names = _bound(node)
        self.generic_visit(node)
        call = node.iter
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range":
            call.func = ast.copy_location(ast.Name("_wb_range", ast.Load()), call.func)
        else:
            node.iter = ast.copy_location(_call("_wb_over", call), call)
        node.body[:0] = [ast.copy_location(_check(name), node) for name in sorted(names)]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Arguments that the function changes later may have to fit."""
        names = _bound(node)
        self.generic_visit(node)
        node.body[:0] = [ast.copy_location(_check(name), node) for name in sorted(names)]
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        """Whatever is raised is the same fault."""
        return ast.copy_location(ast.Raise(_call("_wb_failed"), None), node)

    def visit_Assert(self, node: ast.Assert) -> Any:
        """As a raise."""
        self.generic_visit(node)
        test = ast.UnaryOp(ast.Not(), node.test)
        return ast.copy_location(ast.If(test, [ast.Raise(_call("_wb_failed"), None)], []), node)


def _bound(node: ast.AST) -> set[str]:
    """The variables that are checked when the statement gives them a value."""
    return {note[5:] for note in getattr(node, NOTES, ()) if note.startswith("bind ")}


def _spread(target: ast.expr, value: ast.expr, names: set[str]) -> list[ast.stmt]:
    """The assignment of a value to a target as one assignment for each name in it."""
    if isinstance(target, ast.Tuple):
        statements = []
        for number, part in enumerate(target.elts):
            statements += _spread(part, ast.Subscript(value, ast.Constant(number), ast.Load()), names)
        return statements
    if isinstance(target, ast.Name) and target.id in names:
        value = _call("_wb_fits", value)
    return [ast.Assign([target], value)]


def _checked(value: ast.expr, notes: frozenset[str]) -> ast.expr:
    for note, name in (("float", "_wb_float"), ("wide", "_wb_wide"), ("int", "_wb_fits")):
        if note in notes:
            value = _call(name, value)
    return value


def _check(name: str) -> ast.stmt:
    return ast.Expr(_call("_wb_fits", ast.Name(name, ast.Load())))


def _loaded(target: Any) -> Any:
    """A target, to be read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    return ast.Subscript(target.value, target.slice, ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
