"""pop: decapsulate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import GraphError
from wirebrick.stream.graph import Node, Slot, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Pop(Node):
    """The last parsed header's bytes leave the packet; those before it move back."""

    kind = "pop"
    slot: Slot

    @property
    def label(self) -> str:
        """With the header's name."""
        return f"pop({self.slot.header.__name__})"


def pop(stream: Stream) -> Stream:
    """Take the last parsed header (options included) out of the packet, in place.

    The number in the header before it that says what follows becomes that of the popped one, where both are of the
    same registry (an ethertype for an ethertype); length fields and checksums of the remaining headers follow.
    Raises GraphError where no header is parsed.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, VLAN
    >>> @wirebrick.network_function
    ... def untag(packets):
    ...     return packets.parse(Ethernet).parse(VLAN).pop()
    >>> tagged = bytes(12) + bytes.fromhex("8100 0005 0800") + bytes(46)
    >>> wirebrick.run(untag, rx=[tagged]).packets[0][12:16].hex()
    '08000000'
    """
    graph, scope, place = here(stream)
    if not stream.stack:
        raise GraphError("there is no parsed header to pop", place=place, cure="parse one first")
    node = Pop(graph, scope, place)
    stream._consumed_by(node)
    node.slot = stream.stack[-1]
    return node.output(stream.stack[:-1], stream.schema)
