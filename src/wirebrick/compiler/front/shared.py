"""Shared: what all user functions of one graph have in common while it is compiled."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from wirebrick.errors import CheckError, Place
from wirebrick.runtime.plan import Plan
from wirebrick.state.base import State
from wirebrick.state.record import Record
from wirebrick.state.timers import Timers


@dataclass
class Facts:
    """What the front end found out about one user function."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    state: set[str] = field(default_factory=set)
    ports: set[str] = field(default_factory=set)
    reasons: dict[str, None] = field(default_factory=dict)
    copies: bool = False
    makes: bool = False


class Shared:
    """Functions emitted so far, state objects by number, scratch memory, ports and counters."""

    def __init__(self, plan: Plan, interpreted: bool = False, tapped: bool = False) -> None:
        self.plan = plan
        self.tapped = tapped  # the code lets packets be watched (wirebrick.compiler.emit.taps)
        self.interpreted = interpreted  # print and breakpoint are allowed
        self.functions: list[str] = []
        self.names: set[str] = set()
        self.helpers: dict[Any, Any] = {}
        self.states: list[State] = []
        self.modules: set[str] = set()  # native modules of the operations on them
        self.scratch_size = 0
        self.metadata: dict[type[Record], int] = {}
        self.notes: list[tuple[int, ast.AST, str]] = []  # variant of a function, where, what
        self.variant = 0  # of the function being emitted, for certain kinds of arguments
        self.variants = 0
        self.variant_of: dict[int, Any] = {}  # which function it is
        self.called: dict[Any, Any] = {}  # user functions reached, with their sources
        self.active: list[Any] = []  # functions being emitted: a second time means recursion
        self.uses_copies = False
        self.sets_egress = False
        self.sends: set[int] | None = set()  # ports that functions send to; None: any port
        self.timers: Timers | None = None  # of the events that the workers call

    def new_variant(self) -> int:
        """A number for a function emitted for certain kinds of arguments."""
        self.variants += 1
        return self.variants

    def name(self, wish: str) -> str:
        """A name for a function that none has yet."""
        clean = "".join(c if c.isalnum() else "_" for c in wish)
        number, name = 2, clean
        while name in self.names:
            name, number = f"{clean}_{number}", number + 1
        self.names.add(name)
        return name

    def state_number(self, state: State) -> int:
        """The number of a state object in the worker's table of blocks."""
        for number, known in enumerate(self.states):
            if known is state:
                return number
        self.states.append(state)
        return len(self.states) - 1

    def scratch(self, size: int) -> int:
        """The offset of new scratch memory."""
        offset = self.scratch_size
        self.scratch_size += -(-size // 8) * 8
        return offset

    def metadata_offset(self, schema: type[Record]) -> int:
        """Where in the scratch memory a packet's metadata of ``schema`` is."""
        if schema not in self.metadata:
            self.metadata[schema] = self.scratch(max(schema.size, 8))
        return self.metadata[schema]

    def port(self, name: str, place: Place) -> int:
        """The number of a port. Raises CheckError where the run has none of the name."""
        if name not in self.plan.ports:
            raise CheckError(
                f"there is no port named {name!r} in this run",
                place=place,
                cure=f"the ports are {', '.join(self.plan.ports)}; --port {name}=... adds one",
            )
        return self.plan.ports.index(name)
