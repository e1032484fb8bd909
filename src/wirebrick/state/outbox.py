"""Outbox: records on their way from a worker to a function outside. Logs and tables have one."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64, store64
from wirebrick.state import log_native as native
from wirebrick.state.arguments import whole
from wirebrick.state.base import State
from wirebrick.state.consistency import PARTITIONED
from wirebrick.state.natives import compiled
from wirebrick.stream.events import every
from wirebrick.stream.graph import at_end

if TYPE_CHECKING:
    import numpy as np

MOST = 1 << 24
PERIOD = 0.1  # seconds between two looks


class Outbox(State):
    """A ring of records of ``size`` bytes in each worker, given to ``function`` as arrays of ``dtype()``.

    Ten times a second in the background, and when the run has ended. Where packets come by themselves, a full ring
    loses what comes; else the worker waits. Raises GraphError where it isn't made in a network function.
    """

    def __init__(
        self,
        name: str,
        size: int,
        dtype: Callable[[], np.dtype[Any]],
        function: Callable[[Any], Any],
        capacity: int,
    ) -> None:
        self.size = size
        most = whole(name, "capacity", capacity, 1, MOST, "how many records wait at most")
        self.mask = (1 << (most - 1).bit_length()) - 1
        super().__init__(name, PARTITIONED)
        if not callable(function) or self.owner is None:
            raise GraphError(
                f"{name} can't give its records to {function!r}"
                if self.owner is not None
                else f"{name} must belong to a network function",
                place=caller_place(),
                cure="make it in the function that @network_function decorates, with a function that takes rows",
            )
        self._dtype = dtype
        self._function = function
        self._giving = threading.Lock()
        every(PERIOD, self.give, on="background")
        at_end(self._finish)

    def block_size(self) -> int:
        """Bytes of a worker's ring."""
        return native.LOG + (self.mask + 1) * self.size

    def _initialise(self, block: int) -> None:
        store64(block + native.L_WAITS, int(self.packets_wait))
        store64(block + native.L_SIZE, self.size)
        store64(block + native.L_MASK, self.mask)

    @property
    def saveable(self) -> bool:
        """Never: what it holds is on its way."""
        return False

    def give(self) -> None:
        """Give the function what is new."""
        import numpy as np

        written = compiled(native.__name__, "log_written", 1)
        read = compiled(native.__name__, "log_read", 2)
        with self._giving:
            parts = []
            for block in self.blocks:
                head, tail = load64(block + native.L_HEAD), written(block)
                if head != tail:
                    parts.append(self._copy(block, head, tail))
                    read(block, tail)
            if parts:
                self._function(np.frombuffer(b"".join(parts), self._dtype()))

    @property
    def lost(self) -> int:
        """How many records found no room."""
        return sum(load64(block + native.L_LOST) for block in self.blocks)

    def _copy(self, block: int, head: int, tail: int) -> bytes:
        """The records from ``head`` up to ``tail``, in order."""
        slots, size, room = block + native.LOG, self.size, self.mask + 1
        first, end = head & self.mask, (head & self.mask) + tail - head
        part = ctypes.string_at(slots + first * size, (min(end, room) - first) * size)
        return part + ctypes.string_at(slots, max(0, end - room) * size)

    def _finish(self) -> None:
        self.give()
