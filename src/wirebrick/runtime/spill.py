"""Spill: what is known of a packet, written down where it moves to another worker, and read where it goes on.

It holds for each header of the stack four 32-bit words (offset, payload begin, its end, its end on the wire), then
the metadata, then for each registry of numbers (EtherTypes, IP protocols) the one that a pushed or popped header
left behind, or -1. Interpreter and compiled code write the same.
"""

from __future__ import annotations

import ctypes

from wirebrick.packet.layer import Layer
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.packet.packet import Packet
from wirebrick.state.record import Record
from wirebrick.stream.graph import Graph, Slot
from wirebrick.stream.stream import Stream

SLOT = 16  # bytes of a header's places


def spaces_of(graph: Graph) -> list[str]:
    """The registries whose numbers pushed and popped headers may leave behind in the graph; none without those.

    >>> from wirebrick.headers import Ethernet
    >>> graph = Graph()
    >>> spaces_of(graph), spill_size(graph, (graph.slot(None, Ethernet),), None)
    ([], 16)
    """
    if not any(node.kind in ("push", "pop") for node in graph.nodes):
        return []
    headers = {slot.header for slot in graph.all_slots}
    return sorted({field.space for header in headers for field in header.fields.values() if field.space})


def spill_size(graph: Graph, stack: tuple[Slot, ...], schema: type[Record] | None) -> int:
    """Bytes of a spill for packets with these headers and this metadata."""
    return SLOT * len(stack) + (schema.size if schema else 0) + 8 * len(spaces_of(graph))


class Spill:
    """How packets of ``stream`` are written down and read again in the interpreter."""

    def __init__(self, graph: Graph, stream: Stream) -> None:
        self._headers = stream.headers
        self._schema = stream.schema
        self._spaces = spaces_of(graph)

    def write(self, packet: Packet, at: int) -> None:
        """Write it down at an address."""
        for layer in packet._layers:
            for word, value in enumerate((layer.start, layer.begin, layer.end, layer.wire)):
                store32(at + 4 * word, value)
            at += SLOT
        if self._schema is not None:
            assert packet._metadata is not None
            ctypes.memmove(at, bytes(packet._metadata), self._schema.size)
            at += self._schema.size
        for space in self._spaces:
            store64(at, packet._pending.get(space, -1))
            at += 8

    def read(self, packet: Packet, at: int) -> None:
        """Give a packet the headers and metadata that are written down at an address."""
        for header in self._headers:
            places = [load32(at + 4 * word) for word in range(4)]
            packet._layers.append(Layer(header, *places))
            at += SLOT
        if self._schema is not None:
            packet._metadata = self._schema.at(at).copy()
            at += self._schema.size
        for space in self._spaces:
            number = load64(at)
            if number >= 0:
                packet._pending[space] = number
            at += 8
