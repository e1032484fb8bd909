"""Tracing: what each operator did to a packet, as the interpreter tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from wirebrick.packet.packet import Packet
from wirebrick.stream.graph import Node


@dataclass(frozen=True)
class Fate:
    """What became of a packet at an operator.

    ``kind`` is ``on`` (to the next operator; ``detail`` says by which output, and of a parse that failed,
    why), ``out`` or ``sent`` (``detail``: the port), ``held``, ``drop`` or ``fault`` (``detail``: the reason;
    ``error``: what was raised).
    """

    kind: str
    detail: str = ""
    error: Exception | None = None


class Observer(Protocol):
    """Who is told of every step."""

    def step(self, node: Node, packet: Packet, fate: Fate) -> None:
        """``packet`` has been through ``node``."""


@dataclass(frozen=True)
class Step:
    """One operator's work on one packet: its bytes afterwards, and where the first of them lies in memory."""

    node: Node
    position: int
    start: int
    data: bytes
    fate: Fate

    def changed(self, before: Step) -> list[tuple[int, int | None, int | None]]:
        """Offset, old byte and new byte of each difference; None where there was, or is, no such byte.

        Bytes that stayed in their place count as the same, though a push or pop moves the packet's beginning:
        offsets are those after the step, negative for bytes that are gone from the front.
        """
        differences = []
        first = min(before.start, self.start)
        last = max(before.start + len(before.data), self.start + len(self.data))
        for at in range(first, last):
            old, new = before.byte(at), self.byte(at)
            if old != new:
                differences.append((at - self.start, old, new))
        return differences

    def byte(self, address: int) -> int | None:
        """The packet's byte at an address, or None outside of it."""
        offset = address - self.start
        return self.data[offset] if 0 <= offset < len(self.data) else None


@dataclass
class Trace:
    """An observer that keeps every step."""

    steps: list[Step] = field(default_factory=list)

    def step(self, node: Node, packet: Packet, fate: Fate) -> None:
        """Keep it."""
        self.steps.append(Step(node, packet._position, packet._descriptor.data, bytes(packet), fate))

    def of(self, position: int) -> list[Step]:
        """The steps of one packet of the burst."""
        return [step for step in self.steps if step.position == position]
