"""Unit: one operator's user function, with the helper functions it calls."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.maintain import Plan as Coverage
from wirebrick.compiler.front.maintain import plan_for
from wirebrick.compiler.front.ownership import Ownership
from wirebrick.compiler.front.shared import Facts, Shared
from wirebrick.compiler.kinds import HeaderKind, OctetsKind, Value
from wirebrick.compiler.source import Source
from wirebrick.headers.field import Computed
from wirebrick.headers.header import Header
from wirebrick.packet.template import Template
from wirebrick.state.base import State
from wirebrick.state.record import Record
from wirebrick.stream.graph import Scope, Slot, within

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter

METHODS = ("header_length", "claimed_payload", "valid")


@dataclass(frozen=True)
class SlotNames:
    """The names in the code of a header's offset, its payload's begin, and that one's end captured and on the wire."""

    offset: str
    begin: str
    end: str
    wire: str


class Unit:
    """What one user function needs from its surroundings, and what was found in it."""

    def __init__(
        self, shared: Shared, scope: str, schema: type[Record] | None, home: Scope | None = None
    ) -> None:
        self.shared = shared
        self.scope = scope
        self.homes = {
            one.name for one in within(home)
        }  # the NF it is part of, and those that this is part of
        self.schema = schema
        self.stream_block = ""  # of a window whose bytes go on: the block of what packetize knows of streams
        self.ownership = Ownership()
        self.facts_log: list[tuple[str, str]] = []
        self.wrote_log: list[tuple[Slot | None, str]] = []
        self.conditions: set[ast.AST] = set()
        self._locals: dict[int, set[str]] = {}
        self.templates: dict[ast.AST, tuple[Template, tuple[Slot, ...]]] = {}  # of make(), by the call
        self._copies = 0

    # What probing must be able to take back.

    def snapshot(self) -> Any:
        """The state of everything that emitting code changes besides the code."""
        shared = self.shared
        return (
            len(shared.functions),
            dict(shared.helpers),
            len(shared.notes),
            len(self.facts_log),
            len(self.wrote_log),
            shared.scratch_size,
            self._copies,
        )

    def restore(self, state: Any) -> None:
        """Take back what was emitted since ``snapshot``."""
        shared = self.shared
        del shared.functions[state[0] :]
        shared.helpers = state[1]
        del shared.notes[state[2] :]
        del self.facts_log[state[3] :]
        del self.wrote_log[state[4] :]
        shared.scratch_size = state[5]
        self._copies = state[6]

    # Notes for the interpreter.

    def note(self, node: ast.AST, what: str) -> None:
        """The interpreter must do ``what`` here as compiled code does (wirebrick.compiler.instrument)."""
        self.shared.notes.append((self.shared.variant, node, what))

    def in_condition(self, node: ast.AST) -> bool:
        """Whether only the truth of an expression counts."""
        return node in self.conditions

    def local_names(self, source: Source) -> set[str]:
        """The names that a function assigns."""
        key = id(source.tree)
        if key not in self._locals:
            names = set(source.arguments)
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.add(node.id)
            self._locals[key] = names
        return self._locals[key]

    # Facts.

    def footprint(self, mode: str, name: str) -> None:
        """The function ``reads`` or ``writes`` something, or uses ``state``, a port, a reason."""
        self.facts_log.append((mode, name))

    def facts(self) -> Facts:
        """All that was found."""
        facts = Facts()
        for mode, name in self.facts_log:
            if mode == "reasons":
                facts.reasons[name] = None
            elif mode in ("copies", "makes"):
                setattr(facts, mode, True)
            else:
                getattr(facts, mode).add(name)
        return facts

    def touch(self, f: Emitter, kind: OctetsKind, mode: str) -> None:
        """Bytes of a packet are read or written."""
        name = "payload" if kind.slot is None else f"{kind.slot.header.__name__} octets"
        self.footprint("reads" if mode == "read" else "writes", name)
        if mode == "write":
            stack = f.packets[kind.packet].stack
            self.wrote(kind.slot if kind.slot else (stack[-1] if stack else None), "·bytes")

    def wrote(self, slot: Slot | None, field: str) -> None:
        """A field of a header (or bytes behind it) was stored: what was parsed from it may have changed."""
        self.wrote_log.append((slot, field))

    def may_write(self, f: Emitter, node: ast.AST, what: str) -> None:
        """Raise CheckError unless the operator may write packets."""
        if not f.rights.write:
            f.refuse(
                node,
                f"{f.rights.operator}() reads packets: it can't write {what}",
                "use transform() to change packets",
            )

    # Names.

    def slot_names(self, slot: Slot) -> SlotNames:
        """The names of a slot's variables."""
        n = slot.number
        return SlotNames(f"h{n}", f"b{n}", f"l{n}", f"x{n}")

    def header_offset(self, f: Emitter, header: HeaderKind) -> str:
        """The name of a header's offset in its packet."""
        return f.need(self.slot_names(header.slot).offset)

    def header_at(self, f: Emitter, header: HeaderKind) -> str:
        """The text of a header's address."""
        return f"{f.need(f.packets[header.packet].data)} + {self.header_offset(f, header)}"

    def coverage(self, f: Emitter, header: HeaderKind, field: str | None) -> Coverage:
        """The checksums that follow a store to a header."""
        return plan_for(f, header, field)

    def counter(self, kind: str, reason: str) -> int:
        """The number of a counter of this NF."""
        return self.shared.plan.counters.number(self.scope, kind, reason)

    def port(self, f: Emitter, node: ast.AST, name: str) -> int:
        """The number of a port by its name."""
        self.footprint("ports", name)
        return self.shared.port(name, f.source.place(node))

    def state(self, f: Emitter, state: State) -> str:
        """The name of the address of a state object's block."""
        if state.owner is not None and state.owner.name not in self.homes:
            f.refuse(
                f.source.tree,
                f"{state.name} belongs to the NF {state.owner.name}, not to {self.scope}",
                "an NF's state is its own: make one here, or outside of both to share it",
            )
        self.footprint("state", state.name)
        return f.need(f"t{self.shared.state_number(state)}")

    def scratch(self, size: int) -> int:
        """The offset of scratch memory for a record made in the function."""
        return self.shared.scratch(size)

    @property
    def sets_egress(self) -> bool:
        """Whether any function chooses the port."""
        return self.shared.sets_egress

    @sets_egress.setter
    def sets_egress(self, value: bool) -> None:
        self.shared.sets_egress = value

    # Headers' own methods.

    def computed(self, f: Emitter, header: HeaderKind, member: Computed) -> Value:
        """A computed value of a header."""
        return self.header_method(f, header, member.function)

    def header_method(self, f: Emitter, header: HeaderKind, function: Any) -> Value:
        """The result of a method of a header, compiled as a function of its place."""
        from wirebrick.compiler.front.functions import method_of

        name, kind = method_of(self, header.slot.header, function)
        slot = self.slot_names(header.slot)
        data = f.need(f.packets[header.packet].data)
        offset, end = f.need(slot.offset), f.need(slot.end)
        status, value = f.temporary(), f.temporary()
        f.line(f"{status}, {value} = {name}({data}, {offset}, {end})")
        f.fail_with(status)
        return Value(kind, value)

    def upper_layer(self, f: Emitter, header: HeaderKind) -> tuple[str, str]:
        """The texts of protocol and fragment offset of an IP header, field or computed."""
        return tuple(self._member(f, header, name) for name in ("protocol", "fragment_offset"))  # type: ignore[return-value]

    def _member(self, f: Emitter, header: HeaderKind, name: str) -> str:
        from wirebrick.compiler.front.access import getattr_static
        from wirebrick.compiler.front.fields import load_field

        kind: type[Header] = header.slot.header
        if name in kind.fields:
            return str(load_field(f, header, kind.fields[name]).code)
        member = getattr_static(kind, name)
        if isinstance(member, Computed):
            return str(self.computed(f, header, member).code)
        return "0"

    # Other functions and returns.

    def call_function(
        self, f: Emitter, node: ast.AST, function: Any, arguments: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """The result of a call of a plain function."""
        from wirebrick.compiler.front.helpers import call_helper

        return call_helper(self, f, node, function, arguments, keywords)

    def finish_return(self, f: Emitter, node: ast.AST, value: ast.expr | None) -> None:
        """A return statement."""
        from wirebrick.compiler.front.returns import returned

        returned(self, f, node, value)

    def copy_number(self) -> int:
        """A number for a copy of the packet."""
        self._copies += 1
        return self._copies
