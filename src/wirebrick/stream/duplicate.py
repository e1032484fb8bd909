"""duplicate: packets that go on twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.stream.udf import FunctionNode, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Duplicate(FunctionNode):
    """The function says whether a copy of the packet follows it."""

    kind = "duplicate"


def duplicate(stream: Stream, function: Callable[[Any], bool], copies: Stream | None = None) -> Stream:
    """Let a copy follow each packet for which ``function(packet)`` is true, by the same way through the chain.

    With ``copies``, a ``Stream()`` of your own, the copies go on by it instead. A copy has the packet's bytes,
    headers, metadata, ports and time, and its turn comes when the packet's way has ended. It is a counted copy
    (``packets_copied``), as those of ``packet.copy()`` are, which is the method for copies that just leave.
    Where there is no free frame for it, it is the packet's fault (``fault_room``).

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def twice(packets):
    ...     return packets.duplicate(lambda packet: packet.length > 100)
    >>> [len(packet) for packet in wirebrick.run(twice, rx=[bytes(60), bytes(200), bytes(61)]).packets]
    [60, 200, 200, 61]
    >>> @wirebrick.network_function
    ... def heads(packets):
    ...     copies = wirebrick.Stream()
    ...     packets = packets.duplicate(lambda packet: True, copies)
    ...     return wirebrick.merge(packets, copies.transform(lambda packet: packet.payload.resize(14)))
    >>> [len(packet) for packet in wirebrick.run(heads, rx=[bytes(60), bytes(61)]).packets]
    [60, 14, 61, 14]
    """
    node = function_node(Duplicate, stream, function)
    result = node.output(stream.stack, stream.schema)
    if copies is not None:
        copies._attach(node, stream.stack, stream.schema, "copies")
        node.outputs.append(copies)
    return result
