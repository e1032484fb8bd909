"""Whole functions: user functions of operators, the helpers they call, the methods of headers."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.convert import int64
from wirebrick.compiler.front.emitter import RETURN, Emitter, Flow, PacketInfo, Rights
from wirebrick.compiler.front.expressions import expression, known
from wirebrick.compiler.front.statements import block, condition
from wirebrick.compiler.kinds import (
    NOTHING,
    Bool,
    Float,
    HeaderKind,
    Int,
    Kind,
    Known,
    Nothing,
    OctetsKind,
    PacketKind,
    RecordKind,
    TupleKind,
    Value,
    Wide,
)
from wirebrick.compiler.source import Source, source_of
from wirebrick.errors import CheckError
from wirebrick.headers.header import Header
from wirebrick.packet.faults import INDEX
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
    while True:

        def start(f: Emitter) -> None:
            f.packets[0] = PacketInfo("d", "p", stack)
            f.own_checksums = frozenset(own)
            argument = source.arguments[0]
            f.argument(argument, Value(PacketKind(0), None))
            f.groups, f.schema = groups, schema
            f.line("fate = 0")

        emitter = _passes(unit, source, rights, start)
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
    text = [f"def {name}({', '.join([*result.needs, 'left'])}):", f"    # {place.file}:{place.line}"]
    unit.shared.functions.append("\n".join([*text, *_resolved(emitter, top=True)]))
    result.own = frozenset(own)
    return result


def _passes(unit: Unit, source: Source, rights: Rights, start: Any) -> Emitter:
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
            if emitter.joined == kinds:
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


def returned(unit: Unit, f: Emitter, node: ast.AST, value: ast.expr | None) -> None:
    """Emit a return."""
    result = f.rights.result
    if f.is_helper:
        _helper_return(unit, f, node, value)
    elif result == "none":
        if value is not None:
            expression(f, value)
        f.line("return fate")
    elif value is None or (isinstance(value, ast.Constant) and value.value is None):
        what = {"bool": "True or False", "group": "the number of a group", "record": "a record"}[result]
        f.refuse(node, f"the function of {f.rights.operator}() must return {what} on every path")
    elif result == "bool":
        test = condition(f, value)
        f.line(f"return 1 if {test.code} else 0")
    elif result == "group":
        number = int64(f, value, expression(f, value), "a group")
        code = f.keep(number.code)
        f.fault_if(f"{code} < 0 or {code} >= {f.groups}", INDEX)
        f.line(f"return {code}")
    else:
        record = expression(f, value)
        if not isinstance(record.kind, RecordKind) or record.kind.record is not f.schema:
            f.refuse(value, f"metadata() needs a {f.schema.__name__}, not {record.kind}")
        f.line(f"copy({f.need('attach')}, {record.code}, {record.kind.record.size})")
        f.line("return 0")
    unit.ownership.finish(f, f.flow)
    f.exits.append(f.flow.clone())


def _helper_return(unit: Unit, f: Emitter, node: ast.AST, value: ast.expr | None) -> None:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        kind: Kind = NOTHING
    else:
        got = expression(f, value)
        kind = got.kind
        if isinstance(kind, PacketKind | Known):
            f.refuse(value, f"{kind} can't be returned", "return a number, a header or a record")
        if isinstance(kind, OctetsKind):
            f.refuse(value, "bytes of a packet can't be returned", "return offsets into them")
        if isinstance(kind, TupleKind) and any(isinstance(item, RecordKind) and item.fresh for item in kind.items):
            f.refuse(value, "a record that is made here can't be returned in a tuple", "return it by itself")
        if not isinstance(kind, Nothing):
            f.bind(value, RETURN, got)
            kind = f.values[RETURN].kind
    before = f.result_kind
    if before is not None and isinstance(before, Nothing) != isinstance(kind, Nothing):
        f.refuse(node, "the function returns a value on some paths only", "return one on every path")
    f.result_kind = kind
    f.line("return @VALUE@")


def _flat(codes: Any) -> list[str]:
    if isinstance(codes, tuple):
        return [name for code in codes for name in _flat(code)]
    return [] if codes is None else [codes]


def _zeros(kind: Kind) -> list[str]:
    if isinstance(kind, TupleKind):
        return [zero for item in kind.items for zero in _zeros(item)]
    if isinstance(kind, Wide | OctetsKind):
        return ["0", "0"]
    if isinstance(kind, Bool):
        return ["False"]
    if isinstance(kind, Float):
        return ["0.0"]
    return [] if isinstance(kind, Nothing | HeaderKind) else ["0"]


def _resolved(f: Emitter, top: bool, method: bool = False) -> list[str]:
    """The lines of a function with its returns written out."""
    kind = f.result_kind or NOTHING
    if top:
        fault, value = "{}", "fate"
    elif method:
        zero = _zeros(kind)[0] if _zeros(kind) else "0"
        fault, value = f"{{}}, {zero}", f"0, {_flat(f.values[RETURN].code)[0]}"
    else:
        zeros = "".join(f", {zero}" for zero in _zeros(kind))
        fault = f"{{}}, left, 0{zeros}"
        names = _flat(f.values[RETURN].code) if RETURN in f.values and not isinstance(kind, Nothing) else []
        value = "".join(["0, left, fate", *(f", {name}" for name in names)])
    lines = []
    for line in [*(f"    {copy} = False" for copy in f.declared_copies), *f.lines]:
        line = line.replace("@VALUE@", value)
        for mark in ("@FAULT(", "@STATUS("):
            if mark in line:
                head, _, rest = line.partition(mark)
                code, _, tail = rest.partition(")@")
                line = head + fault.format(code) + tail
        lines.append(line)
    return lines


def call_helper(
    unit: Unit, f: Emitter, node: ast.AST, function: Any, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """Emit (once for each combination of kinds) and call a plain function."""
    source = source_of(function, f.source.place(node))
    unit.shared.called[function] = source
    values = _bound(unit, f, node, source, arguments, keywords)
    dynamic = [(name, v) for name, v in values.items() if _is_dynamic(v)]
    key = (function, tuple((name, _signature(v)) for name, v in values.items()), f.rights)
    shares_packet = any(isinstance(v.kind, PacketKind | HeaderKind | OctetsKind) for v in values.values())
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
    codes = [code for _, value in dynamic for code in _flat(value.code)]
    for name in helper.needs:
        f.need(name)
    kind = helper.result or NOTHING
    names = f.codes(kind, f.temporary())
    status, fate = f.temporary(), f.temporary()
    targets = ", ".join([status, "left", fate, *_flat(names)])
    f.line(f"{targets} = {helper.name}({', '.join([*codes, *helper.needs, 'left'])})")
    f.fail_with(status)
    if helper.ends:
        f.line(f"if {fate} != 0: fate = {fate}")
        f.fates.add("helper")
    f.flow.gone.update(helper.exits.gone)
    if isinstance(kind, RecordKind) and kind.fresh:
        at = f.keep(f"{f.need('scratch')} + {unit.scratch(kind.record.size)}")
        f.line(f"copy({at}, {names}, {kind.record.size})")
        names = at
    return Value(kind, names)


def _signature(value: Value) -> Any:
    if isinstance(value.kind, Known):
        return ("known", id(value.kind.value))
    return value.kind


def _is_dynamic(value: Value) -> bool:
    return not isinstance(value.kind, Known | PacketKind | HeaderKind | Nothing)


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
        sub.borrowed = frozenset(n for n in f.packets if n)
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
                kind = RecordKind(kind.record)  # it is the caller's: returned, it stays the same record
            codes = sub.codes(kind, f"a_{name}")
            parameters.extend(_flat(codes))
            sub.bind(source.tree, name, Value(kind, codes))

    emitter = _passes(unit, source, rights, start)
    name = unit.shared.name(f"{unit.scope}__{source.name}")
    helper = Function(name, emitter, parameters)
    place = source.place(source.tree)
    head = f"def {name}({', '.join([*parameters, *helper.needs, 'left'])}):"
    unit.shared.functions.append(
        "\n".join([head, f"    # {place.file}:{place.line}", *_resolved(emitter, top=False)])
    )
    if emitter.resizes:
        f.resizes = True
    return helper


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
    emitter = _passes(unit, source, rights, start)
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
    lines = _resolved(emitter, top=False, method=True)
    flag = _flat(emitter.values[RETURN].code)[0]
    lines = [line.replace("@TRUTH@", f"0, (1 if {flag} else 0)") for line in lines]
    lines = [line.replace(", False", ", 0") if "return -" in line else line for line in lines]
    place = source.place(source.tree)
    text = [f"def {name}(p, h0, l0):", f"    # {place.file}:{place.line}", *lines]
    unit.shared.functions.append("\n".join(text))
    unit.shared.helpers[key] = (name, kind)
    return name, kind

