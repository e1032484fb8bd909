"""remake: packets are remade by a state object: split, joined, held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import GraphError
from wirebrick.state.remaker import Remaker
from wirebrick.stream.graph import Node, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Remake(Node):
    """Hands every packet to the native code of a state object."""

    kind = "remake"
    state: Remaker
    step: str

    @property
    def label(self) -> str:
        """With the step and the object."""
        return f"remake({self.step}: {self.state.name})"

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons with which packets are dropped."""
        return self.state.steps[self.step].reasons


def remake(stream: Stream, state: Remaker, step: str) -> Stream:
    """Let a state object take a ``step`` with the packets of a stream whose last parsed header is what it works on.

    What leaves has one parsed header less. Packets that were made follow the one that they were made of, with its
    headers and metadata. For NFs of the library: what a Remaker does is native code that may do anything to a
    packet. Raises GraphError where no header is parsed.
    """
    graph, scope, place = here(stream)
    if not stream.stack:
        raise GraphError("remake() needs a parsed header", place=place, cure="parse what it works on")
    node = Remake(graph, scope, place)
    stream._consumed_by(node)
    node.state, node.step = state, step
    return node.output(stream.stack[:-1], stream.schema)
