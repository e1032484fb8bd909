"""push and pop in the fused function; the steps are those of ``packet/encapsulate.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit.parsing import announcing_value
from wirebrick.compiler.front.bracket import close_bracket, covered, grow_lengths, open_bracket
from wirebrick.compiler.front.emitter import PacketInfo, Rights
from wirebrick.compiler.front.fields import raw_bits, store_bits
from wirebrick.headers.field import Field
from wirebrick.headers.header import Header, announcements
from wirebrick.packet import frame
from wirebrick.packet.faults import REASONS, ROOM
from wirebrick.packet.layer import link_field
from wirebrick.stream.graph import Slot
from wirebrick.stream.pop import Pop
from wirebrick.stream.push import Push

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_push(f: Fused, node: Push) -> None:
    """Emit a push."""
    settled, touched = f.knowledge.arrive(node.inputs)
    stack, slot = node.inputs[0].stack, node.slot
    found = f.functions.get(node)
    function = found.function if found else None
    code, size = f.code, slot.header.size
    parent = stack[-1] if stack else None
    begin = f"b{parent.number}" if parent else "0"
    _prepare(f, stack, node.checksums, frozenset() if function is None else function.own)
    sums = open_bracket(code, stack)
    code.line(f"if unlikely(open_gap(w, d, {begin}, {size}) != 0):")
    with code.indent():
        f.count(node, "fault", REASONS[ROOM])
    code.line("else:")
    with code.indent():
        f.refresh()
        _defaults(f, slot.header, begin)
        if parent is not None:
            _announce(f, slot.header, parent)
        _grow(f, stack, str(size))
        n = slot.number
        end, wire = (f"l{parent.number}", f"x{parent.number}") if parent else ("end", "wire")
        code.line(f"h{n} = {begin}")
        code.line(f"b{n} = h{n} + {size}")
        code.line(f"l{n} = {end}")
        code.line(f"x{n} = {wire}")
        _link(f, slot)
        _length(f, slot)
        settled, touched = f.forget_slots(f.knowledge.below(parent), settled, touched)
        if function is None:
            _finish(f, node, sums, settled, touched)
            return
        result = f.call(node, function, (*stack, slot), node.inputs[0].schema)
        code.line(f"if unlikely({result} < 0):")
        with code.indent():
            f.fault(node, result)
        code.line("else:")
        with code.indent():
            settled, touched = f.forget(f.functions[node].wrote, settled, touched)
            _finish(f, node, sums, settled, touched)


def _prepare(f: Fused, stack: tuple[Slot, ...], checksums: bool, own: frozenset[type[Header]]) -> None:
    f.code.packets[0] = PacketInfo("d", "p", stack)
    f.code.rights = Rights("push", write=True, checksums=checksums)
    f.code.own_checksums = own


def _finish(
    f: Fused, node: Push, sums: dict[int, str], settled: frozenset[Slot], touched: frozenset[Slot]
) -> None:
    stack, slot = node.inputs[0].stack, node.slot
    rule = slot.header.checksum_rule
    found = f.functions.get(node)
    own = frozenset() if found is None else found.function.own
    _prepare(f, (*stack, slot), node.checksums, own)
    if node.checksums and rule is not None and slot.header not in own:
        _compute(f, (*stack, slot))
    f.code.packets[0] = PacketInfo("d", "p", stack)
    close_bracket(f.code, stack, sums)
    f.go(node.outputs[0], settled, touched)


def _compute(f: Fused, stack: tuple[Slot, ...]) -> None:
    """The new header's checksum, in full."""
    code, slot = f.code, stack[-1]
    rule = slot.header.checksum_rule
    assert rule
    at = f"p + h{slot.number} + {slot.header.fields[rule.field].first}"
    above = stack[-2] if len(stack) > 1 else None
    if rule.pseudo and (above is None or not above.header.pseudo_header):
        return
    depth = 0
    if rule.payload:
        code.line(f"if load32(d + {frame.D_LENGTH}) == load32(d + {frame.D_WIRE}):")
        code.depth += 1
        depth = 1
    code.line(f"store16({at}, 0)")
    total = covered(code, stack, len(stack) - 1)
    if rule.pseudo and above is not None:
        if "protocol" in above.header.fields:
            field = above.header.fields["protocol"]
            protocol = code.keep(raw_bits(f"p + h{above.number} + {field.first}", field))
        else:
            function = announcing_value(f.unit, above.header, "protocol")
            protocol = code.keep(f"{function}(p, h{above.number}, l{above.number}) & 255")
        code.line(f"{total} = fold({total} + swap({protocol}))")
    code.line(f"full_checksum({at}, {total}, {int(rule.optional)})")
    code.depth -= depth


def _defaults(f: Fused, header: type[Header], begin: str) -> None:
    data = bytes(header())[: header.size]
    offset = 0
    for step, store in ((8, "store64be"), (4, "store32be"), (2, "store16be"), (1, "store8")):
        while offset + step <= len(data):
            number = int.from_bytes(data[offset : offset + step], "big", signed=step == 8)
            f.code.line(f"{store}(p + {begin} + {offset}, {number})")
            offset += step


def _at(slot: Slot, field: Field) -> str:
    return f"p + h{slot.number} + {field.first}"


def _announce(f: Fused, header: type[Header], parent: Slot) -> None:
    link = link_field(parent.header)
    if link is not None and link.space is not None:
        f.spaces.add(link.space)
        f.code.line(f"k_{link.space} = {raw_bits(_at(parent, link), link)}")
    computed = False
    for condition in announcements(header, parent.header)[:1]:
        for term in condition.terms:
            field = parent.header.fields.get(term.name)
            if field is None and not computed:
                computed, field = True, link
            if field is not None:
                store_bits(f.code, _at(parent, field), field, str(term.value))


def _link(f: Fused, slot: Slot) -> None:
    link = link_field(slot.header)
    if link is not None and link.space is not None:
        f.spaces.add(link.space)
        f.code.line(f"if k_{link.space} >= 0:")
        with f.code.indent():
            store_bits(f.code, _at(slot, link), link, f"k_{link.space}")


def _length(f: Fused, slot: Slot) -> None:
    name = slot.header.length_field
    if name is None:
        return
    field = slot.header.fields[name]
    whole = f"x{slot.number} - b{slot.number}"
    if slot.header.length_includes_header:
        whole = f"x{slot.number} - h{slot.number}"
    store_bits(f.code, _at(slot, field), field, f.code.keep(whole))


def _grow(f: Fused, stack: tuple[Slot, ...], delta: str) -> None:
    grow_lengths(f.code, stack, lambda slot: delta)
    for slot in stack:
        f.code.line(f"l{slot.number} += {delta}")
        f.code.line(f"x{slot.number} += {delta}")


def emit_pop(f: Fused, node: Pop) -> None:
    """Emit a pop."""
    settled, touched = f.knowledge.arrive(node.inputs)
    slot, stack = node.slot, node.inputs[0].stack[:-1]
    code = f.code
    _prepare(f, stack, True, frozenset())
    sums = open_bracket(code, stack)
    size = code.keep(f"b{slot.number} - h{slot.number}")
    link = link_field(slot.header)
    value = code.keep(raw_bits(_at(slot, link), link)) if link else "0"
    code.line(f"close_gap(w, d, h{slot.number}, {size})")
    f.refresh()
    parent = stack[-1] if stack else None
    above = link_field(parent.header) if parent else None
    if parent is not None and above is not None and link is not None and above.space == link.space:
        store_bits(code, _at(parent, above), above, value)
    else:
        if link is not None and link.space is not None:
            f.spaces.add(link.space)
            code.line(f"k_{link.space} = {value}")
        if parent is not None and above is not None:
            f.spaces.add(str(above.space))
            code.line(f"if k_{above.space} >= 0:")
            with code.indent():
                store_bits(code, _at(parent, above), above, f"k_{above.space}")
    _grow(f, stack, f"-{size}")
    close_bracket(code, stack, sums)
    gone = f.knowledge.below(parent) | {slot}
    settled, touched = f.forget_slots(gone, settled, touched)
    f.go(node.outputs[0], settled, touched)
