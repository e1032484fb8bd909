"""window: the bytes of TCP and UDP streams."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.durations import nanoseconds
from wirebrick.errors import GraphError, Place
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.headers.tcp import TCP
from wirebrick.headers.udp import UDP
from wirebrick.state.reassembly import Reassembly
from wirebrick.state.record import Record
from wirebrick.stream.graph import here
from wirebrick.stream.totals import totals_report
from wirebrick.stream.udf import FunctionNode, check_function

if TYPE_CHECKING:
    from wirebrick.stream.packetize import Packetize
    from wirebrick.stream.stream import Stream

FLOWS = 4096


class Window(FunctionNode):
    """The function is called with a window of a stream's bytes, not with a packet."""

    kind = "window"
    forward: bool
    schema: type[Record] | None
    state: Reassembly
    maker: Packetize | None = None  # what makes packets of the bytes, where they are not forwarded


def window(
    stream: Stream,
    size: int | None,
    slide: int | None,
    timeout: float | None,
    fn: Callable[[Any], Any],
    forward: bool = True,
    *,
    metadata: type[Record] | None = None,
    flows: int = FLOWS,
    buffer: int | None = None,
) -> Stream:
    """Put the segments of each TCP stream in order and call ``fn(window)`` when enough bytes are there.

    Each direction of a connection is a stream of its own (seed paper III.A.2, "Window"). ``size``: bytes of a
    window; ``slide``: how far it moves on after each call, ``size`` where it is None. ``size=None``: as it
    comes, all bytes that are there in order. A window has fewer bytes only where a stream ends, pauses for
    ``timeout`` seconds (of packets' time; None: for ever), has a gap, or the run ends. In the function:

    - ``window.data``: the bytes, checked at each access, as a packet's payload;
    - ``window.offset``: how many bytes of the stream came before; ``window.gap``: how many are missing right
      before these; ``window.closed``: this is the stream's last call;
    - ``window.flow``: the FlowKey; ``window.metadata``: a record of class ``metadata``, the stream's own, to
      read and to change, zero at first;
    - ``window.emit(...)``, where ``forward=False``: the bytes that go on, see ``packetize``.

    It may return how many bytes it is done with (0 .. len(data)) in place of ``slide``: the others come
    again, in front of those that follow.

    Segments that are late, twice, overlapping or of an older connection give each byte once: the first copy
    counts. A gap that is not filled within ``timeout``, or whose followers fill the buffer, is skipped. With
    UDP, datagrams follow each other as they come. ``forward=True``: packets go on untouched, when the
    function has seen what they brought. ``forward=False``: only packetize can take what comes out.

    Memory is bounded: ``flows`` directions at once, of each at most ``buffer`` bytes (64 KiB, or two
    windows) wait; the least recently used stream gives way, after its last call. What was given up is counted
    and reported. Raises GraphError where no TCP or UDP header is parsed, and for wrong arguments.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4, UDP
    >>> @wirebrick.network_function
    ... def count(packets):
    ...     pairs = wirebrick.Counter("pairs of bytes")
    ...     def look(window):
    ...         if len(window.data) == 2:
    ...             pairs.add()
    ...     wirebrick.at_end(lambda: print(pairs.value))
    ...     return packets.parse(Ethernet).parse(IPv4).parse(UDP).window(2, 2, 1.0, look)
    >>> wirebrick.run(count, rx="memory:size=64,count=10").packets_out  # 10 times 22 bytes
    110
    10
    """
    graph, scope, place = here(stream)
    headers = stream.headers
    if not headers or headers[-1] not in (TCP, UDP) or not {IPv4, IPv6} & set(headers):
        raise GraphError(
            "window() needs TCP or UDP parsed last, behind IPv4 or IPv6",
            place=place,
            cure="packets.parse(Ethernet).parse(IPv4).parse(TCP).window(...)",
        )
    check_function(fn, "window", place, "the window")
    if slide and not size:
        raise GraphError(
            "a window without a size can't slide",
            place=place,
            cure="give a size, or let the function return how many bytes it is done with",
        )
    if not forward and size and slide and slide > size:
        raise GraphError(
            f"a window of {size} bytes that slides by {slide} would lose those in between",
            place=place,
            cure="with forward=False, slide by no more than the size",
        )
    if metadata is not None and not (inspect.isclass(metadata) and issubclass(metadata, Record)):
        raise GraphError(f"window() takes a Record class as metadata, not {metadata!r}", place=place)
    node = Window(graph, scope, place)
    stream._consumed_by(node)
    node.function, node.forward, node.schema = fn, forward, metadata
    node.state = Reassembly(
        size or 0,
        slide or size or 0,
        _timeout_of(timeout, place),
        flows=flows,
        buffer=buffer,
        meta=metadata.size if metadata else 0,
        holes=forward,
    )
    if scope is not None:
        scope.reports.append(lambda: totals_report(f"Streams of {node.label}", node.state.totals()))
    return node.output(stream.stack, stream.schema, "" if forward else "bytes")


def _timeout_of(timeout: Any, place: Place | None) -> int:
    """Seconds as nanoseconds; None: 0. Raises GraphError."""
    if timeout is None:
        return 0
    found = nanoseconds(timeout)
    if found is None:
        raise GraphError(
            f"the timeout of a window can't be {timeout!r}",
            place=place,
            cure="give seconds, more than 0, or None: it waits for ever",
        )
    return found
