"""Loads and stores of header fields: a load, a swap, a shift and a mask; stores take the checksums along."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.compiler.front.maintain import even, follow, maintained
from wirebrick.compiler.front.wide import words
from wirebrick.compiler.kinds import HeaderKind, Int, Value, Wide
from wirebrick.headers.field import Field

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

LOADS = {1: "load8", 2: "load16be", 4: "load32be", 8: "load64be"}
STORES = {1: "store8", 2: "store16be", 4: "store32be", 8: "store64be"}


def field_address(f: Emitter, header: HeaderKind, field: Field) -> str:
    """The text of the address of a field's first byte."""
    return f"{f.unit.header_at(f, header)} + {field.first}"


def load_field(f: Emitter, header: HeaderKind, field: Field) -> Value:
    """The value of a field."""
    at = field_address(f, header, field)
    if field.bits == 128:
        return Value(Wide(field.address), (f.keep(f"load64be({at})"), f.keep(f"load64be({at} + 8)")))
    code = raw_bits(at, field)
    kind = "u64" if field.bits == 64 else "nat"
    return Value(Int(kind, field.address), f.keep(code))


def place_in_word(field: Field) -> int:
    """How far a one-byte field is shifted in its word in host order, where the first byte is the low one."""
    return field.shift + 8 * (field.first & 1)


def raw_bits(at: str, field: Field) -> str:
    """The text that loads the bits of a field of up to 64 bits."""
    size = next((n for n in (1, 2, 4, 8) if n == field.bytes), 0)
    if size:
        whole = f"{LOADS[size]}({at})"
    elif field.bytes < 8:
        whole = joined(at, field.bytes)
    else:  # 9 bytes: a field of up to 64 bits that starts within a byte
        low = 8 - field.shift
        return (
            f"(wrap_shl(load64be({at}), {low}) | load8({at} + 8) >> {field.shift}) & {mask_text(field.mask)}"
        )
    if field.bytes == 8 and field.shift:
        whole = f"shift_right({whole}, {field.shift})"
    elif field.shift:
        whole = f"({whole} >> {field.shift})"
    return whole if field.bits == field.bytes * 8 else f"{whole} & {mask_text(field.mask)}"


def joined(at: str, size: int) -> str:
    """The text that loads 3, 5, 6 or 7 bytes."""
    parts, offset = [], 0
    while offset < size:
        step = next(n for n in (4, 2, 1) if offset + n <= size)
        rest = (size - offset - step) * 8
        load = f"{LOADS[step]}({at} + {offset})"
        parts.append(f"({load} << {rest})" if rest else load)
        offset += step
    return f"({' | '.join(parts)})"


def mask_text(mask: int) -> str:
    """A mask as an int64."""
    return str(mask - (1 << 64) if mask >> 63 else mask)


def store_field(f: Emitter, node: ast.AST, header: HeaderKind, field: Field, value: Value) -> None:
    """Store a field; ``value`` may be any integer of the right width or wider: the low bits are kept."""
    at = field_address(f, header, field)
    if field.bits == 128:
        high, low = words(value)
        high, low = f.keep(high), f.keep(low)
        with maintained(f, node, header, field.first, field.bytes, field.name):
            f.line(f"store64be({at}, {high})")
            f.line(f"store64be({at} + 8, {low})")
        return
    code = value.code[1] if isinstance(value.kind, Wide) else value.code
    first_word = field.first & ~1
    if field.first + field.bytes <= first_word + 2 and even(header.slot):
        _store_in_word(f, header, field, code, first_word, value.delta)
        return
    new = f.keep(code)
    with maintained(f, node, header, field.first, field.bytes, field.name):
        store_bits(f, at, field, new)


def _store_in_word(
    f: Emitter, header: HeaderKind, field: Field, code: str, first_word: int, delta: int | None
) -> None:
    """A field within one 16-bit word: the word is spliced in a register, for a byte stored and a word loaded
    right behind it would stall the processor."""
    plan = f.unit.coverage(f, header, field.name)
    at = f"{f.unit.header_at(f, header)} + {first_word}"
    shift = 16 - (field.offset - first_word * 8) - field.bits
    if not plan:
        store_bits(f, field_address(f, header, field), field, f.keep(code))
        return
    if field.bytes == 1:
        in_byte = place_in_word(field)
        hole = 0xFFFF & ~(field.mask << in_byte)
        old = f.keep(f"load16({at})")
        moved = f"(({code}) & {field.mask}) << {in_byte}" if in_byte else f"({code}) & {field.mask}"
        new = f.keep(f"({old} & {hole}) | ({moved})")
        if delta is not None and abs(delta) <= field.mask:
            # Where the field does not wrap around (after a filter the optimiser knows) the word is the old one plus
            # a constant, and so is the checksum.
            f.line(f"if {code} >= 0 and {code} <= {field.mask}: {new} = {old} + {delta << in_byte}")
        f.line(f"store16({at}, {new})")
        follow(f, plan, old, new)
        return
    old = f.keep(f"load16be({at})")
    if field.bits == 16:
        new = f.keep(f"{code} & 65535")
    else:
        hole = 0xFFFF & ~(field.mask << shift)
        moved = f"(({code}) & {field.mask}) << {shift}" if shift else f"({code}) & {field.mask}"
        new = f.keep(f"({old} & {hole}) | ({moved})")
    f.line(f"store16be({at}, {new})")
    follow(f, plan, f"swap({old})", f"swap({new})")


def store_bits(f: Emitter, at: str, field: Field, code: str) -> None:
    """Store a field of up to 64 bits without regard to checksums."""
    if field.bits == field.bytes * 8 and field.bytes in STORES:
        f.line(f"{STORES[field.bytes]}({at}, {code})")
        return
    if field.bytes <= 8:
        value = code
        if field.bits != field.bytes * 8:
            whole = joined(at, field.bytes) if field.bytes not in LOADS else f"{LOADS[field.bytes]}({at})"
            hole = mask_text(((1 << 8 * field.bytes) - 1) & ~(field.mask << field.shift))
            moved = f"wrap_shl({code} & {mask_text(field.mask)}, {field.shift})"
            value = f.keep(f"({whole} & {hole}) | {moved}")
        offset = 0
        while offset < field.bytes:
            step = next(n for n in (8, 4, 2, 1) if offset + n <= field.bytes)
            rest = (field.bytes - offset - step) * 8
            part = f"shift_right({value}, {rest})" if rest else value
            f.line(f"{STORES[step]}({at} + {offset}, {part})")
            offset += step
        return
    low = 8 - field.shift
    f.line(
        f"store8({at} + 8, (load8({at} + 8) & {0xFF >> low if low < 8 else 0}) | wrap_shl({code}, {field.shift}))"
    )
    head_mask = mask_text((1 << (field.bits - low)) - 1)
    f.line(f"store64be({at}, (load64be({at}) & ~{head_mask}) | (shift_right({code}, {low}) & {head_mask}))")
