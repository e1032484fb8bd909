"""State objects in user functions: tables, arrays, counters."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.convert import int64, integer
from wirebrick.compiler.front.operations import operate
from wirebrick.compiler.front.records import load_cell, store_cell
from wirebrick.compiler.front.sharing import block_of, own_or_fault, owned, seen_from
from wirebrick.compiler.kinds import BOOL, NAT, Int, RecordKind, Value, constant
from wirebrick.packet import frame
from wirebrick.packet.faults import INDEX
from wirebrick.packet.flow import FlowKey
from wirebrick.state.array import Array
from wirebrick.state.base import State
from wirebrick.state.consistency import Bounded, Partitioned
from wirebrick.state.table import Table

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def item(f: Emitter, node: ast.AST, holder: Any, index: Value) -> Value:
    """``table[key]`` or ``array[i]``."""
    if isinstance(holder, Table):
        return touched(f, node, holder, index)
    if isinstance(holder, Array):
        at = element(f, node, holder, index)
        f.unit.footprint("reads", f"{holder.name}[]")
        if holder.record is not None:
            return Value(RecordKind(holder.record, state=seen_from(holder)), at)
        assert holder.field is not None
        return load_cell(f, at, holder.field)
    if isinstance(holder, State) and "__getitem__" in holder.operations:
        return operate(f, node, holder, "__getitem__", [index], [])
    return f.refuse(node, f"a {type(holder).__name__} has no items that a user function can read")


def element(f: Emitter, node: ast.AST, array: Array, index: Value) -> str:
    """The address of an array's element; out of range is a fault."""
    index = integer(f, node, index, "an index")
    assert isinstance(index.kind, Int)
    if index.is_const:
        position = index.const + array.length if index.const < 0 else index.const
        if not 0 <= position < array.length:
            f.refuse(node, f"the array has {array.length} elements")
        code = str(position)
    else:
        code = f.keep(index.code)
        if index.kind.range == "int":
            f.line(f"if {code} < 0: {code} = {code} + {array.length}")
        f.fault_if(f"not u_less({code}, {array.length})", INDEX)
    return f.keep(f"{block_of(f, array)} + {code} * {array.element_size}")


def key_address(f: Emitter, node: ast.AST, table: Table[Any, Any], key: Value) -> str:
    """The address of a key."""
    if not isinstance(key.kind, RecordKind) or key.kind.record is not table.key:
        f.refuse(node, f"the keys of {table.name} are {table.key.__name__}, not {key.kind}")
    return str(key.code)


def sizes(table: Table[Any, Any]) -> str:
    """The last arguments of the native functions: bytes of a key, and of a slot."""
    return f"{table.key.size}, {table.stride}"


def now(f: Emitter) -> str:
    """The clock of the packets."""
    return f"load64({f.need('d')} + {frame.D_TIME})"


def touched(f: Emitter, node: ast.AST, table: Table[Any, Any], key: Value) -> Value:
    """``table[key]``: found or made."""
    f.unit.footprint("state", table.name)
    at = key_address(f, node, table, key)
    arguments = f"{block_of(f, table)}, {at}, {now(f)}, {sizes(table)}"
    if not isinstance(table.consistency, Bounded):
        if table.key is FlowKey and isinstance(table.consistency, Partitioned):
            ahead = f.need("ahead" + f.unit.state(f, table).removeprefix("t"))
            code = f.keep(f"use_flow({ahead}, {f.need('d')}, {arguments})")
        else:
            code = f.keep(f"table_use({arguments})")
        enter = arguments.replace(", ", f", {code}, ", 1)
        f.line(f"if unlikely({code} < 0): {code} = table_enter({enter})")
        return Value(RecordKind(table.value), code)
    code, block = f.temporary(), block_of(f, table)
    f.line(f"if {owned(f, table)} != 0: {code} = table_touch({arguments})")
    f.line("else:")
    with f.indent():  # readers insert nothing: what isn't there is a record of zeros that nobody writes
        f.line(f"{code} = table_find({block}, {at}, {sizes(table)})")
        zeros = f.unit.scratch(max(table.value.size, 8))
        f.line(f"if {code} == 0: {code} = {f.need('scratch')} + {zeros}")
    return Value(RecordKind(table.value, state=table), code)


def contains(f: Emitter, node: ast.AST, key: Value, holder: Any) -> Value:
    """``key in table``."""
    if isinstance(holder, State) and "__contains__" in holder.operations:
        return operate(f, node, holder, "__contains__", [key], [])
    if not isinstance(holder, Table):
        f.refuse(node, f"in needs a tuple, a network or a table, not {type(holder).__name__}")
    f.unit.footprint("state", holder.name)
    at = key_address(f, node, holder, key)
    found = f.keep(f"table_find({block_of(f, holder)}, {at}, {sizes(holder)})")
    return Value(BOOL, f"({found} != 0)")


def remove(f: Emitter, node: ast.AST, holder: Any, key: Value) -> None:
    """``del table[key]``."""
    if not isinstance(holder, Table):
        f.refuse(node, f"items of a {type(holder).__name__} can't be deleted")
    f.unit.footprint("state", holder.name)
    at = key_address(f, node, holder, key)
    f.line(f"table_remove({block_of(f, holder, writes=True)}, {at}, {sizes(holder)})")


def store_item(f: Emitter, node: ast.AST, holder: Any, index: Value, value_of: Any) -> None:
    """``array[i] = value`` or ``array[i] op= value``."""
    if isinstance(holder, Table):
        f.refuse(
            node, "a table's record can't be replaced", "store its fields: record = table[key]; record.x = 1"
        )
    if not isinstance(holder, Array):
        f.refuse(node, f"items of a {type(holder).__name__} can't be stored")
    if holder.field is None:
        f.refuse(node, "an element that is a record can't be replaced", "store its fields: array[i].x = 1")
    at = element(f, node, holder, index)
    field = holder.field
    value = value_of(lambda: load_cell(f, at, field), field.is_float)
    f.unit.footprint("writes", f"{holder.name}[]")
    own_or_fault(f, holder)
    store_cell(f, node, at, field, value)


def expired(f: Emitter, node: ast.Call, table: Table[Any, Any], arguments: list[Value]) -> Value:
    """``table.expire(most)``."""
    most = arguments[0] if arguments else constant(64)  # as Table.expire has it
    code = int64(f, node.args[0] if node.args else node, most, "expire()").code
    f.unit.footprint("state", table.name)
    return Value(NAT, f.keep(f"table_expire({block_of(f, table, writes=True)}, {now(f)}, {code})"))


def method(f: Emitter, node: ast.Call, holder: State, name: str, arguments: list[Value]) -> Value:
    """A method of a state object."""
    if isinstance(holder, Table) and name == "expire" and len(arguments) <= 1:
        return expired(f, node, holder, arguments)
    if name in holder.operations and not name.startswith("__"):
        return operate(f, node, holder, name, arguments, node.args)
    return f.refuse(node, f"a {type(holder).__name__} has no {name}() that a user function can call")


def length(f: Emitter, node: ast.AST, holder: Any) -> Value:
    """``len(array)``, ``len(table)``."""
    if isinstance(holder, Array):
        return constant(holder.length)
    if isinstance(holder, Table):
        return Value(NAT, f.keep(f"table_length({block_of(f, holder)})"))
    return f.refuse(node, f"a {type(holder).__name__} has no length")
