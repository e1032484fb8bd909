"""group_by: split a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError
from wirebrick.stream.graph import here
from wirebrick.stream.udf import FunctionNode, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream

MOST = 1024


class GroupBy(FunctionNode):
    """The function says which of the outputs a packet takes."""

    kind = "group_by"


def group_by(stream: Stream, count: int, function: Callable[[Any], int]) -> list[Stream]:
    """Split into ``count`` streams: ``function(packet)`` gives the number, 0 .. count-1 (seed paper III.A.3).

    Order within a group is kept. A number outside the range is that packet's fault (``fault_index``). Every group
    needs a consumer. Raises GraphError for a count below 1.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def halve(packets):
    ...     short, long = packets.group_by(2, lambda packet: 1 if packet.length > 100 else 0)
    ...     long.drop("long")
    ...     return short
    >>> wirebrick.run(halve, rx=[bytes(60), bytes(200)]).drops
    {'halve.long': 1}
    """
    _, _, place = here(stream)
    if not isinstance(count, int) or not 1 <= count <= MOST:
        raise GraphError(f"group_by() makes 1 to {MOST} groups, not {count!r}", place=place)
    node = function_node(GroupBy, stream, function)
    return [node.output(stream.stack, stream.schema, f"group {number}") for number in range(count)]
