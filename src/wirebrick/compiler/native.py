"""Modules of plain integer functions (ports, tables, checksums) as native code.

Such a module is written with the primitives of ``wirebrick.packet.memory``. Here its source is executed with the
intrinsics of the same names in their place and every function given to Numba; what is reached in other modules
likewise. The key of the cache is made of all those sources, so a change anywhere is seen.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from types import ModuleType
from typing import Any

from wirebrick.compiler.cache import cached_object
from wirebrick.compiler.load import addresses

MEMORY = "wirebrick.packet.memory"
_loaded: dict[str, dict[str, int]] = {}


@cache
def _parsed(name: str) -> tuple[ModuleType, str, ast.Module]:
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    return module, source, ast.parse(source)


def _imports(name: str) -> list[tuple[str, str, Any]]:
    """What a native module imports of Wirebrick: (module, name, value)."""
    _, _, tree = _parsed(name)
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
        texts[name] = _parsed(name)[1]
        for home, imported, value in _imports(name):
            if isinstance(value, int):
                texts[f"{home}.{imported}"] = repr(value)
            elif home != MEMORY:
                todo.append(home)
    return [f"{name}\n{texts[name]}" for name in sorted(texts)]


def namespace(name: str, made: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """The functions of a native module as Numba dispatchers."""
    from numba import njit

    from wirebrick.compiler.intrinsics import INTRINSICS

    made = {} if made is None else made
    if name in made:
        return made[name]
    module, _, tree = _parsed(name)
    space: dict[str, Any] = {"__name__": f"{name}.compiled"}
    made[name] = space
    for home, imported, value in _imports(name):
        if home == MEMORY:
            space[imported] = INTRINSICS[imported]
        elif callable(value):
            space[imported] = namespace(home, made)[imported]
        else:
            space[imported] = value
    body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    for node in body:
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
    assert module.__file__
    exec(compile(ast.Module(body, []), module.__file__, "exec"), space)
    for key, value in list(space.items()):
        if inspect.isfunction(value):
            space[key] = njit(value, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
    return space


def load_native(name: str, functions: dict[str, int]) -> dict[str, int]:
    """Addresses of functions (name: number of arguments) of the native module ``name``, compiled when need be.

    All arguments and results are int64; the addresses are of plain C functions.
    """
    key = f"{name} {sorted(functions.items())}"
    if key not in _loaded:

        def build() -> bytes:
            from wirebrick.compiler.numba_backend import compile_functions

            space = namespace(name)
            return compile_functions({f: (space[f], count) for f, count in functions.items()})

        sources = native_sources([name])
        code = cached_object("native " + name, [*sources, repr(sorted(functions.items()))], build)
        _loaded[key] = addresses(code, list(functions))
    return _loaded[key]


def load_source(
    label: str, source: str, functions: dict[str, int], modules: tuple[str, ...] = ()
) -> dict[str, int]:
    """Addresses of functions of generated source, which may call the primitives and the functions of ``modules``."""

    def build() -> bytes:
        from numba import njit

        from wirebrick.compiler.intrinsics import INTRINSICS
        from wirebrick.compiler.numba_backend import compile_functions

        made: dict[str, dict[str, Any]] = {}
        space: dict[str, Any] = dict(INTRINSICS)
        for module in modules:
            space.update({k: v for k, v in namespace(module, made).items() if not k.startswith("__")})
        before = set(space)
        tree = ast.parse(source)
        tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(tree, f"<wirebrick {label}>", "exec"), space)
        for key in set(space) - before:
            if inspect.isfunction(space[key]):
                space[key] = njit(
                    space[key], error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
                )
        return compile_functions({f: (space[f], count) for f, count in functions.items()})

    code = cached_object(label, [source, *native_sources(list(modules)), repr(sorted(functions.items()))], build)
    return addresses(code, list(functions))
