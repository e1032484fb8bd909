"""Stores: assignments to attributes and items."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from wirebrick.compiler.front import octets
from wirebrick.compiler.front.arithmetic import binary
from wirebrick.compiler.front.convert import integer
from wirebrick.compiler.front.expressions import constant_of, expression, kind_of
from wirebrick.compiler.front.fields import store_field
from wirebrick.compiler.front.modular import low_bits, wrapped_shift
from wirebrick.compiler.front.ports import port_number
from wirebrick.compiler.front.records import field_of, store_cell
from wirebrick.compiler.front.sharing import own_or_fault
from wirebrick.compiler.front.wide import low_bits128
from wirebrick.compiler.kinds import (
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
    Value,
    Wide,
)
from wirebrick.errors import CheckError
from wirebrick.headers.field import Computed
from wirebrick.packet import frame
from wirebrick.state.consistency import Bounded

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

WRAPPING = (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)


def target_kind(f: Emitter, target: ast.expr) -> Kind | None:
    """The kind of what is stored to, or None where it can't be read."""
    place = copy.copy(target)
    place.ctx = ast.Load()  # type: ignore[attr-defined]
    try:
        return kind_of(f, place)
    except CheckError:
        return None  # the store itself will tell


def stored_value(f: Emitter, node: ast.expr, target: Kind | None) -> Value:
    """An expression whose low bits are stored: wrap-around where Python's integers would grow."""
    if isinstance(target, Float) or not isinstance(node, ast.BinOp | ast.UnaryOp):
        return expression(f, node)
    if isinstance(target, Wide):
        return low_bits128(f, node)
    kind = kind_of(f, node)
    if isinstance(kind, Int):
        return Value(Int("u64", kind.address), low_bits(f, node))
    return expression(f, node)


def updated(f: Emitter, node: ast.AugAssign, old: Value, is_float: bool = False) -> Value:
    """The new value of ``target op= value`` where the target keeps low bits."""
    if isinstance(old.kind, Int) and isinstance(node.op, WRAPPING) and not is_float:
        kind = kind_of(f, node.value)
        if isinstance(kind, Int | Bool):
            code = low_bits(f, node.value)
            name = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}.get(type(node.op))
            sign = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}.get(type(node.op))
            text = f"wrap_{name}({old.code}, {code})" if name else f"({old.code} {sign} {code})"
            delta = constant_of(f, node.value) if isinstance(node.op, ast.Add | ast.Sub) else None
            if delta is not None:
                delta = -int(delta) if isinstance(node.op, ast.Sub) else int(delta)
            return Value(Int("u64"), f.keep(text), delta=delta)
    if isinstance(old.kind, Int) and isinstance(node.op, ast.LShift) and not is_float:
        return Value(Int("u64"), wrapped_shift(f, node, old.code, expression(f, node.value)))
    return binary(f, node, node.op, old, expression(f, node.value))


def assign(f: Emitter, target: ast.expr, value_of: object) -> None:
    """Store into an attribute or item; ``value_of(old, is_float)`` gives the value once the place is known."""
    if isinstance(target, ast.Attribute):
        _attribute(f, target, value_of)
    elif isinstance(target, ast.Subscript):
        _subscript(f, target, value_of)
    else:
        f.refuse(target, "this can't be assigned to")


def _attribute(f: Emitter, target: ast.Attribute, value_of: object) -> None:
    holder = expression(f, target.value)
    kind = holder.kind
    if isinstance(kind, HeaderKind):
        _header_field(f, target, kind, value_of)
    elif isinstance(kind, RecordKind):
        _record_field(f, target, holder, value_of)
    elif isinstance(kind, PacketKind):
        _packet_attribute(f, target, kind, value_of)
    else:
        f.refuse(target, f"attributes of {kind} can't be stored")


def _header_field(f: Emitter, target: ast.Attribute, kind: HeaderKind, value_of: object) -> None:
    from wirebrick.compiler.front.access import computed_names, getattr_static, unknown

    header = kind.slot.header
    field = header.fields.get(target.attr)
    if field is None:
        if isinstance(getattr_static(header, target.attr), Computed):
            f.refuse(target, f"{header.__name__}.{target.attr} is computed: it can't be stored")
        unknown(f, target, header.__name__, target.attr, (*header.fields, *computed_names(header)))
        return
    f.unit.may_write(f, target, f"{header.__name__}.{target.attr}")
    f.unit.ownership.used(f, target, kind.packet)

    def old() -> Value:
        from wirebrick.compiler.front.fields import load_field

        f.unit.footprint("reads", f"{header.__name__}.{target.attr}")
        return load_field(f, kind, field)

    value = value_of(old, False)  # type: ignore[operator]
    f.unit.footprint("writes", f"{header.__name__}.{target.attr}")
    f.unit.wrote(kind.slot, field.name)
    _refuse_kind(f, target, value, f"{header.__name__}.{target.attr}", field.address)
    store_field(f, target, kind, field, _number(f, target, value))


def _number(f: Emitter, node: ast.AST, value: Value) -> Value:
    return value if isinstance(value.kind, Wide) else integer(f, node, value)


def _refuse_kind(f: Emitter, node: ast.AST, value: Value, name: str, address: object) -> None:
    if isinstance(value.kind, Int | Bool | Wide):
        return
    cure = "int(...) makes one of a float" if isinstance(value.kind, Float) else ""
    if isinstance(value.kind, Known) and isinstance(value.kind.value, str):
        kind = getattr(address, "__name__", "IPv4Address")
        cure = f'addresses are numbers: {kind}("{value.kind.value}")'
    what = "None" if isinstance(value.kind, Nothing) else str(value.kind)
    f.refuse(node, f"{name} holds an integer, not {what}", cure)


def _record_field(f: Emitter, target: ast.Attribute, holder: Value, value_of: object) -> None:
    from wirebrick.compiler.front.records import load_cell

    assert isinstance(holder.kind, RecordKind)
    record = holder.kind.record
    field = field_of(f, target, record, target.attr)
    if holder.code == "meta":
        f.unit.may_write(f, target, "metadata")
    f.unit.footprint("writes", f"{record.__name__}.{target.attr}")
    value = value_of(lambda: load_cell(f, holder.code, field), field.is_float)  # type: ignore[operator]
    state = holder.kind.state
    if state is not None and state.viewed and not isinstance(state.consistency, Bounded):
        f.refuse(target, f"records of {state.name} can only be read in user functions")
    own_or_fault(f, state)
    store_cell(f, target, holder.code, field, value)


def _packet_attribute(f: Emitter, target: ast.Attribute, kind: PacketKind, value_of: object) -> None:
    if target.attr != "egress":
        f.refuse(target, f"packet.{target.attr} can't be stored", "headers, payload, metadata and egress can")
    f.unit.may_write(f, target, "egress")
    f.unit.ownership.used(f, target, kind.number)
    value = value_of(None, False)  # type: ignore[operator]
    code = port_number(f, target, value)
    if code is None:
        f.refuse(target, f"packet.egress is a port, not {value.kind}", 'name it: packet.egress = "out"')
    f.unit.footprint("writes", "egress")
    f.unit.sets_egress = True
    f.line(f"store16({f.need(f.packets[kind.number].descriptor)} + {frame.D_EGRESS}, {code})")


def _subscript(f: Emitter, target: ast.Subscript, value_of: object) -> None:
    from wirebrick.compiler.front.state import store_item

    holder = expression(f, target.value)
    kind = holder.kind
    if isinstance(kind, OctetsKind):
        if isinstance(target.slice, ast.Slice):
            f.refuse(target, "a slice can't be stored", "store byte by byte, or put_u16, put_u32, put_u64")
        index = expression(f, target.slice)
        if not index.is_const:
            index = Value(index.kind, f.keep(index.code))
        value = value_of(lambda: octets.load(f, target, holder, index, 1), False)  # type: ignore[operator]
        _refuse_kind(f, target, value, "a byte", None)
        code = value.code[1] if isinstance(value.kind, Wide) else integer(f, target, value).code
        octets.store(f, target, holder, index, 1, code)
    elif isinstance(kind, Known):
        store_item(f, target, kind.value, expression(f, target.slice), value_of)
    else:
        f.refuse(target, f"items of {kind} can't be stored")
