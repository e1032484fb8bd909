"""merge: join streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import GraphError, caller_place
from wirebrick.stream.graph import Graph, Node, Slot, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream


class Merge(Node):
    """``slots`` gives, for each input, the slot that each header of the merged stack comes from."""

    kind = "merge"
    slots: list[tuple[Slot, ...]]


def merge(*streams: Stream) -> Stream:
    """Join streams into one; packets keep their order (seed paper III.A.3, "Merge").

    The merged stream has the headers that all of them have: the longest common beginning and the longest common end
    of their stacks. IPv4 behind Ethernet and IPv4 behind Ethernet and VLAN give Ethernet and IPv4. Metadata stays
    where all have the same schema. Raises GraphError without streams, or for streams of different graphs or NFs.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4, VLAN
    >>> @wirebrick.network_function
    ... def addresses(packets):
    ...     tagged = wirebrick.Stream()
    ...     plain = packets.parse(Ethernet).parse(IPv4, otherwise=tagged)
    ...     both = wirebrick.merge(plain, tagged.parse(VLAN).parse(IPv4))
    ...     print([header.__name__ for header in both.headers])
    ...     return both
    >>> wirebrick.run(addresses, rx=[]).packets_in
    ['Ethernet', 'IPv4']
    0
    """
    place = caller_place()
    if not streams:
        raise GraphError("merge() needs at least one stream", place=place)
    graph, scope, place = here(streams[0])
    for stream in streams[1:]:
        if stream.graph is not graph or stream.scope is not scope:
            raise GraphError("merge() joins streams of one network function", place=place)
    node = Merge(graph, scope, place)
    for stream in streams:
        stream._consumed_by(node)
    stack, node.slots = _common(graph, [stream.stack for stream in streams])
    schemas = {stream.schema for stream in streams}
    return node.output(stack, schemas.pop() if len(schemas) == 1 else None)


def _common(graph: Graph, stacks: list[tuple[Slot, ...]]) -> tuple[tuple[Slot, ...], list[tuple[Slot, ...]]]:
    shortest = min(map(len, stacks))
    head = 0
    while head < shortest and len({stack[head] for stack in stacks}) == 1:
        head += 1
    tail = 0
    while tail < shortest - head and len({stack[-1 - tail].header for stack in stacks}) == 1:
        tail += 1
    dropped = [slot.header for stack in stacks for slot in stack[head : len(stack) - tail]]
    if any(header.checksum_rule or header.pseudo_header for header in dropped):
        tail = 0  # a header that the merged stack does not name must not cover bytes that may be written
    kept = [(*stack[:head], *stack[len(stack) - tail :]) for stack in stacks]
    merged: list[Slot] = list(stacks[0][:head])
    for column in list(zip(*kept, strict=True))[head:]:
        parent = merged[-1] if merged else None
        merged.append(graph.new_slot(column[0].header, parent, tuple(dict.fromkeys(column))))
    return tuple(merged), kept
