"""A packet's way as the interpreter tells it: its steps, and whose bytes each of them changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from wirebrick.headers.header import Header
from wirebrick.packet.packet import Packet
from wirebrick.runtime.trace import Fate, Step
from wirebrick.stream.graph import Input, Node

Region = tuple[type[Header], int, int]  # a header, the addresses of its first byte and of its payload's


@dataclass
class Way:
    """One packet, by its number in the run (from 1), and where its parsed headers lay at each step."""

    number: int
    ingress: str
    steps: list[Step] = field(default_factory=list)
    regions: list[list[Region]] = field(default_factory=list)

    def changes(self, at: int) -> list[Change]:
        """What step number ``at`` changed."""
        if at == 0:
            return []
        step = self.steps[at]
        found = step.changed(self.steps[at - 1])
        # What was parsed before is still known by its place: a pop takes the header's name with its bytes.
        known = [region for regions in reversed(self.regions[: at + 1]) for region in regions]
        return [Change(at, old, new, _field(known, step.start + at, old, new)) for at, old, new in found]


@dataclass(frozen=True)
class Change:
    """A byte: its offset in the packet after the step, its old and new value (or None), whose it is."""

    offset: int
    old: int | None
    new: int | None
    field: str


class Watcher:
    """An observer that keeps the ways of packets number ``first`` .. ``last``, and counts them all."""

    def __init__(self, first: int, last: int) -> None:
        self.seen = 0
        self.ways: list[Way] = []
        self._wanted = range(first, last + 1)
        self._way: Way | None = None  # of the packet whose turn it is, if it is wanted
        self._held: dict[int, Way | None] = {}  # of packets that are held, by their frames

    def step(self, node: Node, packet: Packet, fate: Fate) -> None:
        """Keep it, if the packet is wanted."""
        frame = packet._descriptor.frame
        if isinstance(node, Input):
            self.seen += 1
            self._way = None
            if self.seen in self._wanted:
                self._way = Way(self.seen, packet._ports[packet._descriptor.ingress])
                self.ways.append(self._way)
        elif frame in self._held:
            self._way = self._held.pop(frame)
        if fate.kind == "held":
            self._held[frame] = self._way
        if self._way is None:
            return
        way, data = self._way, packet._descriptor.data
        way.steps.append(Step(node, packet._position, data, bytes(packet), fate))
        way.regions.append(
            [(layer.header, data + layer.start, data + layer.begin) for layer in packet._layers]
        )


def _field(regions: list[Region], address: int, old: int | None, new: int | None) -> str:
    """The header field(s) that the byte at ``address`` belongs to, as far as they changed."""
    for header, start, end in regions:
        if start <= address < end:
            names = list(_fields(header, address - start, 0xFF if old is None or new is None else old ^ new))
            return ", ".join(names) or f"{header.__name__}.{header.octets_name or 'options'}"
    return "payload"


def _fields(header: type[Header], offset: int, bits: int) -> Iterator[str]:
    """The fields of ``header`` that have one of ``bits`` of its byte at ``offset``."""
    for name, known in header.fields.items():
        changed = (known.offset <= 8 * offset + bit < known.offset + known.bits for bit in _numbers(bits))
        if any(changed):
            yield f"{header.__name__}.{name}"


def _numbers(bits: int) -> list[int]:
    """The numbers of the bits set in a byte, the most significant being 0."""
    return [bit for bit in range(8) if bits & 0x80 >> bit]
