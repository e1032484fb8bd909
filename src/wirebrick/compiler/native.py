"""Modules of plain integer functions (ports, tables, checksums) and generated source as native code.

A native module is written with the primitives of ``wirebrick.packet.memory``; its source is lowered with the
intrinsics of the same names in their place, and what it imports from other native modules likewise. The key of the
cache is made of all those sources, so a change anywhere is seen.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from typing import Any

from wirebrick.compiler.cache import cached_object
from wirebrick.compiler.load import addresses

MEMORY = "wirebrick.packet.memory"
ARITHMETIC = "wirebrick.compiler.support"
_loaded: dict[str, dict[str, int]] = {}


@cache
def _parsed(name: str) -> tuple[str, ast.Module]:
    source = inspect.getsource(importlib.import_module(name))
    return source, ast.parse(source)


@cache
def _imports(name: str) -> list[tuple[str, str, Any]]:
    """What a native module imports of Wirebrick: (module, name, value)."""
    _, tree = _parsed(name)
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wirebrick."):
            for alias in node.names:
                value = getattr(importlib.import_module(node.module), alias.name)
                found.append((node.module, alias.name, value))
    return found


def native_sources(names: list[str]) -> list[str]:
    """The sources of native modules and of all they reach, and the constants they import."""
    texts: dict[str, str] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in texts:
            continue
        texts[name] = _parsed(name)[0]
        for home, imported, value in _imports(name):
            if isinstance(value, int):
                texts[f"{home}.{imported}"] = repr(value)
            elif home != MEMORY:
                todo.append(home)
    return [f"{name}\n{texts[name]}" for name in sorted(texts)]


def space_of(name: str, made: dict[str, Any]) -> Any:
    """The functions and names of a native module, and of all that it imports."""
    from wirebrick.compiler.lower.module import Space

    if name in made:
        return made[name]
    _, tree = _parsed(name)
    module = importlib.import_module(name)
    space = made[name] = Space(name)
    space.add_functions(tree)
    for key, value in vars(module).items():
        if isinstance(value, int) and not key.startswith("__"):
            space.constants[key] = int(value)
    for home, imported, value in _imports(name):
        if home != MEMORY and inspect.isfunction(value):
            space.imported[imported] = (space_of(home, made), imported)
    if name != ARITHMETIC:
        _import_all(space, ARITHMETIC, made)
    return space


def _import_all(space: Any, name: str, made: dict[str, Any]) -> None:
    """Let every function of a native module be seen."""
    other = space_of(name, made)
    for function in [*other.functions, *other.imported]:
        space.imported.setdefault(function, (other, function))


def load_native(name: str, functions: dict[str, int]) -> dict[str, int]:
    """Addresses of functions (name: number of arguments) of the native module ``name``, compiled when need be.

    All arguments and results are 64-bit integers; the addresses are of plain C functions.
    """
    key = f"{name} {sorted(functions.items())}"
    if key not in _loaded:

        def build() -> bytes:
            from wirebrick.compiler.backend import compile_functions

            return compile_functions(space_of(name, {}), functions)

        sources = native_sources([name, ARITHMETIC])
        code = cached_object("native " + name, [*sources, repr(sorted(functions.items()))], build)
        _loaded[key] = addresses(code, list(functions))
    return _loaded[key]


def load_source(
    label: str, source: str, functions: dict[str, int], modules: tuple[str, ...] = ()
) -> dict[str, int]:
    """Addresses of functions of generated source, which may call the primitives and the functions of ``modules``."""

    def build() -> bytes:
        from wirebrick.compiler.backend import compile_functions
        from wirebrick.compiler.lower.module import Space

        made: dict[str, Any] = {}
        space = Space(label)
        space.add_functions(ast.parse(source))
        for module in (*modules, ARITHMETIC):
            _import_all(space, module, made)
        return compile_functions(space, functions)

    reached = native_sources([*modules, ARITHMETIC])
    code = cached_object(label, [_without_comments(source), *reached, repr(sorted(functions.items()))], build)
    return addresses(code, list(functions))


def _without_comments(source: str) -> str:
    """Generated source as code is made of it: the places in files that its comments name change nothing."""
    return "\n".join(line for line in source.split("\n") if not line.lstrip().startswith("#"))
