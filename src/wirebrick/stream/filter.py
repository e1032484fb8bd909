"""filter: drop the packets for which a user function is false, or which an expression of tcpdump's doesn't match."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError, ParameterError
from wirebrick.stream.graph import Node, here
from wirebrick.stream.udf import FunctionNode, check_reason, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Filter(FunctionNode):
    """The function reads packets and says whether they go on."""

    kind = "filter"
    reason: str


class ExpressionFilter(Node):
    """An expression in tcpdump's syntax, pcap-filter(7), says it."""

    kind = "filter"
    expression: str
    reason: str

    @property
    def label(self) -> str:
        """With the expression."""
        return f"filter({self.expression!r})"


def filter_(
    stream: Stream,
    function: Callable[[Any], bool] | str,
    reason: str = "filtered",
    otherwise: Stream | None = None,
) -> Stream:
    """Keep packets for which ``function(packet)`` is true; drop the others, counted under ``reason``.

    With ``otherwise``, a ``Stream()`` of your own, the others go on by it instead.

    A text in the place of the function is a filter in tcpdump's syntax, compiled to native code as functions are. It
    looks at the frame as it is then, from its first byte, whatever is parsed. Raises GraphError where it is wrong,
    with libpcap's words, and where libpcap is not installed.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def small(packets):
    ...     return packets.filter(lambda packet: packet.length <= 128, reason="too_long")
    >>> wirebrick.run(small, rx=[bytes(64), bytes(1000)]).drops
    {'small.too_long': 1}
    >>> @wirebrick.network_function
    ... def web(packets):
    ...     return packets.filter("tcp port 80 or arp", reason="not_web")
    >>> wirebrick.run(web, rx=[bytes(64), bytes(12) + b"\\x08\\x06" + bytes(46)]).drops
    {'web.not_web': 1}
    >>> @wirebrick.network_function
    ... def apart(packets):
    ...     rest = wirebrick.Stream()
    ...     short = packets.filter(lambda packet: packet.length < 100, otherwise=rest)
    ...     rest.drop("long")
    ...     return short
    >>> wirebrick.run(apart, rx=[bytes(64), bytes(1000)]).drops
    {'apart.long': 1}
    """
    check_reason(reason)
    if isinstance(function, str):
        return _outputs(_expression(stream, function), stream, reason, otherwise)
    node = function_node(Filter, stream, function)
    return _outputs(node, stream, reason, otherwise)


def _outputs(
    node: Filter | ExpressionFilter, stream: Stream, reason: str, otherwise: Stream | None
) -> Stream:
    """The stream of what is kept; what isn't goes by ``otherwise``, where there is that."""
    node.reason = reason
    kept = node.output(stream.stack, stream.schema)
    if otherwise is not None:
        otherwise._attach(node, stream.stack, stream.schema, "otherwise")
        node.outputs.append(otherwise)
    return kept


def _expression(stream: Stream, expression: str) -> ExpressionFilter:
    # Imported here: filters of functions need no libpcap.
    from wirebrick.runtime.filter import bpf

    graph, scope, place = here(stream)
    try:
        bpf(expression)
    except ParameterError as error:
        raise GraphError(error.message, place=place, cure=error.cure) from None
    node = ExpressionFilter(graph, scope, place)
    stream._consumed_by(node)
    node.expression = expression
    return node
