"""The rings of a run: their memory, and which of them a worker puts to and receives from.

>>> from wirebrick.runtime.plan import ShufflePlan
>>> rings = Rings([ShufflePlan(number=0, node=3, spill=20)], workers=3, positions=128)
>>> len(rings.rings), rings.frames, rings.spill
(6, 6144, 32)
>>> rings.table(0)[0], [ring.node for ring in rings.into(0)]
(0, [3, 3])
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from wirebrick.packet.frame import D_FRAME, DESCRIPTOR
from wirebrick.packet.memory import load64, store64, store64_release
from wirebrick.runtime.blocks import Blocks
from wirebrick.runtime.plan import ShufflePlan
from wirebrick.runtime.ring_native import (
    R_CLOSED,
    R_DEAD,
    R_HEAD,
    R_MASK,
    R_NODE,
    R_PUT,
    R_SLOTS,
    R_SPILL,
    R_STRIDE,
    R_WAITS,
    RING,
)

_SPILL_UNIT = 16
_LINE = 64


def slots_for(capacity: int, positions: int) -> int:
    """How many slots: a power of two, enough for a whole burst of ``positions``.

    >>> slots_for(1024, 512), slots_for(64, 130), slots_for(1, 1)
    (1024, 256, 1)
    """
    return 1 << (max(capacity, positions) - 1).bit_length()


class Ring:
    """The ring for shuffle ``plan`` from worker ``source`` to worker ``target``.

    Its slots own the frames ``first``, ``first + 1``, ...
    """

    def __init__(self, plan: ShufflePlan, source: int, target: int, slots: int, first: int) -> None:
        self.shuffle = plan.number
        self.node = plan.node
        self.waits = plan.waits
        self.source = source
        self.target = target
        self.slots = slots
        self._blocks = Blocks()
        self.address = self._blocks.take(RING)
        spill = spill_bytes(plan.spill)
        stride = stride_of(plan.spill)
        memory = self._blocks.take(slots * stride)
        cells = (ctypes.c_uint8 * (slots * stride)).from_address(memory)
        np.ndarray((slots,), "<u4", memoryview(cells), D_FRAME, (stride,))[:] = np.arange(
            first, first + slots, dtype="<u4"
        )
        for word, value in (
            (R_SLOTS, memory),
            (R_STRIDE, stride),
            (R_MASK, slots - 1),
            (R_SPILL, spill),
            (R_NODE, plan.node),
            (R_WAITS, int(plan.waits)),
        ):
            store64(self.address + word, value)

    @property
    def held(self) -> int:
        """Packets that were put and not received."""
        return load64(self.address + R_PUT) - load64(self.address + R_HEAD)

    def close(self) -> None:
        """Nothing more will be put: it ends for who receives from it."""
        store64_release(self.address + R_CLOSED, 1)

    def abandon(self) -> None:
        """Nothing more will be received: it is full for good, and nobody waits for it."""
        store64_release(self.address + R_DEAD, 1)


class Rings:
    """One ring for each of ``shuffles`` from each of ``workers`` to each other, for bursts of ``positions``.

    ``frames`` is how many frames their slots own, ``first`` the number of the first of them in the mempool.
    """

    def __init__(self, shuffles: Sequence[ShufflePlan], workers: int, positions: int, first: int = 0) -> None:
        self.shuffles = list(shuffles)
        self.workers = workers
        self.spill = max((spill_bytes(plan.spill) for plan in shuffles), default=0)
        self.frames = 0
        self.rings: list[Ring] = []
        for plan in shuffles:
            slots = slots_for(plan.capacity, positions)
            for source in range(workers):
                for target in range(workers):
                    if source != target:
                        self.rings.append(Ring(plan, source, target, slots, first + self.frames))
                        self.frames += slots

    def out_of(self, worker: int) -> list[Ring]:
        """The rings a worker puts to."""
        return [ring for ring in self.rings if ring.source == worker]

    def into(self, worker: int) -> list[Ring]:
        """The rings a worker receives from."""
        return [ring for ring in self.rings if ring.target == worker]

    def table(self, worker: int) -> list[int]:
        """A worker's W_RINGS: for each shuffle and worker the ring to that one, 0 for itself."""
        words = [0] * (len(self.shuffles) * self.workers)
        for ring in self.out_of(worker):
            words[ring.shuffle * self.workers + ring.target] = ring.address
        return words

    def needed(self, worker: int, node: int) -> list[int]:
        """Addresses of the rings that must have room before packets are received that go on behind ``node``."""
        return [ring.address for ring in self.out_of(worker) if ring.waits and ring.node > node]


def stride_of(size: int) -> int:
    """Bytes of a slot for a packet with a spill of ``size`` bytes.

    One that doesn't fit into half a line begins with a line: then no slot lies in more than it must.

    >>> stride_of(0), stride_of(20), stride_of(40)
    (32, 64, 128)
    """
    spill = spill_bytes(size)
    return DESCRIPTOR if spill == 0 else -(-(DESCRIPTOR + spill) // _LINE) * _LINE


def spill_bytes(size: int) -> int:
    """What a spill takes in a slot.

    >>> spill_bytes(0), spill_bytes(20)
    (0, 32)
    """
    return -(-size // _SPILL_UNIT) * _SPILL_UNIT
