"""From a function object to its syntax tree, its places in the user's file, and what its outer names stand for."""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import linecache
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from wirebrick.errors import CheckError, Place

_trees: dict[tuple[str, str], ast.Module] = {}  # by file and hash of its text
_codes: dict[tuple[str, str], list[CodeType]] = {}
_FUNCTION = (ast.FunctionDef, ast.Lambda)
_functions: dict[tuple[str, str], list[ast.FunctionDef | ast.Lambda]] = {}
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
        declared = self.tree.args
        several = [argument for argument in (declared.vararg, declared.kwarg) if argument]
        found = [*declared.posonlyargs, *declared.args, *declared.kwonlyargs, *several]
        return [argument.arg for argument in found]

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


def source_of(function: Callable[..., Any], used_at: Place | None = None) -> Source:
    """Read the source of a function, which is used at a place. Raises CheckError where there is none to read."""
    code = function.__code__
    place = Place(code.co_filename, code.co_firstlineno)
    if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise CheckError(
            f"{function.__name__} is async: that is not supported",
            place=place,
            cure="a user function runs to completion",
        )
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        raise CheckError(
            f"the source of {function.__name__} can't be read",
            place=used_at or place,
            cure="network functions are compiled from their source: put it into a file or a notebook cell",
        )
    key = (code.co_filename, hashlib.sha256(text.encode()).hexdigest())
    try:
        if key not in _trees:
            _trees[key] = ast.parse(text, code.co_filename)
            _codes[key] = list(_inside(compile(_trees[key], code.co_filename, "exec", dont_inherit=True)))
            _functions[key] = [node for node in ast.walk(_trees[key]) if isinstance(node, _FUNCTION)]
        tree = _find(_functions[key], function)
    except SyntaxError:
        tree = None
    if tree is None or not _is_current(tree, code, _codes[key]):
        raise CheckError(
            f"the source of {function.__name__} has changed since it was loaded",
            place=place,
            cure="load the module again, or start anew",
        )
    return Source(function, tree, code.co_filename, _closure(function, place))


def _inside(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _is_current(tree: ast.AST, code: CodeType, codes: list[CodeType]) -> bool:
    """Whether a function's code comes from the text that is there now. Test runners rewrite functions with assert."""
    if any(_content(one) == _content(code) for one in codes if one.co_name == code.co_name):
        return True
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def _content(code: CodeType) -> tuple[Any, ...]:
    values = [repr(value) for value in code.co_consts if not isinstance(value, CodeType)]
    return code.co_firstlineno, code.co_code, code.co_names, code.co_varnames, values


def _closure(function: Callable[..., Any], place: Place) -> dict[str, Any]:
    outer = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            outer[name] = cell.cell_contents
        except ValueError:
            raise CheckError(
                f"{name} has no value yet", place=place, cure="define it before the operator"
            ) from None
    return outer


def _find(
    nodes: Sequence[ast.FunctionDef | ast.Lambda], function: Callable[..., Any]
) -> ast.FunctionDef | ast.Lambda | None:
    code = function.__code__
    candidates: list[ast.FunctionDef | ast.Lambda] = []
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                candidates.append(node)
        elif (
            isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
        ):
            candidates.append(node)
    if len(candidates) > 1:
        candidates = [node for node in candidates if _covers(node, code)]
    # Of a lambda in a lambda, both cover what the inner one does: it begins last.
    return max(candidates, key=lambda node: (node.lineno, node.col_offset), default=None)


def _covers(node: ast.FunctionDef | ast.Lambda, code: CodeType) -> bool:
    """Whether all instructions of ``code`` come from inside ``node``: tells lambdas on one line apart."""
    body = node.body if isinstance(node, ast.Lambda) else node
    assert body.end_lineno is not None
    assert body.end_col_offset is not None
    start = (body.lineno, body.col_offset)
    end = (body.end_lineno, body.end_col_offset)
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        if (column, end_column) == (0, 0):  # the beginning of the function, which is nowhere
            continue
        if (line, column) < start or (end_line, end_column) > end:
            return False
    return True
