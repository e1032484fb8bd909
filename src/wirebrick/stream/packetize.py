"""packetize: bytes become packets again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.state.rewrite import Rewrite
from wirebrick.stream.graph import Node, here
from wirebrick.stream.totals import totals_report
from wirebrick.stream.udf import check_function
from wirebrick.stream.window import Window

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream

BUFFER = 1 << 19


class Packetize(Node):
    """Stands right behind the window whose function emits the bytes."""

    kind = "packetize"
    function: Callable[..., Any] | None = None
    window: Window
    state: Rewrite
    may_write = True
    checksums = True

    @property
    def label(self) -> str:
        """With the headers."""
        return f"packetize({'/'.join(header.__name__ for header in self.inputs[0].headers)})"


def packetize(
    stream: Stream,
    headers: Sequence[type[Header]],
    fn: Callable[[Any], None] | None = None,
    *,
    buffer: int | None = None,
) -> Stream:
    """Make packets of the bytes that a ``window(..., forward=False)`` emits (seed paper III.A.2, "Packetize").

    The bytes leave in the packets that brought them, under the same ``headers`` (those of the window's
    stream), split at the size that the receiver takes; where they need more packets, more are made
    (``packets_made``). Lengths and checksums are computed anew. For TCP, sequence and acknowledgement numbers
    of both directions are translated, whatever was added or removed, so that neither end notices: bytes that
    were emitted are kept until the receiver has acknowledged them, and are sent again when the sender sends
    again what they came of. So both directions of a connection must come to one worker, which they do unless
    a shuffle parts them. ``buffer``: bytes kept of a direction, at most (512 KiB).

    ``fn(packet)`` may fill in header fields of each packet, not resize it; checksums follow. Raises
    GraphError where there is no such window right before it, or where the headers are not those of its packets.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4, UDP
    >>> @wirebrick.network_function
    ... def double(packets):
    ...     def twice(window):
    ...         window.emit(window.data, b"+", window.data)
    ...     bytes_ = packets.parse(Ethernet).parse(IPv4).parse(UDP).window(None, None, 1.0, twice, forward=False)
    ...     return bytes_.packetize((Ethernet, IPv4, UDP))
    >>> udp = bytes(UDP(length=11)) + b"abc"
    >>> ip = bytes(IPv4(protocol=17, total_length=31))
    >>> wirebrick.run(double, rx=[bytes(12) + b"\\x08\\x00" + ip + udp]).packets[0][42:]
    b'abc+abc'
    """
    graph, scope, place = here(stream)
    window = stream.producer
    if not isinstance(window, Window) or window.forward:
        raise GraphError(
            "packetize() needs a window(..., forward=False) right before it",
            place=place,
            cure="the function of that window says with window.emit(...) which bytes go on",
        )
    given = tuple(headers) if isinstance(headers, Sequence) else (headers,)
    if given != stream.headers:
        have = ", ".join(header.__name__ for header in stream.headers)
        raise GraphError(f"the packets have other headers: {have}", place=place, cure=f"packetize(({have}))")
    if sum(header in (IPv4, IPv6) for header in given) > 1:
        raise GraphError(
            "packetize() can't put the lengths of outer IP headers right",
            place=place,
            cure="pop() the outer headers first, and push() them again behind packetize()",
        )
    if fn is not None:
        check_function(fn, "packetize", place)
    node = Packetize(graph, scope, place)
    stream._consumed_by(node)
    node.window, node.function = window, fn
    window.maker = node
    node.state = Rewrite(flows=window.state.flows, buffer=BUFFER if buffer is None else buffer)
    if scope is not None:
        scope.reports.append(lambda: totals_report(f"Streams of {node.label}", node.state.totals()))
    return node.output(stream.stack, None)
