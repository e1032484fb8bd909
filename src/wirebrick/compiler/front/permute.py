"""Fields that change places (``h.dst, h.src = h.src, h.dst``): one load, one shuffle, one store."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.expressions import kind_of
from wirebrick.compiler.kinds import HeaderKind, signed
from wirebrick.headers.field import Field

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

WINDOW = (
    16  # bytes of a vector; what it reaches behind a header is still inside the frame, and stored unchanged
)


def permute(f: Emitter, node: ast.Assign) -> bool:
    """Emit an assignment that only moves whole bytes within one header; False for every other one."""
    target, value = node.targets[0], node.value
    if len(node.targets) > 1 or not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return False
    if len(target.elts) != len(value.elts):
        return False
    found = [_field(f, part) for part in (*target.elts, *value.elts)]
    fields = [field for one in found if one is not None for field in one[1:]]
    headers = {one[0] for one in found if one is not None}
    if len(fields) < len(found) or len(headers) != 1:
        return False
    header = headers.pop()
    to, source = fields[: len(target.elts)], fields[len(target.elts) :]
    base = min(field.first for field in fields)
    if max(field.first + field.bytes for field in fields) > base + WINDOW or len(set(to)) < len(to):
        return False
    if any(a.bits != b.bits for a, b in zip(to, source, strict=True)):
        return False
    if any(f.unit.coverage(f, header, field.name) for field in to):
        return False
    _record(f, node, header, to, source)
    order = list(range(WINDOW))
    for a, b in zip(to, source, strict=True):
        for byte in range(a.bytes):
            order[a.first - base + byte] = b.first - base + byte
    low, high = (int.from_bytes(bytes(half), "little") for half in (order[:8], order[8:]))
    f.line(f"shuffle16({f.unit.header_at(f, header)} + {base}, {signed(low)}, {signed(high)})")
    return True


def _field(f: Emitter, node: ast.expr) -> tuple[HeaderKind, Field] | None:
    """The header and the field of whole bytes that an expression names, if it does."""
    if not isinstance(node, ast.Attribute):
        return None
    holder = kind_of(f, node.value)
    if not isinstance(holder, HeaderKind):
        return None
    field = holder.slot.header.fields.get(node.attr)
    return (holder, field) if field is not None and field.offset % 8 == field.bits % 8 == 0 else None


def _record(f: Emitter, node: ast.AST, header: HeaderKind, to: list[Field], source: list[Field]) -> None:
    """Check that the function may do this, and note what it reads and writes."""
    name = header.slot.header.__name__
    f.unit.ownership.used(f, node, header.packet)
    for field in source:
        f.unit.footprint("reads", f"{name}.{field.name}")
    for field in to:
        f.unit.may_write(f, node, f"{name}.{field.name}")
        f.unit.footprint("writes", f"{name}.{field.name}")
        f.unit.wrote(header.slot, field.name)
