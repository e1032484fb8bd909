"""The code that parses a header: one function for each header class, the announcement before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.front.fields import raw_bits
from wirebrick.compiler.front.functions import method_of
from wirebrick.headers.header import Header, announcements
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.front.unit import Unit

OK, ABSENT, TRUNCATED, MALFORMED = 1, 2, 3, 4


def parse_function(unit: Unit, header: type[Header]) -> str:
    """The name of ``f(data, begin, end, wire) -> (state, payload begin, end, wire)`` for a header."""
    shared = unit.shared
    key = ("parse", header)
    if key in shared.helpers:
        return str(shared.helpers[key])
    name = shared.name(f"parse_{header.__name__}")
    size = header.size
    lines = [f"def {name}(p, b, l, x):", f"    if unlikely(b + {size} > l): return {TRUNCATED}, b, l, x"]
    if header.header_length is not Header.header_length:
        method, _ = method_of(unit, header, header.header_length)
        lines += [
            f"    e, n = {method}(p, b, l)",
            *_failed(),
            f"    if unlikely(n < {size}): return {MALFORMED}, b, l, x",
        ]
        lines += [f"    if unlikely(b + n > l): return {TRUNCATED}, b, l, x"]
    else:
        lines.append(f"    n = {size}")
    if header.valid is not Header.valid:
        method, _ = method_of(unit, header, header.valid)
        lines += [
            f"    e, ok = {method}(p, b, l)",
            *_failed(),
            f"    if unlikely(ok == 0): return {MALFORMED}, b, l, x",
        ]
    claim = getattr(header, "claimed_payload", None)
    if claim is not None:
        method, _ = method_of(unit, header, claim)
        lines += [f"    e, c = {method}(p, b, l)", *_failed()]
        lines += [
            f"    if unlikely({wrong}): return {MALFORMED}, b, l, x" for wrong in ("c < 0", "b + n + c > x")
        ]
        lines += ["    x = b + n + c", "    if l > x: l = x"]
    lines.append(f"    return {OK}, b + n, l, x")
    shared.functions.append("\n".join(lines))
    shared.helpers[key] = name
    return name


def _failed() -> list[str]:
    return [
        "    if unlikely(e != 0):",
        f"        if e == -1: return {TRUNCATED}, b, l, x",
        f"        return {MALFORMED}, b, l, x",
    ]


def announced(unit: Unit, slot: Slot) -> str | None:
    """The text of the condition under which the header before announces a slot's; None: always."""
    if slot.parent is None:
        return None
    parent = slot.parent.header
    conditions = announcements(slot.header, parent)
    if not conditions:
        return None
    names = unit.slot_names(slot.parent)
    alternatives = []
    for condition in conditions:
        parts = []
        for term in condition.terms:
            field = parent.fields.get(term.name)
            if field is not None:
                parts.append(f"{raw_bits(f'p + {names.offset} + {field.first}', field)} == {term.value}")
            else:
                function = announcing_value(unit, parent, term.name)
                parts.append(f"{function}(p, {names.offset}, {names.end}) == {term.value}")
        alternatives.append(" and ".join(f"({part})" for part in parts))
    return " or ".join(f"({alternative})" for alternative in alternatives)


def announcing_value(unit: Unit, header: type[Header], name: str) -> str:
    """The name of a function that gives a computed value of a header, or -1 where it can't be computed."""
    shared = unit.shared
    key = ("value", header, name)
    if key not in shared.helpers:
        method, _ = method_of(unit, header, getattr(header, name).function)
        shared.helpers[key] = shared.name(f"{header.__name__}_{name}_or_none")
        text = [
            f"def {shared.helpers[key]}(p, h, l):",
            f"    e, value = {method}(p, h, l)",
            "    if e != 0: return -1",
            "    return value",
        ]
        shared.functions.append("\n".join(text))
    return str(shared.helpers[key])
