"""Blocks: zeroed memory in cache lines of its own, for what native code works on.

>>> blocks = Blocks()
>>> address = blocks.table([5, 7])
>>> address % LINES
0
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wirebrick.packet.memory import store64
from wirebrick.state.sharing import LINES

__all__ = ["LINES", "Blocks"]


class Blocks:
    """Gives out memory, which is kept as long as this object is."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []

    def take(self, size: int) -> int:
        """Address of ``size`` bytes, zero."""
        size = -(-max(size, 1) // LINES) * LINES
        memory = np.zeros(size + LINES, np.uint8)
        self._kept.append(memory)
        return -(-int(memory.ctypes.data) // LINES) * LINES

    def table(self, values: Sequence[int]) -> int:
        """Address of 64-bit words."""
        address = self.take(8 * len(values))
        for number, value in enumerate(values):
            store64(address + 8 * number, value)
        return address
