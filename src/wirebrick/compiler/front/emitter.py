"""Emitter: the state while one user function (for one combination of kinds) becomes low-level code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from wirebrick.compiler.front.flow import Flow, LoopFlow
from wirebrick.compiler.kinds import (
    EventKind,
    HeaderKind,
    Int,
    Kind,
    Known,
    Nothing,
    OctetsKind,
    PacketKind,
    RecordKind,
    TupleKind,
    Value,
    Wide,
    WindowKind,
    join,
)
from wirebrick.compiler.source import Source
from wirebrick.errors import CheckError, Place
from wirebrick.runtime.plan import COPY_LOST, MADE_LOST
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.front.unit import Unit


DEEPEST = 80  # Python reads 100 levels of indentation
RETURN = "return"  # the name of what a helper returns: no user's variable has it
WITHOUT_CODE = (EventKind, HeaderKind, Known, Nothing, PacketKind, WindowKind)


@dataclass
class PacketInfo:
    """A packet in the function: the names its place goes by in the code, and its headers."""

    descriptor: str
    data: str
    stack: tuple[Slot, ...]
    position: str = ""
    alive: str = ""  # run-time flag of a copy
    made_at: Place | None = None
    made: bool = False  # by an event, not copied


@dataclass(frozen=True)
class Rights:
    """What the operator lets its function do."""

    operator: str
    write: bool = False
    end: bool = False  # send, drop
    copy: bool = False
    checksums: bool = True
    emit: bool = False  # bytes of a window
    result: str = "none"  # none, bool, group, number, time, record, consumed, value


class Emitter:
    """Collects the code of one function; the modules of this folder add to it."""

    def __init__(self, unit: Unit, source: Source, rights: Rights) -> None:
        self.unit = unit
        self.source = source
        self.rights = rights
        self.lines: list[str] = []
        self.depth = 1
        self.temporaries = 0
        self.kinds: dict[str, Kind] = {}
        self.joined: dict[str, Kind] = {}  # what this pass found, for the next
        self.declared: list[tuple[str, Kind]] = []  # what each value was kept as
        self.values: dict[str, Value] = {}
        self.flow = Flow()
        self.packets: dict[int, PacketInfo] = {}
        self.used: set[str] = set()  # names the function needs from its caller
        self.own_checksums: frozenset[type] = frozenset()
        self.result_kind: Kind | None = None
        self.loops: list[LoopFlow] = []
        self.is_helper = False
        self.resizes = False
        self.fates: set[str] = set()
        self.loop_depth = 0
        self.declared_copies: dict[str, str] = {}  # whether each is there, and its descriptor
        self.locals: set[str] = set()
        self.exits: list[Flow] = []
        self.borrowed: frozenset[int] = frozenset()  # copies that belong to the caller
        self.groups = 0
        self.schema: Any = None  # of the record that a metadata function returns

    # Code -----------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def indent(self) -> Iterator[None]:
        """Lines one level deeper; a ``pass`` where there are none."""
        start = len(self.lines)
        self.depth += 1
        yield
        if not any(not line.strip().startswith("#") for line in self.lines[start:]):
            self.line("pass")
        self.depth -= 1

    def temporary(self) -> str:
        """A new name."""
        self.temporaries += 1
        return f"_{self.temporaries}"

    def keep(self, code: str) -> str:
        """Evaluate ``code`` now, into a temporary."""
        name = self.temporary()
        self.line(f"{name} = {code}")
        return name

    def need(self, name: str) -> str:
        """A name that the caller passes in."""
        if name not in self.locals:
            self.used.add(name)
        return name

    def fault_if(self, condition: str, code: int) -> None:
        """The packet is lost if ``condition`` holds at run time."""
        self.line(f"if unlikely({condition}):")
        with self.indent():
            self.fault(code)

    def fault(self, code: int) -> None:
        """The packet is lost here."""
        self.lose_copies()
        self.line(f"return @FAULT({-code})@")

    def fail_with(self, status: str) -> None:
        """The packet is lost here if a function that was called says so."""
        self.line(f"if unlikely({status} != 0):")
        with self.indent():
            self.lose_copies()
            self.line(f"return @STATUS({status})@")

    def lose_copies(self) -> None:
        """Count the copies that go down with the packet."""
        for info in self.packets.values():
            if info.alive and info.alive in self.declared_copies:
                lost = self.unit.counter("drop", MADE_LOST if info.made else COPY_LOST)
                self.line(f"if {info.alive}:")
                with self.indent():
                    self.count(lost, info)

    def count(self, number: int, info: PacketInfo) -> None:
        """Add one to a counter, for a packet that the function made or copied."""
        self.line(f"count({self.need('w')}, {number})")
        if self.unit.shared.tapped:
            self.line(f"tap({self.need('taps')}, {info.descriptor}, {number})")

    def check_depth(self, node: ast.AST) -> None:
        """Raise CheckError where code would be nested more deeply than Python reads it."""
        if self.depth > DEEPEST:
            self.refuse(node, "this is nested too deeply", "move a part of it into a function of its own")

    # Errors ---------------------------------------------------------------------------------------------------

    def refuse(self, node: ast.AST, message: str, cure: str = "") -> NoReturn:
        """Raise CheckError at a part of the user's function."""
        raise CheckError(message, place=self.source.place(node), cure=cure)

    # Names ----------------------------------------------------------------------------------------------------

    def argument(self, name: str, value: Value) -> None:
        """An argument that takes no code: a packet, a header, something known."""
        self.joined[name] = value.kind
        self.values[name] = value
        self.flow.defined.add(name)

    def bind(self, node: ast.AST, name: str, value: Value) -> None:
        """Give ``name`` a value."""
        from wirebrick.compiler.front.convert import kept

        if not self.flow.reached:
            return
        value = kept(self, node, name, value)
        if isinstance(value.kind, RecordKind) and value.kind.fresh and self.loop_depth:
            self._one_name(node, name)
        self._join(node, name, value.kind)
        self.flow.defined.add(name)
        declared = self.kinds.get(name)
        if declared is None or not isinstance(declared, Int | Wide):
            declared = value.kind
        self.declared.append((name, declared))
        code = f"v_{name}"
        codes = self.codes(declared, code)
        self.assign(codes, value.code)
        self.values[name] = Value(declared, codes)

    def is_settled(self) -> bool:
        """Whether another pass, which knows what this one found, would keep every value as the same kind."""
        numbers = {name: kind for name, kind in self.joined.items() if isinstance(kind, Int | Wide)}
        return all(numbers.get(name, kind) == kind for name, kind in self.declared)

    def _join(self, node: ast.AST, name: str, kind: Kind) -> None:
        """Let ``name`` hold values of ``kind`` too."""
        known = self.joined.get(name)
        if known is None or known == kind:
            self.joined[name] = kind
        elif isinstance(known, Int) and isinstance(kind, Int):
            self.joined[name] = join(known, kind)
        elif isinstance(known, Wide) and isinstance(kind, Wide):
            self.joined[name] = Wide()
        elif isinstance(known, WITHOUT_CODE) and self.depth == 1:
            self.joined[name] = kind  # nothing is stored for it, and no other way leads behind this line
        elif name == RETURN:
            self.refuse(
                node, f"the function returned {known} before, here {kind}", "return one kind of value"
            )
        elif isinstance(known, PacketKind) and isinstance(kind, PacketKind):
            self.refuse(node, f"{name} was another packet before", "use a name for each packet")
        else:
            self.refuse(
                node,
                f"{name} was {known}, now it would be {kind}",
                "a variable keeps one kind: use another name",
            )

    def _one_name(self, node: ast.AST, name: str) -> None:
        """A record made in a loop lies where the one of the turn before lay: no second name may keep that."""
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) or (isinstance(value, ast.Name) and value.id == name):
            return
        self.refuse(node, "a record made in a loop has one name", "use it under the name it was made with")

    def codes(self, kind: Kind, stem: str) -> Any:
        """The names that hold a value of ``kind``; None for what needs none.

        The parts of a pair or tuple are told apart in front of the first ``_``: behind it are the user's names.
        """
        head, mark, rest = stem.partition("_")
        if isinstance(kind, TupleKind):
            return tuple(self.codes(item, f"{head}i{i}{mark}{rest}") for i, item in enumerate(kind.items))
        if isinstance(kind, Wide | OctetsKind):
            return (f"{head}h{mark}{rest}", f"{head}l{mark}{rest}")
        return None if isinstance(kind, WITHOUT_CODE) else stem

    def assign(self, names: Any, code: Any) -> None:
        """Assign code to names, pairs and tuples item by item."""
        if isinstance(names, tuple):
            for name, item in zip(names, code, strict=True):
                self.assign(name, item)
        elif names is not None and code is not None and names != code:
            self.line(f"{names} = {code}")
