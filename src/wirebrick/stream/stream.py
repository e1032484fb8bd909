"""Stream: a typed flow of packets while the graph is built. Its methods are the operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError, caller_place

if TYPE_CHECKING:
    from wirebrick.headers.header import Header
    from wirebrick.state.record import Record
    from wirebrick.stream.graph import Graph, Node, Scope, Slot
    from wirebrick.stream.shuffle import By, Full


class Stream:
    """A flow of packets between operators: which headers are parsed, which metadata they carry.

    Every operator consumes its stream and gives a new one; using one twice is an error. ``Stream()`` without a
    producer is a fresh stream for ``parse(..., otherwise=)`` to feed.
    """

    def __init__(self) -> None:
        self.producer: Node | None = None
        self.consumer: Node | None = None
        self.stack: tuple[Slot, ...] = ()
        self.schema: type[Record] | None = None
        self.scope: Scope | None = None
        self.role = ""
        self.made_at = caller_place()

    @classmethod
    def _leaving(cls, node: Node, stack: tuple[Slot, ...], schema: type[Record] | None, role: str) -> Stream:
        stream = cls()
        stream._attach(node, stack, schema, role)
        return stream

    def _attach(self, node: Node, stack: tuple[Slot, ...], schema: type[Record] | None, role: str) -> None:
        if self.producer is not None:
            raise GraphError(
                "this stream is fed already",
                place=caller_place(),
                cure="give each otherwise= a Stream() of its own, and merge() them",
            )
        self.producer, self.stack, self.schema, self.role = node, stack, schema, role
        self.scope = node.scope

    def _consumed_by(self, node: Node) -> None:
        if self.producer is None:
            raise GraphError(
                "this stream has no source yet",
                place=caller_place(),
                cure="name it in a parse(..., otherwise=stream) before it is used",
            )
        if self.consumer is not None:
            before = f" (first at {self.consumer.place})" if self.consumer.place else ""
            raise GraphError(
                f"the stream is used twice{before}",
                place=node.place or caller_place(),
                cure="a packet is in one place only: chain the operators, or split with group_by",
            )
        self.consumer = node
        node.inputs.append(self)

    @property
    def graph(self) -> Graph:
        """The graph it is part of. Raises GraphError for a stream without a source."""
        if self.producer is None:
            raise GraphError("this stream has no source yet", place=caller_place())
        return self.producer.graph

    @property
    def headers(self) -> tuple[type[Header], ...]:
        """The parsed headers, outermost first."""
        return tuple(slot.header for slot in self.stack)

    def parse(self, header: type[Header], otherwise: str | Stream = "bypass") -> Stream:
        """Parse the next header; see ``wirebrick.stream.parse``."""
        from wirebrick.stream.parse import parse

        return parse(self, header, otherwise)

    def deparse(self) -> Stream:
        """Put the last parsed header back into the payload; see ``wirebrick.stream.deparse``."""
        from wirebrick.stream.deparse import deparse

        return deparse(self)

    def transform(self, function: Callable[[Any], None], *, checksums: bool = True) -> Stream:
        """Change packets; see ``wirebrick.stream.transform``."""
        from wirebrick.stream.transform import transform

        return transform(self, function, checksums=checksums)

    def map(self, function: Callable[[Any], None]) -> Stream:
        """Look at packets without changing them; see ``wirebrick.stream.map``."""
        from wirebrick.stream.map import map_

        return map_(self, function)

    def filter(
        self, function: Callable[[Any], bool] | str, reason: str = "filtered", otherwise: Stream | None = None
    ) -> Stream:
        """Drop packets, by a function or an expression of tcpdump's; see ``wirebrick.stream.filter``."""
        from wirebrick.stream.filter import filter_

        return filter_(self, function, reason, otherwise)

    def metadata(self, schema: type[Record], function: Callable[[Any], Any]) -> Stream:
        """Attach typed metadata; see ``wirebrick.stream.metadata``."""
        from wirebrick.stream.metadata import metadata

        return metadata(self, schema, function)

    def push(
        self, header: type[Header], function: Callable[[Any], None] | None = None, *, checksums: bool = True
    ) -> Stream:
        """Put a new header behind the last parsed one; see ``wirebrick.stream.push``."""
        from wirebrick.stream.push import push

        return push(self, header, function, checksums=checksums)

    def pop(self) -> Stream:
        """Take the last parsed header out of the packet; see ``wirebrick.stream.pop``."""
        from wirebrick.stream.pop import pop

        return pop(self)

    def duplicate(self, function: Callable[[Any], bool], copies: Stream | None = None) -> Stream:
        """Let copies follow packets; see ``wirebrick.stream.duplicate``."""
        from wirebrick.stream.duplicate import duplicate

        return duplicate(self, function, copies)

    def group_by(self, count: int, function: Callable[[Any], int]) -> list[Stream]:
        """Split into ``count`` streams; see ``wirebrick.stream.group_by``."""
        from wirebrick.stream.group_by import group_by

        return group_by(self, count, function)

    def shuffle(
        self, by: By, workers: int | Sequence[int] | None = None, *, full: Full = "wait", capacity: int = 1024
    ) -> Stream:
        """Move packets to other workers; see ``wirebrick.stream.shuffle``."""
        from wirebrick.stream.shuffle import shuffle

        return shuffle(self, by, workers, full=full, capacity=capacity)

    def hold(
        self, function: Callable[[Any], int | None], capacity: int = 4096, *, reason: str = "hold_full"
    ) -> Stream:
        """Let packets go on at a time of their own; see ``wirebrick.stream.hold``."""
        from wirebrick.stream.hold import hold

        return hold(self, function, capacity, reason=reason)

    def window(
        self,
        size: int | None,
        slide: int | None,
        timeout: float | None,
        fn: Callable[[Any], Any],
        forward: bool = True,
        *,
        metadata: type[Record] | None = None,
        flows: int = 4096,
        buffer: int | None = None,
    ) -> Stream:
        """Call ``fn`` with the bytes of TCP and UDP streams; see ``wirebrick.stream.window``."""
        from wirebrick.stream.window import window

        return window(self, size, slide, timeout, fn, forward, metadata=metadata, flows=flows, buffer=buffer)

    def packetize(
        self,
        headers: Sequence[type[Header]],
        fn: Callable[[Any], None] | None = None,
        *,
        buffer: int | None = None,
    ) -> Stream:
        """Make packets of what a window's function emits; see ``wirebrick.stream.packetize``."""
        from wirebrick.stream.packetize import packetize

        return packetize(self, headers, fn, buffer=buffer)

    def send(self, port: str) -> None:
        """Send every packet out of a named port; see ``wirebrick.stream.send``."""
        from wirebrick.stream.send import send

        send(self, port)

    def drop(self, reason: str) -> None:
        """Drop every packet, counted under ``reason``; see ``wirebrick.stream.drop``."""
        from wirebrick.stream.drop import drop

        drop(self, reason)

    def __repr__(self) -> str:
        return f"<stream of {'/'.join(h.__name__ for h in self.headers) or 'frames'}>"
