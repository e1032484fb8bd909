"""The operations that a class of state objects declares (``state/operation.py``), as calls of native functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.convert import int64, integer
from wirebrick.compiler.front.octets import data_of
from wirebrick.compiler.front.sharing import block_of
from wirebrick.compiler.kinds import (
    BOOL,
    INT,
    NAT,
    NOTHING,
    Int,
    OctetsKind,
    PortKind,
    RecordKind,
    Value,
    Wide,
    constant,
)
from wirebrick.packet import frame
from wirebrick.packet.faults import VALUE
from wirebrick.state.base import State
from wirebrick.state.consistency import Partitioned, Strict

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def operate(
    f: Emitter, node: ast.AST, holder: State, name: str, arguments: list[Value], places: list[ast.expr]
) -> Value:
    """The result of an operation by its name; ``places``: where the arguments stand. Raises CheckError."""
    operation = holder.operations[name]
    kinds = operation.arguments
    if not operation.least <= len(arguments) <= len(kinds):
        most = f" to {len(kinds)}" if len(kinds) > operation.least else ""
        f.refuse(node, f"{name}() of {holder.name} takes {operation.least}{most} arguments")
    given = [*arguments, *map(constant, operation.defaults[len(arguments) - operation.least :])]
    codes: list[str] = []
    for number, (kind, value) in enumerate(zip(kinds, given, strict=True)):
        place = places[number] if number < len(places) else node
        codes += CODES[kind](f, place, holder, name, value)
    strict = isinstance(holder.consistency, Strict)
    atomic = operation.atomic if strict else None
    function = atomic or operation.function
    block = block_of(f, holder, writes=operation.writes, atomic=atomic is not None)
    f.unit.footprint("writes" if operation.writes else "reads", holder.name)
    f.unit.shared.modules.add(function.__module__)
    others = [block_of(f, getattr(holder, other), writes=True) for other in operation.others]
    notes = _notes(f, holder) if operation.ahead else []
    clock = [f"load64({f.need('d')} + {frame.D_TIME})"] if operation.clock else []
    constants = [str(getattr(holder, constant)) for constant in operation.constants]
    call = f"{function.__name__}({', '.join([block, *others, *notes, *clock, *constants, *codes])})"
    if operation.result == "nothing":
        f.line(call)
        return Value(NOTHING, "0")
    code = f.keep(call)
    if operation.record is not None:
        return Value(RecordKind(operation.record, state=holder), code)
    if operation.result == "bool":
        return Value(BOOL, f"({code} != 0)")
    return Value(NAT if operation.result == "natural" else INT, code)


def _notes(f: Emitter, holder: State) -> list[str]:
    """What was found out ahead about the packets of the burst; what workers share isn't looked at ahead."""
    if not isinstance(holder.consistency, Partitioned):
        return ["0", "0"]
    return [f.need("ahead" + f.unit.state(f, holder).removeprefix("t")), f.need("d")]


def _number(f: Emitter, node: ast.AST, holder: State, name: str, value: Value) -> list[str]:
    return [int64(f, node, value, f"{name}()").code]


def _natural(f: Emitter, node: ast.AST, holder: State, name: str, value: Value) -> list[str]:
    value = int64(f, node, value, f"{name}()")
    if value.is_const and value.const < 0:
        f.refuse(node, f"{name}() of {holder.name} takes no negative number")
    if value.kind == INT or (isinstance(value.kind, Int) and value.kind.range == "int"):
        code = f.keep(value.code)
        f.fault_if(f"{code} < 0", VALUE)
        return [code]
    return [value.code]


def _key(f: Emitter, node: ast.AST, holder: State, name: str, value: Value) -> list[str]:
    key = getattr(holder, "key", None)
    if key is None or not isinstance(value.kind, RecordKind) or value.kind.record is not key:
        f.refuse(node, f"the keys of {holder.name} are {getattr(key, '__name__', key)}, not {value.kind}")
    return [str(value.code)]


def _address(f: Emitter, node: ast.AST, holder: State, name: str, value: Value) -> list[str]:
    if isinstance(value.kind, Wide):
        return list(value.code)
    value = integer(f, node, value, f"{name}()")
    assert isinstance(value.kind, Int)
    code = value.code if value.is_const else f.keep(value.code)
    if value.kind.range == "int":
        f.fault_if(f"{code} < 0", VALUE)
    return ["0", code]


def _bytes(f: Emitter, node: ast.AST, holder: State, name: str, value: Value) -> list[str]:
    if not isinstance(value.kind, OctetsKind):
        f.refuse(
            node,
            f"{name}() of {holder.name} takes bytes of a packet, not {value.kind}",
            "packet.payload, a part of it",
        )
    f.unit.touch(f, value.kind, "read")
    begin, end = value.code
    return [f"{data_of(f, value.kind)} + {begin}", f"{end} - {begin}"]


def _port(f: Emitter, node: ast.AST, holder: State, name: str, value: Value) -> list[str]:
    if not isinstance(value.kind, PortKind):
        f.refuse(node, f"{name}() of {holder.name} takes a port, not {value.kind}", "packet.ingress")
    return [str(value.code)]


CODES = {
    "number": _number,
    "natural": _natural,
    "key": _key,
    "address": _address,
    "bytes": _bytes,
    "port": _port,
}
