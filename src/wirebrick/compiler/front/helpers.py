"""Helpers: the plain functions that user functions call, emitted once for each combination of kinds."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.emitter import Emitter
from wirebrick.compiler.front.functions import Function, mark, passes
from wirebrick.compiler.front.outer import known
from wirebrick.compiler.front.records import copied
from wirebrick.compiler.front.returns import flat, resolved
from wirebrick.compiler.kinds import (
    NOTHING,
    EventKind,
    HeaderKind,
    Known,
    Nothing,
    OctetsKind,
    PacketKind,
    RecordKind,
    Value,
    WindowKind,
)
from wirebrick.compiler.source import Source, source_of

if TYPE_CHECKING:
    from wirebrick.compiler.front.unit import Unit


def call_helper(
    unit: Unit, f: Emitter, node: ast.AST, function: Any, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """Emit (once for each combination of kinds) and call a plain function."""
    source = source_of(function, f.source.place(node))
    unit.shared.called[function] = source
    values = _bound(unit, f, node, source, arguments, keywords)
    dynamic = [(name, v) for name, v in values.items() if _is_dynamic(v)]
    key = (function, tuple((name, _signature(v)) for name, v in values.items()), f.rights)
    shares_packet = any(
        isinstance(v.kind, PacketKind | HeaderKind | OctetsKind | WindowKind) for v in values.values()
    )
    helper = None if shares_packet else unit.shared.helpers.get(key)
    if helper is None:
        caller, unit.shared.variant = unit.shared.variant, unit.shared.new_variant()
        log = len(unit.facts_log)
        helper = _emit_helper(unit, f, source, values)
        helper.facts = unit.facts_log[log:]
        unit.shared.variant = caller
        unit.shared.helpers[key] = helper
    else:
        unit.facts_log += helper.facts
    unit.note(node, f"call {helper.variant}")
    unit.shared.variant_of[helper.variant] = function
    codes = [code for _, value in dynamic for code in flat(value.code)]
    for name in helper.needs:
        f.need(name)
    kind = helper.result or NOTHING
    names = f.codes(kind, f.temporary())
    status, fate = f.temporary(), f.temporary()
    targets = ", ".join([status, "left", fate, *flat(names)])
    f.line(f"{targets} = {helper.name}({', '.join([*codes, *helper.needs, 'left'])})")
    f.fail_with(status)
    if helper.ends:
        f.line(f"if {fate} != 0: fate = {fate}")
        f.fates.add("helper")
    f.flow.gone.update(helper.exits.gone)
    if isinstance(kind, RecordKind) and kind.fresh:
        at = f.keep(f"{f.need('scratch')} + {unit.scratch(kind.record.size)}")
        copied(f, at, names, kind.record.size)
        names = at
    return Value(kind, names)


def _signature(value: Value) -> Any:
    if isinstance(value.kind, Known):
        return ("known", id(value.kind.value))
    return value.kind


def _is_dynamic(value: Value) -> bool:
    return not isinstance(value.kind, EventKind | Known | PacketKind | HeaderKind | Nothing | WindowKind)


def _bound(
    unit: Unit, f: Emitter, node: ast.AST, source: Source, arguments: list[Value], keywords: dict[str, Value]
) -> dict[str, Value]:
    try:
        bound = inspect.signature(source.function).bind(*arguments, **keywords)
    except TypeError as error:
        f.refuse(node, f"{source.name}(): {error}")
    values = {}
    for name, parameter in inspect.signature(source.function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            f.refuse(node, f"{source.name}() takes any number of arguments: that is not supported")
        value = bound.arguments.get(name)
        values[name] = known(f, node, name, parameter.default) if value is None else value
    for value in values.values():
        if isinstance(value.kind, PacketKind):
            unit.ownership.used(f, node, value.kind.number)
    return values


def _emit_helper(unit: Unit, f: Emitter, source: Source, values: dict[str, Value]) -> Function:
    rights = replace(f.rights, result="value")
    parameters: list[str] = []

    def start(sub: Emitter) -> None:
        parameters.clear()
        sub.is_helper = True
        sub.packets = {n: replace(info, alive="") for n, info in f.packets.items()}
        sub.borrowed = frozenset(n for n in f.packets if n > 0)
        sub.own_checksums = f.own_checksums
        sub.flow.gone = dict(f.flow.gone)
        sub.flow.made = set(f.flow.made)
        sub.line("fate = 0")
        for name, value in values.items():
            kind = value.kind
            if not _is_dynamic(value):
                sub.argument(name, value)
                continue
            if isinstance(kind, RecordKind):
                kind = replace(kind, fresh=False)  # it is the caller's: returned, it stays the same record
            codes = sub.codes(kind, f"a_{name}")
            parameters.extend(flat(codes))
            sub.bind(source.tree, name, Value(kind, codes))

    emitter = passes(unit, source, rights, start)
    name = unit.shared.name(f"{unit.scope}__{source.name}")
    helper = Function(name, emitter, parameters)
    place = source.place(source.tree)
    head = f"{mark(source.function)}def {name}({', '.join([*parameters, *helper.needs, 'left'])}):"
    unit.shared.functions.append(
        "\n".join([head, f"    # {place.file}:{place.line}", *resolved(emitter, top=False)])
    )
    if emitter.resizes:
        f.resizes = True
    return helper
