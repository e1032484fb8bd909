"""push: encapsulate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError
from wirebrick.headers.header import Header, may_follow
from wirebrick.stream.graph import Node, Slot, here
from wirebrick.stream.udf import check_function

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Push(Node):
    """A new header behind the last parsed one; the bytes before it move into the headroom."""

    kind = "push"
    slot: Slot
    function: Callable[..., Any] | None
    checksums = True
    may_write = True

    @property
    def label(self) -> str:
        """With the header's name."""
        return f"push({self.slot.header.__name__})"


def push(
    stream: Stream,
    header: type[Header],
    function: Callable[[Any], None] | None = None,
    *,
    checksums: bool = True,
) -> Stream:
    """Put a new ``header`` between the last parsed header and the payload, in place.

    It gets its declared defaults; the number in the header before that says what follows (an ethertype, an IP
    protocol) is set, and the old number moves into the new header where it has a field for it; length fields of all
    parsed headers are set right. Then ``function(packet)`` fills in the rest (``packet.header`` is the new one), and
    last its checksum is computed. ``checksums=False`` leaves the new header's checksum zero and the others alone.
    Where the frame has no headroom left, the packet is dropped as a fault (``fault_room``).
    Raises GraphError where ``header`` can't follow the last parsed one.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, VLAN
    >>> @wirebrick.network_function
    ... def tag(packets, *, vid: int = 5):
    ...     def fill(packet):
    ...         packet.header.vid = vid
    ...     return packets.parse(Ethernet).push(VLAN, fill)
    >>> wirebrick.run(tag, rx=[bytes(12) + b"\\x08\\x00" + bytes(46)]).packets[0][12:18].hex()
    '810000050800'
    """
    graph, scope, place = here(stream)
    if not (isinstance(header, type) and issubclass(header, Header)):
        raise GraphError(f"push() takes a header class, not {header!r}", place=place)
    last = stream.stack[-1] if stream.stack else None
    if last is not None and not may_follow(header, last.header):
        who = sorted({c.header.__name__ for c in header.announced_by})
        raise GraphError(
            f"{header.__name__} can't follow {last.header.__name__}",
            place=place,
            cure=f"it is announced by {', '.join(who)}: push one of them first",
        )
    if function is not None:
        check_function(function, "push", place)
    node = Push(graph, scope, place)
    stream._consumed_by(node)
    node.slot = graph.new_slot(header, last)
    node.function = function
    node.checksums = checksums
    return node.output((*stream.stack, node.slot), stream.schema)
