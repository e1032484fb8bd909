"""push and pop: headers put into a packet and taken out, and what the others say about it."""

from __future__ import annotations

import ctypes

from wirebrick.headers.field import Field
from wirebrick.headers.header import Header, announcements
from wirebrick.packet.bracket import Bracket, full_checksum
from wirebrick.packet.edit import close_gap, open_gap
from wirebrick.packet.faults import ROOM, Fault
from wirebrick.packet.layer import Layer, link_field
from wirebrick.packet.packet import Packet


def push(packet: Packet, header: type[Header], checksums: bool, own: frozenset[type[Header]]) -> Pushed:
    """Put ``header`` behind the last parsed header, with its defaults; raises Fault without headroom.

    Numbers that say what follows and length fields are set; the checksums are right after ``Pushed.finish``.
    """
    layers = packet._layers
    bracket = Bracket(packet._descriptor.data, layers, own, packet._cut) if checksums else None
    size = header.size
    parent = layers[-1] if layers else None
    begin, _ = packet._payload_range()
    if open_gap(packet._context, packet._descriptor.at, begin, size) < 0:
        raise Fault(ROOM)
    data = packet._descriptor.data
    ctypes.memmove(data + begin, bytes(header()), size)
    if parent is not None:
        _announce(packet, header, parent)
    for layer in layers:
        layer.grow_length(data, size)
        layer.end += size
        layer.wire += size
    end, wire = (parent.end, parent.wire) if parent else (packet._descriptor.length, packet._descriptor.wire)
    layer = Layer(header, begin, begin + size, end, wire)
    layers.append(layer)
    link = link_field(header)
    if link is not None and link.space in packet._pending:
        layer.set(data, link, packet._pending[link.space])
    if header.length_field is not None:
        whole = wire - layer.begin + (size if header.length_includes_header else 0)
        layer.set(data, header.fields[header.length_field], whole)
    return Pushed(packet, bracket, header not in own)


class Pushed:
    """A packet between the push of a header and its completion by the user function."""

    def __init__(self, packet: Packet, bracket: Bracket | None, compute: bool) -> None:
        self.packet = packet
        self.bracket = bracket
        self.compute = compute

    def finish(self) -> None:
        """Compute the new header's checksum, and let those of the others follow."""
        packet = self.packet
        if self.bracket is None:
            return
        data, layers = packet._descriptor.data, packet._layers
        if self.compute:
            full_checksum(data, layers, len(layers) - 1, packet._cut)
        self.bracket.close(data, layers)


def pop(packet: Packet) -> None:
    """Take the last parsed header out; numbers, length fields and checksums of the others follow."""
    popped = packet._layers.pop()
    layers = packet._layers
    data = packet._descriptor.data
    bracket = Bracket(data, layers, frozenset(), packet._cut)
    size = popped.begin - popped.start
    link = link_field(popped.header)
    value = link.read(data + popped.start) if link else 0
    close_gap(packet._context, packet._descriptor.at, popped.start, size)
    data = packet._descriptor.data
    parent = layers[-1] if layers else None
    above = link_field(parent.header) if parent else None
    _hand_back(packet, parent, above, link, value)
    for layer in layers:
        layer.grow_length(data, -size)
        layer.end -= size
        layer.wire -= size
    bracket.close(data, layers)


def _announce(packet: Packet, header: type[Header], parent: Layer) -> None:
    """Make ``parent`` announce ``header``; its old number is kept for a header behind it that can hold it."""
    data = packet._descriptor.data
    link = link_field(parent.header)
    if link is not None and link.space is not None:
        packet._pending[link.space] = link.read(data + parent.start)
    computed = False
    for condition in announcements(header, parent.header)[:1]:
        for term in condition.terms:
            field = parent.header.fields.get(term.name)
            if field is None and not computed:
                # The first computed value is what follows (IPv6.protocol); others are provisos.
                computed, field = True, link
            if field is not None:
                parent.set(data, field, term.value)


def _hand_back(
    packet: Packet, parent: Layer | None, above: Field | None, link: Field | None, value: int
) -> None:
    """Let the header before a popped one say what the popped one said follows."""
    data = packet._descriptor.data
    same = above is not None and link is not None and above.space == link.space
    if parent is not None and above is not None and same:
        parent.set(data, above, value)
        return
    if link is not None and link.space is not None:
        packet._pending[link.space] = value
    if parent is not None and above is not None and above.space in packet._pending:
        parent.set(data, above, packet._pending[above.space])
