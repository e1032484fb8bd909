"""Checksums follow stores (RFC 1624): which ones, in which order, and the code for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wirebrick.compiler.kinds import HeaderKind
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.header import Header
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


@dataclass(frozen=True)
class Step:
    """One checksum that may follow a change: its address, and how."""

    kind: str  # adjust, transport or optional
    address: str
    twice: bool = False
    odd: str = ""  # text of a condition: the covered range starts at an odd offset
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The checksums that follow one store.

    ``own``: the header's own. ``pseudo``: the transport checksum below. ``outer``: those that cover what remains
    uncompensated. ``chained``: what remains is the change of the transport checksum (IPv4), else the change itself.
    """

    own: Step | None
    pseudo: Step | None
    outer: tuple[Step, ...]
    chained: bool

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.own or self.pseudo or self.outer)


def rule_of(f: Emitter, slot: Slot) -> Checksum | None:
    """The checksum rule of a header, unless the function keeps that checksum itself."""
    return None if slot.header in f.own_checksums else slot.header.checksum_rule


def checksum_address(f: Emitter, header: HeaderKind) -> str:
    """The text of the address of a header's checksum."""
    rule = header.slot.header.checksum_rule
    assert rule
    return f"{f.unit.header_at(f, header)} + {header.slot.header.fields[rule.field].first}"


def step_for(f: Emitter, header: HeaderKind, twice: bool = False) -> Step:
    """How the checksum of a header follows."""
    rule = header.slot.header.checksum_rule
    assert rule
    odd = "" if even(header.slot) else f"({f.unit.header_offset(f, header)} & 1) == 1"
    return Step("optional" if rule.optional else "adjust", checksum_address(f, header), twice, odd)


def even(slot: Slot | None) -> bool:
    """Whether a header always starts at an even offset: all before it have an even length."""
    if slot is None:
        return True
    parents = [slot.parent, *(source.parent for source in slot.sources)]
    return all(
        parent is None or (even(parent) and parent.header.size % 2 == 0 and _even_length(parent.header))
        for parent in parents
    )


def _even_length(header: type[Header]) -> bool:
    own = header.header_length is not Header.header_length
    return not own or header.__module__.startswith("wirebrick.headers.")


def plan_for(f: Emitter, header: HeaderKind, field: str | None) -> Plan:
    """The checksums that follow a store to ``field`` of a header, or to its options (None)."""
    if not f.rights.checksums:
        return Plan(None, None, (), False)
    slot, packet = header.slot, header.packet
    stack = f.packets[packet].stack
    index = stack.index(slot)
    rule = rule_of(f, slot)
    own = None
    if rule and field != rule.field:
        twice = rule.own_length and field is not None and field == slot.header.length_field
        own = step_for(f, header, twice)
    pseudo = _pseudo(f, header, index, field)
    outer: tuple[Step, ...] = ()
    certain = own is not None and own.kind == "adjust"
    if (not certain) or pseudo is not None:
        outer = outer_steps(f, packet, index)
    return Plan(own, pseudo, outer, chained=certain)


def outer_steps(f: Emitter, packet: int, index: int) -> tuple[Step, ...]:
    """The checksums of headers before ``index`` whose payload is covered, innermost first, to the first certain."""
    steps = []
    for slot in reversed(f.packets[packet].stack[:index]):
        rule = rule_of(f, slot)
        if rule and rule.payload:
            steps.append(step_for(f, HeaderKind(slot, packet)))
            if not rule.optional:
                break
    return tuple(steps)


def _pseudo(f: Emitter, header: HeaderKind, index: int, field: str | None) -> Step | None:
    slot, stack = header.slot, f.packets[header.packet].stack
    if field is None or field not in slot.header.pseudo_header:
        return None
    is_length = field == slot.header.length_field
    if index + 1 < len(stack):
        below = stack[index + 1]
        rule = rule_of(f, below)
        if rule is None or not rule.pseudo or (is_length and rule.own_length):
            return None
        return step_for(f, HeaderKind(below, header.packet))
    names = f.unit.slot_names(slot)
    begin, end = f.need(names.begin), f.need(names.end)
    protocol, fragment = f.unit.upper_layer(f, header)
    data = f.need(f.packets[header.packet].data)
    usable = f"({fragment} == 0)" + (f" and ({protocol} != 17)" if is_length else "")
    address = f"transport_checksum({data} + {begin}, {data} + {end}, {protocol})"
    return Step("transport", address, extra=(usable, protocol))


def follow(f: Emitter, plan: Plan, old: str, new: str) -> None:
    """Emit the updates for a change of folded sums from ``old`` to ``new``."""
    if not plan:
        return
    if not old.isidentifier():
        old, new = f.keep(old), f.keep(new)
    remains = ""  # run-time flag: the change is not compensated yet
    if plan.own:
        remains = _apply(f, plan.own, old, new)
        if plan.own.twice:
            _second(f, plan, old, new, remains)
    if plan.pseudo:
        address = f.temporary()
        f.line(f"{address} = 0")
        if plan.pseudo.kind == "transport":
            f.line(f"if {plan.pseudo.extra[0]}: {address} = {plan.pseudo.address}")
        elif plan.pseudo.kind == "optional":
            f.line(f"if load16({plan.pseudo.address}) != 0: {address} = {plan.pseudo.address}")
        else:
            f.line(f"{address} = {plan.pseudo.address}")
        f.line(f"if {address} != 0:")
        with f.indent():
            if plan.outer and plan.chained:
                f.line(f"{address}o = load16({address})")
            if plan.pseudo.kind == "transport":
                f.line(f"adjust_transport({address}, {old}, {new}, {plan.pseudo.extra[1]})")
            else:
                function = "adjust_optional" if plan.pseudo.kind == "optional" else "adjust"
                f.line(f"{function}({address}, {old}, {new})")
            if plan.outer and plan.chained:
                f.line(f"{address}n = load16({address})")
                _outer(f, plan.outer, f"{address}o", f"{address}n", "")
        if plan.outer and not plan.chained:
            f.line(f"if {address} == 0:")
            with f.indent():
                _outer(f, plan.outer, old, new, remains)
        return
    if plan.outer:
        _outer(f, plan.outer, old, new, remains)


def _second(f: Emitter, plan: Plan, old: str, new: str, has: str) -> None:
    """A length that stands in the pseudo-header too counts twice; the second time nothing in the packet makes up
    for the change of the checksum, so what covers it from outside must follow."""
    assert plan.own
    f.line(f"if {has or '1'} != 0:")
    with f.indent():
        before = f.keep(f"load16({plan.own.address})")
        _apply(f, plan.own, old, new)
        after = f.keep(f"load16({plan.own.address})")
        _outer(f, plan.outer, before, after, "")


def _outer(f: Emitter, steps: tuple[Step, ...], old: str, new: str, remains: str) -> None:
    depth = 0
    for step in steps:
        if remains:
            f.line(f"if {remains} == 0:")
            f.depth += 1
            depth += 1
        remains = _apply(f, step, old, new)
    f.depth -= depth


def _apply(f: Emitter, step: Step, old: str, new: str) -> str:
    """One update; the name of a flag that is 0 if there was no checksum, or nothing where there surely is one."""
    if step.odd:
        a, b = f.temporary(), f.temporary()
        f.line(f"{a} = {old}")
        f.line(f"{b} = {new}")
        f.line(f"if {step.odd}:")
        with f.indent():
            f.line(f"{a} = swap({old})")
            f.line(f"{b} = swap({new})")
        old, new = a, b
    result = ""
    if step.kind == "optional":
        result = f.keep(f"adjust_optional({step.address}, {old}, {new})")
    else:
        f.line(f"adjust({step.address}, {old}, {new})")
    return result


@contextmanager
def maintained(
    f: Emitter, node: ast.AST, header: HeaderKind, first: int, size: int, field: str | None
) -> Iterator[None]:
    """Around the code that stores ``size`` bytes at offset ``first`` of a header."""
    plan = f.unit.coverage(f, header, field)
    if not plan:
        yield
        return
    if even(header.slot):
        start = first & ~1
        words = (first + size - start + 1) // 2 * 2
        at = f"{f.unit.header_at(f, header)} + {start}"
    else:
        words = (size + 2) & ~1
        start_text = f"(({f.unit.header_offset(f, header)} + {first}) & -2)"
        at = f.keep(f"{f.need(f.packets[header.packet].data)} + {start_text}")
    old = f.keep(f"fold(sum_words({at}, {words}))")
    yield
    new = f.keep(f"fold(sum_words({at}, {words}))")
    follow(f, plan, old, new)
