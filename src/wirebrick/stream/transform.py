"""transform: change packets by a user function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.stream.udf import FunctionNode, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Transform(FunctionNode):
    """The function may write headers, payload, metadata and state, and send, drop or copy."""

    kind = "transform"
    may_write = True


def transform(stream: Stream, function: Callable[[Any], None], *, checksums: bool = True) -> Stream:
    """Call ``function(packet)``, which may change headers, payload, metadata and state (seed paper III.A).

    Checksums of IPv4, TCP, UDP, ICMP and ICMPv6 follow what it writes (RFC 1624), so that a right checksum stays
    right and a wrong one stays wrong. A function that stores a header's ``checksum`` itself is left alone for that
    header; ``checksums=False`` leaves all of them alone. Its result is ignored.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4
    >>> @wirebrick.network_function
    ... def mark(packets):
    ...     def expedited(packet):
    ...         packet.header.dscp = 46
    ...     return packets.parse(Ethernet).parse(IPv4).transform(expedited)
    """
    node = function_node(Transform, stream, function)
    node.checksums = checksums
    return node.output(stream.stack, stream.schema)
