"""What is known about parsed headers on each way through the graph, so that none is parsed twice.

A slot is *settled* at a point if every way there has parsed it, or has found out that a header before it is missing;
it is *open* if no way has. In between, a run-time state variable decides.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from wirebrick.compiler.front.unit import METHODS
from wirebrick.headers.field import Computed
from wirebrick.headers.header import Header
from wirebrick.stream.graph import Graph, Slot
from wirebrick.stream.stream import Stream


class Knowledge:
    """The settled slots of each stream; filled while code is emitted, in the order of the nodes."""

    def __init__(self, graph: Graph) -> None:
        self.slots: list[Slot] = list(graph._slots.values())
        self._settled: dict[Stream, frozenset[Slot]] = {}
        self._touched: dict[Stream, frozenset[Slot]] = {}

    def arrive(self, streams: list[Stream]) -> tuple[frozenset[Slot], frozenset[Slot]]:
        """Slots that are settled on all of the streams, and those that are on any."""
        if not streams:
            return frozenset(), frozenset()
        settled = frozenset.intersection(*(self._settled.get(s, frozenset()) for s in streams))
        touched = frozenset.union(*(self._touched.get(s, frozenset()) for s in streams))
        return settled, touched

    def leave(self, stream: Stream, settled: frozenset[Slot], touched: frozenset[Slot]) -> None:
        """What is known where packets leave by ``stream``."""
        self._settled[stream] = settled
        self._touched[stream] = touched

    def below(self, slot: Slot | None) -> frozenset[Slot]:
        """All slots behind one (all there are, for None), itself not included."""
        return frozenset(s for s in self.slots if s is not slot and _is_below(s, slot))


def _is_below(slot: Slot, ancestor: Slot | None) -> bool:
    if ancestor is None:
        return True
    if ancestor.sources:
        return any(slot is source or _is_below(slot, source) for source in ancestor.sources)
    parent: Slot | None = slot
    while parent is not None:
        if parent is ancestor:
            return True
        parent = parent.parent
    return False


def structural_fields(header: type[Header]) -> frozenset[str]:
    """The fields that say how long a header is, whether it is valid, or what follows it.

    Asked anew each time: a header that is declared later may be announced by a field that meant nothing before.
    """
    declared: Any = header  # a class without hashable instances is hashable itself, which mypy does not see
    names = set(_read_by_methods(declared))
    for other in _all_headers(Header):
        for condition in other.announced_by:
            if condition.header is header:
                names |= {term.name for term in condition.terms}
    return frozenset(names)


@cache
def _read_by_methods(header: Any) -> frozenset[str]:
    """The fields that a header's own methods read, and those that number what follows."""
    names = {field.name for field in header.fields.values() if field.space}
    for base in header.__mro__:
        for name, member in base.__dict__.items():
            function = member.function if isinstance(member, Computed) else member
            if isinstance(member, Computed) or name in METHODS:
                tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
                names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return frozenset(names)


def _all_headers(base: type[Header]) -> list[type[Header]]:
    found = []
    for header in base.__subclasses__():
        found += [header, *_all_headers(header)]
    return found
