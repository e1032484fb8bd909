"""Workers that meet by rings, in small: their contexts on one mempool, and what frames there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    W_BURST,
    W_FRAMES,
    data_address,
)
from wirebrick.packet.memory import load32, load64, store8, store32, store64
from wirebrick.ports.base import Source
from wirebrick.runtime.context import Context, frames_for
from wirebrick.runtime.mempool import COPIES, Mempool
from wirebrick.runtime.plan import ShufflePlan
from wirebrick.runtime.ring import Ring, Rings
from wirebrick.runtime.ring_native import R_SLOTS, R_STRIDE

BURST = 8


class Team:
    """Contexts of workers on one mempool, with rings for ``shuffles``; ``sources`` of each, by port."""

    def __init__(
        self,
        shuffles: Sequence[ShufflePlan],
        workers: int = 2,
        *,
        sources: Sequence[Sequence[Source]] = (),
        ports: int = 1,
        burst: int = BURST,
        matches: int = 0,
    ) -> None:
        each = frames_for(burst, COPIES, matches)
        self.rings = Rings(shuffles, workers, burst * COPIES, first=workers * each)
        self.frames = workers * each + self.rings.frames
        self.pool = Mempool(self.frames, 100)
        self.contexts = []
        for number in range(workers):
            context = Context(
                burst=burst,
                frame_size=100,
                ports=ports,
                counters=8,
                matches=matches,
                shared=(self.pool, number * each),
            )
            context.set_worker(number, workers)
            own = list(enumerate(sources[number])) if sources else []
            context.set_sources(own, rings=self.rings)
            context.set_rings(self.rings.table(number))
            self.contexts.append(context)
        self._each = each
        self._sources = sources  # native code has only the addresses of their functions

    def ring(self, source: int, target: int, shuffle: int = 0) -> Ring:
        """The ring from one worker to another."""
        return next(
            ring for ring in self.rings.out_of(source) if (ring.target, ring.shuffle) == (target, shuffle)
        )

    def all_frames(self) -> list[int]:
        """Every frame that a position or a slot owns, sorted: each once, if none is lost or in two places."""
        found = [
            load32(context[W_FRAMES] + 4 * position)
            for context in self.contexts
            for position in range(self._each)
        ]
        for ring in self.rings.rings:
            slots, stride = load64(ring.address + R_SLOTS), load64(ring.address + R_STRIDE)
            found += [load32(slots + number * stride + D_FRAME) for number in range(ring.slots)]
        return sorted(found)

    def conserved(self) -> bool:
        """Whether each frame is in exactly one place."""
        return bool(np.array_equal(self.all_frames(), np.arange(self.frames)))

    def place(self, context: int, position: int, number: int, mark: int = 0) -> None:
        """Write a packet into the frame of a position: ``number`` is its time, ``mark`` its first byte."""
        frame = load32(load64(context + W_FRAMES) + 4 * position)
        data = data_address(self.pool.address, self.pool.stride, frame)
        at = load64(context + W_BURST) + position * DESCRIPTOR
        store8(data, mark)
        store64(at + D_DATA, data)
        store32(at + D_LENGTH, 60)
        store32(at + D_WIRE, 60)
        store64(at + D_TIME, number)
        store32(at + D_FRAME, frame)


def number_at(context: Context, position: int) -> int:
    """The number of the packet at a position."""
    return load64(context[W_BURST] + position * DESCRIPTOR + D_TIME)
