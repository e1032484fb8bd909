"""Calls: methods of packets, bytes and state objects, a few builtins, records, and other plain functions."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from wirebrick.addresses import Address
from wirebrick.compiler.front import octets
from wirebrick.compiler.front.builtins import BUILTINS, address, arguments
from wirebrick.compiler.front.convert import integer
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.front.ports import are_names, position
from wirebrick.compiler.front.unit import METHODS
from wirebrick.compiler.kinds import (
    INT,
    NOTHING,
    EventKind,
    HeaderKind,
    Known,
    OctetsKind,
    PacketKind,
    RecordKind,
    Value,
    Wide,
    WindowKind,
)
from wirebrick.packet import memory
from wirebrick.state.base import State
from wirebrick.state.record import Record

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def call(f: Emitter, node: ast.Call) -> Value:
    """A call."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        f.refuse(node, "* is not supported in a call", "name the arguments")
    if isinstance(node.func, ast.Attribute):
        holder = expression(f, node.func.value)
        kind = holder.kind
        if isinstance(kind, PacketKind):
            from wirebrick.compiler.front.packets import packet_method

            return packet_method(f, node, kind, node.func.attr)
        if isinstance(kind, WindowKind):
            from wirebrick.compiler.front.windows import window_method

            return window_method(f, node, kind, node.func.attr)
        if isinstance(kind, EventKind):
            from wirebrick.compiler.front.events import event_method

            return event_method(f, node, node.func.attr)
        if isinstance(kind, OctetsKind):
            return _octets_method(f, node, holder, node.func.attr)
        if isinstance(kind, Known) and isinstance(kind.value, State):
            from wirebrick.compiler.front.state import method

            return method(f, node, kind.value, node.func.attr, arguments(f, node))
        if node.func.attr == "index" and are_names(holder):
            given = arguments(f, node)
            if len(given) != 1:
                f.refuse(node, "index() takes a port", "ports.index(packet.ingress)")
            return position(f, node, holder, given[0])
        if isinstance(kind, HeaderKind | RecordKind):
            return _method(f, node, holder, node.func.attr)
    function = expression(f, node.func)
    if not isinstance(function.kind, Known):
        f.refuse(node, f"{function.kind} can't be called")
    return _known_call(f, node, function.kind.value)


def _method(f: Emitter, node: ast.Call, holder: Value, name: str) -> Value:
    """A method that a user's header or record class defines: a plain function of its view."""
    kind = holder.kind
    assert isinstance(kind, HeaderKind | RecordKind)
    owner: type[Any] = kind.slot.header if isinstance(kind, HeaderKind) else kind.record
    for base in owner.__mro__:
        member = base.__dict__.get(name)
        if inspect.isfunction(member):
            if base.__module__.startswith("wirebrick.") and name in METHODS:
                assert isinstance(kind, HeaderKind)
                return f.unit.header_method(f, kind, member)
            f.unit.note(node, "method")
            return f.unit.call_function(f, node, member, [holder, *arguments(f, node)], {})
    return f.refuse(node, f"{owner.__name__} has no method {name}")


def _octets_method(f: Emitter, node: ast.Call, view: Value, name: str) -> Value:
    if name in octets.READS:
        given = arguments(f, node)
        if len(given) != 1:
            f.refuse(node, f"{name}() takes an offset")
        return octets.load(f, node, view, given[0], octets.READS[name])
    if name in octets.WRITES:
        given = arguments(f, node)
        if len(given) != 2:
            f.refuse(node, f"{name}() takes an offset and a value")
        value = given[1]
        code = value.code[1] if isinstance(value.kind, Wide) else integer(f, node, value).code
        octets.store(f, node, view, given[0], octets.WRITES[name], code)
        return Value(NOTHING, "0")
    if name in ("startswith", "endswith", "find"):
        most = 2 if name == "find" else 1
        argument = expression(f, node.args[0]) if 1 <= len(node.args) <= most else None
        if (
            argument is None
            or not isinstance(argument.kind, Known)
            or not isinstance(argument.kind.value, bytes)
        ):
            f.refuse(node, f'{name}() takes constant bytes, such as b"GET "')
        data = argument.kind.value
        if name == "find":
            start = expression(f, node.args[1]) if len(node.args) == 2 else None
            return octets.find(f, node, view, data, start)
        return (octets.startswith if name == "startswith" else octets.endswith)(f, view, data)
    if name in ("resize", "insert", "delete"):
        from wirebrick.compiler.front.resize import resize

        return resize(f, node, view, name, arguments(f, node))
    cure = "there are u8 .. u64, put_u8 .. put_u64, startswith, endswith, find, resize, insert, delete"
    return f.refuse(node, f"bytes of a packet have no {name}()", cure)


def _known_call(f: Emitter, node: ast.Call, function: Any) -> Value:
    if function is memory.cycles:
        return Value(INT, f.keep("cycles()"))
    if function in BUILTINS:
        result: Value = BUILTINS[function](f, node)
        return result
    if isinstance(function, type):
        if issubclass(function, Record):
            from wirebrick.compiler.front.records import construct

            return construct(f, node, function)
        if issubclass(function, Address):
            return address(f, node, function)
        f.refuse(node, f"{function.__name__}() can't be called in a user function")
    if function in (print, breakpoint) and f.unit.shared.interpreted:
        return Value(NOTHING, "0")
    if function in (print, breakpoint, input):
        f.refuse(
            node,
            f"{function.__name__}() does not exist in compiled code",
            "run with --interpret to use it",
        )
    if inspect.isfunction(function):
        arguments = [expression(f, argument) for argument in node.args]
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                f.refuse(node, "** is not supported in a call", "name the arguments")
            keywords[keyword.arg] = expression(f, keyword.value)
        return f.unit.call_function(f, node, function, arguments, keywords)
    name = getattr(function, "__name__", repr(function))
    return f.refuse(
        node, f"{name}() can't be called in a user function", "write it as a plain Python function"
    )
