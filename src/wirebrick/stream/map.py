"""map: look at packets by a user function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.stream.udf import FunctionNode, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Map(FunctionNode):
    """The function reads packets; it may write state."""

    kind = "map"


def map_(stream: Stream, function: Callable[[Any], None]) -> Stream:
    """Call ``function(packet)``, which reads the packet and may write state; packets go on unchanged.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def octets(packets):
    ...     total = wirebrick.Counter("bytes")
    ...     def count(packet):
    ...         total.add(packet.length)
    ...     return packets.map(count)
    """
    node = function_node(Map, stream, function)
    return node.output(stream.stack, stream.schema)
