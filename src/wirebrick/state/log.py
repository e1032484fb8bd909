"""Log: records that user functions write and a function outside gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.state import log_native as native
from wirebrick.state.arguments import key_at, key_class
from wirebrick.state.columns import dtype_of
from wirebrick.state.operation import Operation
from wirebrick.state.outbox import Outbox
from wirebrick.state.record import Record


class Log(Outbox):
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
        super().__init__(f"Log({Record.__name__})", Record.size, lambda: dtype_of(Record), function, capacity)

    def add(self, record: Any) -> bool:
        """Write a record (in user functions); whether there was room."""
        at = key_at(self.name, self.key, record)
        return bool(native.log_add(self.changing(), self.size, self.mask, at))
