"""Bracketing: around edits that move bytes, what each checksum covers is summed before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wirebrick.compiler.front.fields import raw_bits, store_bits
from wirebrick.compiler.front.maintain import rule_of
from wirebrick.compiler.kinds import HeaderKind
from wirebrick.packet import frame
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def covered(f: Emitter, stack: tuple[Slot, ...], index: int) -> str:
    """The name of the folded sum of what the checksum of a header covers, itself included."""
    slot = stack[index]
    rule = slot.header.checksum_rule
    assert rule
    names = f.unit.slot_names(slot)
    at = f.unit.header_at(f, HeaderKind(slot, 0))
    offset = f.need(names.offset)
    last = f.need(names.end if rule.payload else names.begin)
    total = f.keep(f"sum_words({at}, {last} - {offset})")
    if rule.pseudo:
        own = slot.header.length_field
        if rule.own_length and own:
            field = slot.header.fields[own]
            length = f.keep(raw_bits(f"{at} + {field.first}", field))
        else:
            length = f.keep(f"{f.need(names.wire)} - {offset}")
        f.line(f"{total} += swap(fold({length} & 4294967295))")
        above = stack[index - 1] if index else None
        if above is not None:
            start = f.unit.header_at(f, HeaderKind(above, 0))
            adjacent = f"{f.need(f.unit.slot_names(above).begin)} == {offset}"
            parts = [
                f"sum_words({start} + {field.first}, {field.bytes})"
                for name in above.header.pseudo_header
                if name != above.header.length_field
                for field in (above.header.fields[name],)
            ]
            if parts:
                f.line(f"if {adjacent}: {total} += {' + '.join(parts)}")
    return f.keep(f"fold({total})")


def open_bracket(f: Emitter, stack: tuple[Slot, ...]) -> dict[int, str]:
    """Sum what the checksums of ``stack`` cover, before an edit."""
    sums: dict[int, str] = {}
    if not f.rights.checksums:
        return sums
    for index, slot in enumerate(stack):
        rule = rule_of(f, slot)
        if rule is None:
            continue
        if rule.payload:
            d = f.need("d")
            name = f.temporary()
            f.line(f"{name} = -1")
            f.line(f"if load32({d} + {frame.D_LENGTH}) == load32({d} + {frame.D_WIRE}):")
            with f.indent():
                inner = covered(f, stack, index)
                f.line(f"{name} = {inner}")
            sums[index] = name
        else:
            sums[index] = covered(f, stack, index)
    return sums


def close_bracket(f: Emitter, stack: tuple[Slot, ...], sums: dict[int, str]) -> None:
    """Let the checksums follow, the innermost first."""
    for index in sorted(sums, reverse=True):
        slot = stack[index]
        rule = slot.header.checksum_rule
        assert rule
        header = HeaderKind(slot, 0)
        at = f"{f.unit.header_at(f, header)} + {slot.header.fields[rule.field].first}"
        function = "adjust_optional" if rule.optional else "adjust"
        f.line(f"if {sums[index]} >= 0:")
        with f.indent():
            f.line(f"{function}({at}, {sums[index]}, {covered(f, stack, index)})")


def grow_lengths(f: Emitter, stack: tuple[Slot, ...], delta_of: Callable[[Slot], str]) -> None:
    """Add to the length fields of headers."""
    for slot in stack:
        name = slot.header.length_field
        if name is None:
            continue
        field = slot.header.fields[name]
        at = f"{f.unit.header_at(f, HeaderKind(slot, 0))} + {field.first}"
        old = f.keep(raw_bits(at, field))
        store_bits(f, at, field, f.keep(f"{old} + {delta_of(slot)}"))
