"""metadata: attach typed values to packets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError
from wirebrick.state.record import Record
from wirebrick.stream.graph import here
from wirebrick.stream.udf import FunctionNode, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Metadata(FunctionNode):
    """The function reads packets and returns a record of ``schema``."""

    kind = "metadata"
    schema: type[Record]


def metadata(stream: Stream, schema: type[Record], function: Callable[[Any], Any]) -> Stream:
    """Attach what ``function(packet)`` returns, a record of type ``schema``, as ``packet.metadata``.

    Metadata lives inside one NF: it ends where the packet leaves it.

    >>> import wirebrick
    >>> from wirebrick.fields import U16
    >>> class Size(wirebrick.Record):
    ...     words: U16
    >>> @wirebrick.network_function
    ... def even(packets):
    ...     def measure(packet):
    ...         return Size(words=packet.length // 2)
    ...     return packets.metadata(Size, measure).filter(lambda p: p.metadata.words < 100)
    """
    _, _, place = here(stream)
    if not (isinstance(schema, type) and issubclass(schema, Record)):
        raise GraphError(f"metadata() takes a Record class, not {schema!r}", place=place)
    node = function_node(Metadata, stream, function)
    node.schema = schema
    return node.output(stream.stack, schema)
