"""Remaker: base of the state objects that remake packets whole: split them, join them, hold them back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from wirebrick.state.base import State
from wirebrick.state.consistency import PARTITIONED, Consistency


class Step(NamedTuple):
    """What can be done to a packet: a native function, and the reasons with which it drops packets."""

    native: Callable[..., int]
    reasons: tuple[str, ...]


class Remaker(State):
    """State whose native functions (``steps``, by name) remake packets, for ``wirebrick.stream.remake``.

    ``native(block, w, position, start, begin, meta, now)``: the packet at a position of the worker's burst; where
    its last parsed header starts and what is behind it begins, in bytes from its first one; the address of its
    metadata, or 0; its time. The result: how many further packets it made, at the positions behind those that
    were in use: they follow the packet; or -n: the packet is dropped with the n-th of ``reasons``, from 1 on.
    The last parsed header is one no more afterwards, and the others' payloads end where the packet does.
    """

    steps: Mapping[str, Step] = {}

    def __init__(self, name: str, consistency: Consistency = PARTITIONED) -> None:
        self._guard = threading.Lock()  # interpreted workers: CPython has no atomic steps
        super().__init__(name, consistency)

    def remake(
        self, step: str, context: int, position: int, start: int, begin: int, meta: int, now: int
    ) -> int:
        """What the native function of a step does, for interpreted workers."""
        with self._guard:
            return self.steps[step].native(self.current(), context, position, start, begin, meta, now)
