"""deparse: the last parsed header becomes payload again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import GraphError
from wirebrick.stream.graph import Node, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Deparse(Node):
    """No byte changes; the stack is one header shorter."""

    kind = "deparse"


def deparse(stream: Stream) -> Stream:
    """Put the last parsed header back into the payload (seed paper III.A, "Deparse").

    Raises GraphError where no header is parsed.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4
    >>> @wirebrick.network_function
    ... def swap(packets):
    ...     def back(packet):
    ...         header = packet.header
    ...         header.dst, header.src = header.src, header.dst
    ...     return packets.parse(Ethernet).parse(IPv4).deparse().transform(back)
    """
    graph, scope, place = here(stream)
    if not stream.stack:
        raise GraphError("there is no parsed header to deparse", place=place, cure="parse one first")
    node = Deparse(graph, scope, place)
    stream._consumed_by(node)
    return node.output(stream.stack[:-1], stream.schema)
