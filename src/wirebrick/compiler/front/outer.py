"""Values from outside of a user function: closure, globals, constants of modules and classes."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from wirebrick.addresses import Network
from wirebrick.compiler.kinds import (
    NOTHING,
    Known,
    TupleKind,
    Value,
    constant,
)

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def known(f: Emitter, node: ast.AST, name: str, value: Any) -> Value:
    """The value of an object from outside of the function."""
    from wirebrick.state.base import State

    if isinstance(value, bool | int | float):
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 128:
            f.refuse(node, f"{name} = {value} does not fit 128 bits")
        return constant(value)
    if value is None:
        return Value(NOTHING, "0")
    if isinstance(value, tuple):
        items = [known(f, node, name, item) for item in value]
        return Value(TupleKind(tuple(i.kind for i in items)), tuple(i.code for i in items), tuple(value))
    if isinstance(value, str | bytes | Network | State | ModuleType):
        return Value(Known(value), None)
    if inspect.isfunction(value) or inspect.isbuiltin(value):
        return Value(Known(value), None)
    if isinstance(value, type):
        return Value(Known(value), None)  # to be called, or for the constants in it
    cure = "numbers, addresses, networks, bytes, tuples, state objects and plain functions can be used"
    if isinstance(value, list | set | dict | bytearray):
        cure = f"make it a tuple if it does not change, else use an Array or a Table ({cure})"
    elif type(value).__module__ == "ipaddress":
        cure = f'use wirebrick.{type(value).__name__.removesuffix("Interface")}("{value}")'
    return f.refuse(node, f"{name} is a {type(value).__name__}: that can't be used in a user function", cure)
