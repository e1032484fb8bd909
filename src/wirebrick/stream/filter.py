"""filter: drop the packets for which a user function is false."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.stream.udf import FunctionNode, check_reason, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Filter(FunctionNode):
    """The function reads packets and says whether they go on."""

    kind = "filter"
    reason: str


def filter_(stream: Stream, function: Callable[[Any], bool], reason: str = "filtered") -> Stream:
    """Keep packets for which ``function(packet)`` is true; drop the others, counted under ``reason``.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def small(packets):
    ...     return packets.filter(lambda packet: packet.length <= 128, reason="too_long")
    >>> wirebrick.run(small, rx=[bytes(64), bytes(1000)]).drops
    {'small.too_long': 1}
    """
    check_reason(reason)
    node = function_node(Filter, stream, function)
    node.reason = reason
    return node.output(stream.stack, stream.schema)
