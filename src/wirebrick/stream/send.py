"""send: out of a named port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import GraphError
from wirebrick.stream.graph import Node, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Send(Node):
    """The stream ends at a port."""

    kind = "send"
    port: str

    @property
    def label(self) -> str:
        """With the port's name."""
        return f"send({self.port})"


def send(stream: Stream, port: str) -> None:
    """Send every packet out of the port named ``port``: the NFs behind this one do not see it.

    Raises GraphError for a name that is no text; a port that a run doesn't have is an error when it starts.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def out(packets):
    ...     packets.send("out")
    >>> wirebrick.run(out, rx=[bytes(60)]).packets_out
    1
    """
    graph, scope, place = here(stream)
    if not isinstance(port, str) or not port:
        raise GraphError(f"send() takes a port's name, not {port!r}", place=place)
    node = Send(graph, scope, place)
    stream._consumed_by(node)
    node.port = port
