"""From a function object to its syntax tree, its places in the user's file, and what its outer names stand for."""

from __future__ import annotations

import ast
import builtins
import hashlib
import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wirebrick.errors import CheckError, Place

_trees: dict[tuple[str, str], ast.Module] = {}
MISSING = object()


@dataclass(eq=False)
class Source:
    """A user function: its tree (a def or a lambda), file, and outer names."""

    function: Callable[..., Any]
    tree: ast.FunctionDef | ast.Lambda
    file: str
    outer: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function's name; lambda for a lambda."""
        return "lambda" if isinstance(self.tree, ast.Lambda) else self.tree.name

    @property
    def arguments(self) -> list[str]:
        """Names of the arguments."""
        return [argument.arg for argument in self.tree.args.args]

    def place(self, node: ast.AST) -> Place:
        """Where a part of it is."""
        return Place(self.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def lookup(self, name: str) -> Any:
        """The value of an outer name: closure, global or builtin; MISSING where there is none."""
        if name in self.outer:
            return self.outer[name]
        if name in self.function.__globals__:
            return self.function.__globals__[name]
        return getattr(builtins, name, MISSING)


def source_of(function: Callable[..., Any]) -> Source:
    """Read the source of a function. Raises CheckError where there is none to read."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    text = "".join(lines)
    place = Place(code.co_filename, code.co_firstlineno)
    if not text:
        raise CheckError(
            f"the source of {function.__name__} can't be read",
            place=place,
            cure="network functions are compiled from their source: put it into a file or a notebook cell",
        )
    key = (code.co_filename, hashlib.sha256(text.encode()).hexdigest())
    if key not in _trees:
        try:
            _trees[key] = ast.parse(text, code.co_filename)
        except SyntaxError as error:
            raise CheckError(f"the source of {function.__name__} has changed: {error}", place=place) from None
    tree = _find(_trees[key], function)
    if tree is None:
        raise CheckError(
            f"{function.__name__} is not where its code says; has the file changed since it was loaded?",
            place=place,
        )
    return Source(function, tree, code.co_filename, _closure(function, place))


def _closure(function: Callable[..., Any], place: Place) -> dict[str, Any]:
    outer = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            outer[name] = cell.cell_contents
        except ValueError:
            raise CheckError(f"{name} has no value yet", place=place, cure="define it before the operator") from None
    return outer


def _find(tree: ast.Module, function: Callable[..., Any]) -> ast.FunctionDef | ast.Lambda | None:
    code = function.__code__
    candidates: list[ast.FunctionDef | ast.Lambda] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                candidates.append(node)
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            candidates.append(node)
    if len(candidates) > 1:
        candidates = [node for node in candidates if _covers(node, code)]
    return candidates[0] if candidates else None


def _covers(node: ast.FunctionDef | ast.Lambda, code: Any) -> bool:
    """Whether all instructions of ``code`` come from inside ``node``: tells lambdas on one line apart."""
    body = node.body if isinstance(node, ast.Lambda) else node
    start = (body.lineno, body.col_offset)
    end = (body.end_lineno, body.end_col_offset)
    spans = [p for p in code.co_positions() if (None not in p and p[1] != p[0]) or p[2] != p[3]]
    spans = [p for p in spans if None not in p and (p[2], p[3]) != (0, 0)]
    return all(start <= (p[0], p[2]) and (p[1], p[3]) <= end for p in spans)
