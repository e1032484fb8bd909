"""The holds of a run: the memory of each worker's queues, and of the rings in which it sets packets aside.

>>> from wirebrick.runtime.plan import HoldPlan
>>> holds = make_holds([HoldPlan(label=5, spill=0, capacity=100, counter=0)], [], workers=2, burst=64)
>>> holds[0].own(first=1000); holds[0].frames
164
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from wirebrick.packet.frame import ASIDE, D_FRAME
from wirebrick.packet.memory import store64
from wirebrick.runtime.blocks import Blocks
from wirebrick.runtime.hold_native import (
    ENTRY,
    H_COUNT,
    H_DUE,
    H_QUEUES,
    NEVER,
    Q_CAPACITY,
    Q_COUNTER,
    Q_DUE,
    Q_FREE,
    Q_HEAP,
    Q_LABEL,
    Q_MASK,
    Q_ROW,
    Q_SLOTS,
    Q_STRIDE,
    QUEUE,
)
from wirebrick.runtime.plan import HoldPlan, ShufflePlan
from wirebrick.runtime.ring import Ring, slots_for, stride_of

_HEAD = 64


class Holds:
    """What one worker holds: a queue for each of ``plans``, in their order; its frames are given by ``own``.

    ``asides``: a ring for packets of ports, and one for each of ``shuffles``, where bursts of up to ``burst`` packets
    wait while more packets go on before them than fit beside them.
    """

    def __init__(self, plans: Sequence[HoldPlan], shuffles: Sequence[ShufflePlan], burst: int) -> None:
        self._plans = list(plans)
        self._stages = [ShufflePlan(0, ASIDE, 0), *shuffles]
        self._slots = slots_for(1, burst)
        self._blocks = Blocks()
        self.frames = sum(plan.capacity for plan in plans) + self._slots * len(self._stages)
        self.asides: list[Ring] = []
        self.address = 0

    def own(self, first: int) -> None:
        """Take its memory; its frames are number ``first`` of the mempool and those behind."""
        take = self._blocks.take
        self.address = take(_HEAD + 8 * len(self._plans))
        store64(self.address + H_DUE, NEVER)
        store64(self.address + H_COUNT, len(self._plans))
        for number, plan in enumerate(self._plans):
            store64(self.address + H_QUEUES + 8 * number, self._queue(plan, first))
            first += plan.capacity
        for stage in self._stages:
            self.asides.append(Ring(stage, 0, 0, self._slots, first))
            first += self._slots

    def _queue(self, plan: HoldPlan, first: int) -> int:
        """Address of a queue whose slots own the frames from ``first`` on."""
        take, capacity = self._blocks.take, plan.capacity
        row = 1 << (capacity - 1).bit_length()
        stride = stride_of(plan.spill)
        queue, slots, free = take(QUEUE), take(capacity * stride), take(4 * capacity)
        cells = (ctypes.c_uint8 * (capacity * stride)).from_address(slots)
        frames = np.arange(first, first + capacity, dtype="<u4")
        np.ndarray((capacity,), "<u4", memoryview(cells), D_FRAME, (stride,))[:] = frames
        # The numbers of free slots, the lowest on top.
        stack = (ctypes.c_uint8 * (4 * capacity)).from_address(free)
        np.ndarray((capacity,), "<u4", memoryview(stack))[:] = np.arange(capacity - 1, -1, -1, dtype="<u4")
        for word, value in (
            (Q_LABEL, plan.label),
            (Q_CAPACITY, capacity),
            (Q_SLOTS, slots),
            (Q_STRIDE, stride),
            (Q_FREE, free),
            (Q_ROW, take(row * ENTRY)),
            (Q_MASK, row - 1),
            (Q_HEAP, take(capacity * ENTRY)),
            (Q_COUNTER, plan.counter),
            (Q_DUE, NEVER),
        ):
            store64(queue + word, value)
        return queue


def make_holds(
    plans: Sequence[HoldPlan], shuffles: Sequence[ShufflePlan], workers: int, burst: int
) -> list[Holds]:
    """The holds of each worker; none where the graph has none. ``shuffles``: those that have rings."""
    return [Holds(plans, shuffles, burst) for _ in range(workers if plans else 0)]
