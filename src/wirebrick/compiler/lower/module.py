"""A module of LLVM functions, made from Python functions over integers as they are called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from llvmlite import ir

from wirebrick.compiler.intrinsics import F64, I1, I64, INTRINSICS, Intrinsic
from wirebrick.compiler.lower.function import lower_function

LLVM = {"i": I64, "b": I1, "f": F64}
Kind = Any  # "i", "b", "f", or a tuple of them


@dataclass
class Space:
    """The names that functions of one source see: other functions, intrinsics, constants."""

    file: str
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    imported: dict[str, tuple[Space, str]] = field(default_factory=dict)

    def add_functions(self, tree: ast.Module) -> None:
        """Take the functions of a source."""
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node


@dataclass(frozen=True)
class Lowered:
    """A function in LLVM, for certain kinds of arguments."""

    function: ir.Function
    result: Kind


def llvm_type(kind: Kind) -> Any:
    """The LLVM type of a kind."""
    if isinstance(kind, tuple):
        return ir.LiteralStructType([llvm_type(item) for item in kind])
    return LLVM[kind]


class Module:
    """Functions by source, name and kinds of arguments, each lowered when it is first called."""

    def __init__(self) -> None:
        self.ir = ir.Module(name="wirebrick")
        self._done: dict[Any, Lowered] = {}

    def resolve(self, space: Space, name: str) -> Any:
        """What a name stands for: (Space, def), an Intrinsic or a constant. Raises NameError."""
        if name in space.functions:
            return space, space.functions[name]
        if name in space.imported:
            home, own = space.imported[name]
            return self.resolve(home, own)
        if name in space.constants:
            return space.constants[name]
        if name in INTRINSICS:
            return INTRINSICS[name]
        raise NameError(f"{space.file}: {name} is unknown")

    def lowered(self, space: Space, node: ast.FunctionDef, kinds: tuple[Kind, ...]) -> Lowered:
        """A function for arguments of these kinds."""
        key = (id(node), kinds)
        if key not in self._done:
            self._done[key] = lower_function(self, self.ir, space, node, kinds)
        return self._done[key]

    def export(self, space: Space, name: str, count: int) -> None:
        """Make an entry point ``wb_NAME`` of so many integers, with an integer as result."""
        home, node = self.resolve(space, name)
        found = self.lowered(home, node, ("i",) * count)
        kind = ir.FunctionType(I64, [I64] * count)
        entry = ir.Function(self.ir, kind, f"wb_{name}")
        builder = ir.IRBuilder(entry.append_basic_block())
        value = builder.call(found.function, list(entry.args))
        builder.ret(I64(0) if found.result is None else value)


__all__ = ["Intrinsic", "Lowered", "Module", "Space", "llvm_type"]
