"""Ports in user functions: named by a text, by ``packet.ingress``, or by a number in a tuple of names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.kinds import NAT, Known, PortKind, TupleKind, Value
from wirebrick.packet.faults import INDEX, VALUE
from wirebrick.packet.frame import NO_PORT

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def are_names(value: Value) -> bool:
    """Whether a value is a tuple of names of ports."""
    kind = value.kind
    return (
        isinstance(kind, TupleKind)
        and len(kind.items) > 0
        and all(isinstance(item, Known) and isinstance(item.value, str) for item in kind.items)
    )


def port_number(f: Emitter, node: ast.AST, value: Value) -> str | None:
    """The number of the port that a value names, as text; None where it names none."""
    if isinstance(value.kind, Known) and isinstance(value.kind.value, str):
        return str(f.unit.port(f, node, value.kind.value))
    if isinstance(value.kind, PortKind):
        return str(value.code)
    return None


def existing_port(f: Emitter, node: ast.AST, value: Value) -> str | None:
    """The same, of a port to send to now: an egress that was never set is a fault."""
    number = port_number(f, node, value)
    if number is not None and isinstance(value.kind, PortKind):
        f.unit.shared.sends = None
        f.fault_if(f"{number} == {NO_PORT}", VALUE)
    elif number is not None and f.unit.shared.sends is not None:
        f.unit.shared.sends.add(int(number))
    return number


def _numbers(f: Emitter, node: ast.AST, names: Value) -> list[int]:
    assert isinstance(names.kind, TupleKind)
    return [f.unit.port(f, node, item.value) for item in names.kind.items if isinstance(item, Known)]


def chosen(f: Emitter, node: ast.AST, names: Value, index: Value) -> Value:
    """``names[index]``, the index known only when the packet is there."""
    from wirebrick.compiler.front.convert import int64

    numbers = _numbers(f, node, names)
    at = f.keep(int64(f, node, index, "an index").code)
    f.line(f"if {at} < 0: {at} = {at} + {len(numbers)}")
    f.fault_if(f"not u_less({at}, {len(numbers)})", INDEX)
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return Value(PortKind(), f.keep(f"{at} + {numbers[0]}"))
    port = f.keep(str(numbers[0]))
    for position, number in enumerate(numbers[1:], 1):
        f.line(f"if {at} == {position}: {port} = {number}")
    return Value(PortKind(), port)


def position(f: Emitter, node: ast.AST, names: Value, port: Value) -> Value:
    """``names.index(port)``: where a port stands in the tuple; one that doesn't is a fault."""
    if not isinstance(port.kind, PortKind):
        f.refuse(node, f"index() of ports takes a port, not {port.kind}", "ports.index(packet.ingress)")
    found = f.keep("-1")
    numbers = _numbers(f, node, names)
    for place, number in reversed(list(enumerate(numbers))):
        f.line(f"if {port.code} == {number}: {found} = {place}")
    f.fault_if(f"{found} < 0", VALUE)
    return Value(NAT, found)
