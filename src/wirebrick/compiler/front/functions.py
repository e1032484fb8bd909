"""Whole functions: user functions of operators, and the methods of headers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.emitter import RETURN, Emitter, PacketInfo, Rights
from wirebrick.compiler.front.flow import Flow
from wirebrick.compiler.front.returns import flat, resolved, returned
from wirebrick.compiler.front.statements import block
from wirebrick.compiler.kinds import (
    NOTHING,
    Bool,
    HeaderKind,
    Int,
    Kind,
    PacketKind,
    Value,
)
from wirebrick.compiler.source import Source, source_of
from wirebrick.errors import CheckError
from wirebrick.headers.header import Header
from wirebrick.seldom import is_seldom
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.front.unit import Unit

HEADER_FUEL = 4096


class Function:
    """An emitted function: its name, the names it needs, what it gives."""

    def __init__(self, name: str, emitter: Emitter, parameters: list[str]) -> None:
        self.name = name
        self.needs = sorted(emitter.used)
        self.parameters = parameters
        self.emitter = emitter
        self.result = emitter.result_kind
        self.ends = bool(emitter.fates)
        self.exits: Flow = emitter.flow
        self.own: frozenset[type[Header]] = frozenset()
        self.facts: list[tuple[str, str]] = []
        self.variant = emitter.unit.shared.variant


def emit_user_function(
    unit: Unit,
    function: Any,
    rights: Rights,
    stack: tuple[Slot, ...],
    groups: int = 0,
    schema: Any = None,
) -> Function:
    """Emit the function of an operator. Raises CheckError."""
    source = source_of(function)
    unit.shared.called[function] = source
    tree = source.tree
    own: set[type[Header]] = set()
    unit.shared.variant = unit.shared.new_variant()
    snapshot = unit.snapshot()

    def start(f: Emitter) -> None:
        if rights.operator in ("every", "after"):
            from wirebrick.compiler.front.events import start_event

            start_event(f, source.arguments, own)
            return
        argument = source.arguments[0]
        f.groups, f.schema = groups, schema
        f.line("fate = 0")
        if rights.operator == "window":
            from wirebrick.compiler.front.windows import start_window

            start_window(f, argument, schema)
            return
        f.packets[0] = PacketInfo("d", "p", stack)
        f.own_checksums = frozenset(own)
        f.argument(argument, Value(PacketKind(0), None))

    while True:
        emitter = passes(unit, source, rights, start)
        written = {
            slot.header
            for slot, name in unit.wrote_log
            if slot is not None and slot.header.checksum_rule and name == slot.header.checksum_rule.field
        }
        if written <= own:
            break
        own |= written
        unit.restore(snapshot)
    name = unit.shared.name(f"{unit.scope}__{source.name}")
    place = source.place(tree)
    result = Function(name, emitter, [])
    head = f"{mark(function)}def {name}({', '.join([*result.needs, 'left'])}):"
    text = [head, f"    # {place.file}:{place.line}"]
    unit.shared.functions.append("\n".join([*text, *resolved(emitter, top=True)]))
    result.own = frozenset(own)
    return result


def mark(function: Any) -> str:
    """What stands before the definition of a function that few packets need."""
    return "@seldom\n" if is_seldom(function) else ""


def passes(unit: Unit, source: Source, rights: Rights, start: Any) -> Emitter:
    """Emit until the kinds of all variables are known: each pass widens some, as often as they can be."""
    if source.function in unit.shared.active:
        raise CheckError(
            f"{source.name} calls itself", place=source.place(source.tree), cure="write a loop with a bound"
        )
    unit.shared.active.append(source.function)
    kinds: dict[str, Kind] = {}
    try:
        while True:
            snapshot = unit.snapshot()
            emitter = Emitter(unit, source, rights)
            emitter.kinds = kinds
            start(emitter)
            _body(unit, emitter)
            if emitter.is_settled():
                return emitter
            kinds = emitter.joined
            unit.restore(snapshot)
    except RecursionError:
        raise CheckError(
            f"{source.name} is nested too deeply",
            place=source.place(source.tree),
            cure="move a part of it into a function of its own",
        ) from None
    finally:
        unit.shared.active.pop()


def _body(unit: Unit, f: Emitter) -> None:
    f.exits = []
    tree = f.source.tree
    if isinstance(tree, ast.Lambda):
        returned(unit, f, tree.body, tree.body)
        f.flow.reached = False
    else:
        block(f, tree.body)
        if f.flow.reached:
            returned(unit, f, tree, None)
            f.flow.reached = False
    flow = Flow(reached=False)
    for one in f.exits:
        flow.merge(one)
    f.flow = flow


def method_of(unit: Unit, header: type[Header], function: Any) -> tuple[str, Kind]:
    """Name and result kind of a header's method, compiled as ``(data, offset, end) -> (status, value)``."""
    key = ("method", header, function)
    known_method = unit.shared.helpers.get(key)
    if known_method is not None:
        return known_method  # type: ignore[no-any-return]
    source = source_of(function)
    unit.shared.called[function] = source
    slot = Slot(0, header, None)
    rights = Rights(f"{header.__name__}.{source.name}", result="value")

    def start(f: Emitter) -> None:
        f.is_helper = True
        f.packets[0] = PacketInfo("d", "p", (slot,))
        f.argument(source.arguments[0], Value(HeaderKind(slot, 0), None))
        f.line("fate = 0")
        f.line(f"left = {HEADER_FUEL}")

    log = len(unit.facts_log)
    emitter = passes(unit, source, rights, start)
    del unit.facts_log[log:]
    kind = emitter.result_kind or NOTHING
    if not isinstance(kind, Int | Bool):
        raise CheckError(
            f"{header.__name__}.{source.name} must give an integer or a truth value, not {kind}",
            place=source.place(source.tree),
        )
    if isinstance(kind, Bool):
        kind = Int("nat")
        emitter.lines = [line.replace("@VALUE@", "@TRUTH@") for line in emitter.lines]
    name = unit.shared.name(f"{header.__name__}__{source.name}")
    lines = resolved(emitter, top=False, method=True)
    flag = flat(emitter.values[RETURN].code)[0]
    lines = [line.replace("@TRUTH@", f"0, (1 if {flag} else 0)") for line in lines]
    lines = [line.replace(", False", ", 0") if "return -" in line else line for line in lines]
    place = source.place(source.tree)
    text = [f"def {name}(p, h0, l0):", f"    # {place.file}:{place.line}", *lines]
    unit.shared.functions.append("\n".join(text))
    unit.shared.helpers[key] = (name, kind)
    return name, kind
