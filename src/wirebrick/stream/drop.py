"""drop: the end of packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.stream.graph import Node, here
from wirebrick.stream.udf import check_reason

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Drop(Node):
    """The stream ends here."""

    kind = "drop"
    reason: str

    @property
    def label(self) -> str:
        """With the reason."""
        return f"drop({self.reason})"


def drop(stream: Stream, reason: str) -> None:
    """Drop every packet, counted as ``nf.reason``.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def nothing(packets):
    ...     packets.drop("closed")
    >>> wirebrick.run(nothing, rx=[bytes(60)]).drops
    {'nothing.closed': 1}
    """
    graph, scope, place = here(stream)
    check_reason(reason)
    node = Drop(graph, scope, place)
    stream._consumed_by(node)
    node.reason = reason
