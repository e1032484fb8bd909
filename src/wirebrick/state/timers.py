"""Timers: the state of a graph's events in each worker: when they are due, how often they were called."""

from __future__ import annotations

from collections.abc import Sequence

from wirebrick.packet.faults import REASONS
from wirebrick.packet.memory import load64
from wirebrick.state import timers_native as native
from wirebrick.state.base import State
from wirebrick.stream.events import Event


class Timers(State):
    """The worker events of a graph, by number; ``makes``: some make packets. It has a block for each worker.

    >>> from wirebrick.stream.graph import Scope
    >>> tick = Event(print, 1000, True, "worker", Scope("nf", None, None), None, False)
    >>> timers = Timers([tick]); timers.allocate(workers=2)
    >>> timers.counts(0)
    {'fired': 0, 'late': 0, 'overruns': 0}
    """

    def __init__(self, events: Sequence[Event], makes: bool = False) -> None:
        super().__init__("events")
        self.events = list(events)
        self.makes = makes

    def block_size(self) -> int:
        """Bytes of a worker's block."""
        return native.timers_size(len(self.events))

    def _initialise(self, block: int) -> None:
        for number, event in enumerate(self.events):
            native.timers_set(block, number, event.period, int(event.repeats))

    def _sum(self, number: int, word: int) -> int:
        return sum(load64(native.timers_entry(block, number) + word) for block in self.blocks)

    def counts(self, number: int) -> dict[str, int]:
        """How often an event was called, and late, and left out, in all workers."""
        words = {"fired": native.E_FIRED, "late": native.E_LATE, "overruns": native.E_OVERRUNS}
        return {name: self._sum(number, word) for name, word in words.items()}

    def faults(self, number: int) -> dict[str, int]:
        """How often it failed in all workers, by reason; reasons without a case are left out."""
        found = {reason: self._sum(number, native.E_FAULTS + 8 * code) for code, reason in REASONS.items()}
        return {reason: count for reason, count in found.items() if count}
