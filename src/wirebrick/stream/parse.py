"""parse: recognise the next header of each packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import GraphError
from wirebrick.headers.header import Header, may_follow
from wirebrick.stream.graph import Node, Slot, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream

CAUSES = ("absent", "truncated", "malformed")


class Parse(Node):
    """Outputs: packets with the header, and, where asked for, a stream of those without."""

    kind = "parse"
    slot: Slot
    otherwise: str  # bypass, drop or stream

    @property
    def header(self) -> type[Header]:
        """What is parsed."""
        return self.slot.header

    @property
    def label(self) -> str:
        """With the header's name."""
        return f"parse({self.header.__name__})"

    def reasons(self) -> tuple[str, ...]:
        """The drop reasons of the three causes, for ``otherwise="drop"``."""
        return tuple(f"{self.header.__name__.lower()}_{cause}" for cause in CAUSES)


def parse(stream: Stream, header: type[Header], otherwise: str | Stream = "bypass") -> Stream:
    """Parse ``header`` right behind the last parsed one (seed paper III.A, "Parse").

    A packet goes on if the header before announces it, its bytes are there, and its version and length fields make
    sense. What doesn't fit leaves by ``otherwise``: ``"bypass"`` (to the NF's output, unchanged), ``"drop"``
    (counted as ``ipv4_absent``, ``ipv4_truncated`` or ``ipv4_malformed``, with the header's name), or a
    ``Stream()`` of your own, which has the headers parsed so far. Raises GraphError where ``header`` can't follow.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4, IPv6
    >>> @wirebrick.network_function
    ... def only_ip(packets):
    ...     rest = wirebrick.Stream()
    ...     v4 = packets.parse(Ethernet).parse(IPv4, otherwise=rest)
    ...     return wirebrick.merge(v4, rest.parse(IPv6, otherwise="drop"))
    >>> wirebrick.run(only_ip, rx=[b"too short"]).packets_out
    1
    """
    from wirebrick.stream.stream import Stream

    graph, scope, place = here(stream)
    last = stream.stack[-1] if stream.stack else None
    if not (isinstance(header, type) and issubclass(header, Header)):
        raise GraphError(f"parse() takes a header class, not {header!r}", place=place)
    if not may_follow(header, last.header if last else None):
        who = sorted({c.header.__name__ for c in header.announced_by})
        raise GraphError(
            f"{header.__name__} can't follow {last.header.__name__ if last else 'the start of a packet'}",
            place=place,
            cure=f"it is announced by {', '.join(who)}: parse one of them first",
        )
    if isinstance(otherwise, str) and otherwise not in ("bypass", "drop"):
        raise GraphError(f'otherwise={otherwise!r} is neither "bypass", "drop" nor a Stream()', place=place)
    node = Parse(graph, scope, place)
    stream._consumed_by(node)
    node.slot = graph.slot(last, header)
    node.otherwise = otherwise if isinstance(otherwise, str) else "stream"
    result = node.output((*stream.stack, node.slot), stream.schema)
    if isinstance(otherwise, Stream):
        otherwise._attach(node, stream.stack, stream.schema, "otherwise")
        node.outputs.append(otherwise)
    elif otherwise == "bypass":
        bypass = node.output(stream.stack, stream.schema, "bypass")
        if scope is None:
            raise GraphError("parse() outside of a network function can't bypass", place=place)
        scope.bypass.append(bypass)
    return result
