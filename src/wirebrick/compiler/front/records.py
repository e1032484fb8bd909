"""Records in memory: loads, stores, construction."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.convert import integer, to_float
from wirebrick.compiler.front.wide import words
from wirebrick.compiler.kinds import FLOAT, Float, Int, Kind, Known, RecordKind, Value, Wide
from wirebrick.state.record import Record, RecordField

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

MOST_WORDS = 8
WIDTHS = {1: "8", 2: "16", 4: "32", 8: "64"}


def field_of(f: Emitter, node: ast.AST, record: type[Record], name: str) -> RecordField:
    """The field of a record class by name."""
    from wirebrick.compiler.front.access import unknown

    field = record.fields.get(name)
    if field is None:
        unknown(f, node, record.__name__, name, tuple(record.fields))
        raise AssertionError
    return field


def load_record_field(f: Emitter, node: ast.AST, value: Value, name: str) -> Value:
    """``record.name``."""
    assert isinstance(value.kind, RecordKind)
    field = field_of(f, node, value.kind.record, name)
    f.unit.footprint("reads", f"{value.kind.record.__name__}.{name}")
    return load_cell(f, value.code, field)


def load_cell(f: Emitter, at: str, field: RecordField) -> Value:
    """The value of a field in the record at an address."""
    address = f"{at} + {field.offset}"
    if field.is_float:
        return Value(FLOAT, f.keep(f"load_float({address})"))
    if field.size == 16:
        return Value(Wide(field.address), (f.keep(f"load64({address})"), f.keep(f"load64({address} + 8)")))
    kind = "u64" if field.size == 8 and field.bits == 64 else "nat"
    return Value(Int(kind, field.address), f.keep(f"load{WIDTHS[field.size]}({address})"))


def store_cell(f: Emitter, node: ast.AST, at: str, field: RecordField, value: Value) -> None:
    """Store the low bits of a value."""
    address = f"{at} + {field.offset}"
    if field.is_float:
        f.line(f"store_float({address}, {to_float(f, node, value).code})")
        return
    if isinstance(value.kind, Float | Known):
        f.refuse(node, f"{field.name} holds an integer, not {value.kind}", "int(...) makes one of a float")
    if field.size == 16:
        high, low = words(value if isinstance(value.kind, Wide) else integer(f, node, value))
        f.line(f"store64({address}, {high})")
        f.line(f"store64({address} + 8, {low})")
        return
    code = value.code[1] if isinstance(value.kind, Wide) else integer(f, node, value).code
    if field.bits < field.size * 8:
        code = f"{code} & {field.mask}"
    f.line(f"store{WIDTHS[field.size]}({address}, {code})")


def _kind(field: RecordField) -> Kind:
    """The kind of values that a field holds."""
    if field.is_float:
        return FLOAT
    return Wide(field.address) if field.size == 16 else Int("u64", field.address)


def copied(f: Emitter, to: str, source: str, size: int) -> None:
    """Copy a record: word by word while it is small, as what was just stored is then known, and need not be loaded."""
    if size > MOST_WORDS * 8:
        f.line(f"copy({to}, {source}, {size})")
        return
    for offset in range(0, size, 8):
        f.line(f"store64({to} + {offset}, load64({source} + {offset}))")


def construct(f: Emitter, node: ast.Call, record: type[Record]) -> Value:
    """``Record(field=value, ...)``: in scratch memory that belongs to this place in the function."""
    from wirebrick.compiler.front.stores import stored_value

    if node.args:
        f.refuse(node, f"{record.__name__}() takes its fields by name")
    values = []
    for keyword in node.keywords:
        if keyword.arg is None:
            f.refuse(node, "** is not supported here", "name the fields")
        field = field_of(f, keyword.value, record, keyword.arg)
        values.append((keyword.value, field, stored_value(f, keyword.value, _kind(field))))
    at = f.keep(f"{f.need('scratch')} + {f.unit.scratch(record.size)}")
    for offset in range(0, record.size, 8):
        f.line(f"store64({at} + {offset}, 0)")
    for where, field, value in values:
        store_cell(f, where, at, field, value)
    return Value(RecordKind(record, fresh=True), at)
