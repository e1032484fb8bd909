"""State: what tables, arrays and counters have in common: one block of memory for each worker."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from wirebrick.errors import GraphError, caller_place
from wirebrick.state.consistency import PARTITIONED, Partitioned
from wirebrick.state.record import Record
from wirebrick.stream.graph import current_scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

R = TypeVar("R", bound=Record)

LINES = 128  # bytes; processors fetch cache lines of 64 in pairs, and no two workers may share a pair


class _Worker(threading.local):
    """Which worker this thread is (``index``), and the time of its packet (``now``, nanoseconds)."""

    index: int = 0
    now: int = 0


worker = _Worker()


def use_worker(index: int) -> None:
    """Make this thread worker ``index``: user functions interpreted in it use that worker's partitions.

    >>> use_worker(1); worker.index
    1
    >>> use_worker(0)
    """
    worker.index = index


class State(ABC):
    """Base of the state objects. One that is made while an NF is built belongs to it.

    ``blocks`` holds the address of each worker's block of memory. There is none before a run begins; after
    it, the contents stay readable until the next run.
    """

    def __init__(self, name: str, consistency: Partitioned = PARTITIONED) -> None:
        if not isinstance(consistency, Partitioned):
            raise GraphError(
                f"{consistency!r} is not a consistency mode", place=caller_place(), cure="use Partitioned()"
            )
        self.name = name
        self.consistency = consistency
        self.place = caller_place()
        self.blocks: list[int] = []
        self._memory: list[NDArray[np.uint8]] = []
        scope = current_scope()
        if scope is not None:
            scope.states.append(self)

    @abstractmethod
    def block_size(self) -> int:
        """Bytes that one worker's block takes."""

    def _initialise(self, block: int) -> None:
        """Make a block of zeros what it is at the beginning of a run."""
        return

    def allocate(self, workers: int) -> None:
        """Make the blocks of a run with ``workers`` workers; what an earlier run left is forgotten.

        The memory is zero and, as far as ``_initialise`` does not write to it, taken from the system when a
        worker first touches it: near that worker's core. Raises GraphError where there isn't enough.
        """
        # Imported here: commands that only list or describe NFs needn't wait for it.
        import numpy as np

        size = -(-self.block_size() // LINES) * LINES
        try:
            memory = [np.zeros(size + LINES, np.uint8) for _ in range(workers)]
        except MemoryError:
            raise GraphError(
                f"{self.name} takes {size:,} bytes for each of {workers} worker(s): that much can't be had",
                place=self.place,
                cure="make it smaller, or use fewer workers",
            ) from None
        self._memory = memory
        self.blocks = [-(-part.ctypes.data // LINES) * LINES for part in memory]
        for block in self.blocks:
            self._initialise(block)

    def current(self) -> int:
        """Address of the block of the worker that this thread is. Raises GraphError before a run begins."""
        if not self.blocks:
            raise GraphError(
                f"{self.name} has no memory before a run begins",
                place=caller_place(),
                cure="change it in user functions only; an Array takes its first contents as values=",
            )
        return self.blocks[worker.index]

    def _view(self, record: type[R], address: int) -> R:
        """The record at ``address`` of the current worker's block; it keeps that memory alive."""
        view = record.at(address)
        view.__dict__["_memory"] = self._memory[worker.index]
        return view

    def __repr__(self) -> str:
        return f"<{self.name}>"


def is_record(value: Any) -> bool:
    """Whether ``value`` is a Record class that a user declared."""
    return isinstance(value, type) and issubclass(value, Record) and value is not Record


def add_numbers(into: Record, record: Record) -> None:
    """Add the numbers of ``record``, integers and floats, to those of ``into``; its addresses stay.

    >>> from wirebrick.fields import U64, IPv4Address
    >>> class Seen(Record):
    ...     host: IPv4Address
    ...     count: U64
    >>> one = Seen(host=1, count=2)
    >>> add_numbers(one, Seen(host=1, count=3)); one
    Seen(host=0.0.0.1, count=5)
    """
    for name, field in into.fields.items():
        if field.address is None:
            setattr(into, name, getattr(into, name) + getattr(record, name))
