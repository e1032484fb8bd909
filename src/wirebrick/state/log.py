"""Log: records that user functions write and a function outside gets."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64, store64
from wirebrick.state import log_native as native
from wirebrick.state.arguments import key_at, key_class, whole
from wirebrick.state.base import State
from wirebrick.state.columns import dtype_of
from wirebrick.state.consistency import PARTITIONED
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.stream.events import every
from wirebrick.stream.graph import at_end

MOST = 1 << 24
PERIOD = 0.1  # seconds between two looks


class Log(State):
    """What happened, for a function outside: a ring of records of class ``Record`` in each worker.

    In user functions: ``log.add(Record(...))``, which is true unless the record was lost. ``function(rows)``
    gets what is new as a structured NumPy array with the record's fields (128-bit fields are pairs ``high``,
    ``low``), ten times a second in the background and when the run has ended; the records of a worker are in
    order. What it raises is a warning, and an error at the end of the run; these rows are gone then. A full ring
    loses what comes (``log.lost`` counts it) where packets come by themselves, as on interfaces; else, as with
    captures, the worker waits until there is room.

    To be made in a network function. Memory of a worker: ``capacity`` (rounded up to a power of two) times the
    record's size. Raises GraphError for wrong arguments.

    >>> import wirebrick
    >>> from wirebrick.fields import U64
    >>> class Seen(wirebrick.Record):
    ...     length: U64
    >>> lengths = []
    >>> @wirebrick.network_function
    ... def noted(packets):
    ...     log = Log(Seen, lambda rows: lengths.extend(rows["length"].tolist()))
    ...     return packets.map(lambda packet: log.add(Seen(length=packet.length)))
    >>> _ = wirebrick.run(noted, rx=[bytes(60), bytes(70)], interpret=True)
    >>> lengths
    [60, 70]
    """

    operations = {
        "add": Operation(native.log_add, ("key",), result="bool", constants=("size", "mask")),
    }

    def __init__(
        self, Record: type[Record], function: Callable[[Any], Any], *, capacity: int = 1 << 16
    ) -> None:
        self.key = key_class("Log", Record)
        self.size = self.key.size
        most = whole("Log", "capacity", capacity, 1, MOST, "how many records wait at most")
        self.mask = (1 << (most - 1).bit_length()) - 1
        super().__init__(f"Log({Record.__name__})", PARTITIONED)
        if not callable(function) or self.owner is None:
            raise GraphError(
                f"{self.name} can't give its records to {function!r}"
                if self.owner is not None
                else f"{self.name} must belong to a network function",
                place=caller_place(),
                cure="make it in the function that @network_function decorates, with a function that takes rows",
            )
        self._function = function
        self._giving = threading.Lock()
        every(PERIOD, self.give, on="background")
        at_end(self._finish)

    def block_size(self) -> int:
        """Bytes of a worker's ring."""
        return native.LOG + (self.mask + 1) * self.size

    def _initialise(self, block: int) -> None:
        store64(block + native.L_WAITS, int(self.packets_wait))

    @property
    def saveable(self) -> bool:
        """Never: what it holds is on its way."""
        return False

    def add(self, record: Any) -> bool:
        """Write a record (in user functions); whether there was room."""
        at = key_at(self.name, self.key, record)
        return bool(native.log_add(self.changing(), self.size, self.mask, at))

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
                self._function(np.frombuffer(b"".join(parts), dtype_of(self.key)))

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
