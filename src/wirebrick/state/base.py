"""State: what tables, arrays, counters and the like have in common: their memory, and who may do what with it."""

from __future__ import annotations

import threading
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from wirebrick.errors import GraphError, caller_place
from wirebrick.state.consistency import PARTITIONED, Bounded, Consistency, Partitioned, Strict
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.saving import Saving
from wirebrick.state.sharing import LINES, Locked, Sharing, Viewed, zeros
from wirebrick.stream.graph import current_scope

__all__ = ["LINES", "State", "add_numbers", "is_record", "use_worker", "worker"]

R = TypeVar("R", bound=Record)


class _Worker(threading.local):
    """Which worker this thread is (``index``), and the time of its packet (``now``, nanoseconds)."""

    index: int = 0
    now: int = 0
    in_burst: bool = False  # it interprets a burst: its views of shared objects are taken


worker = _Worker()


def use_worker(index: int) -> None:
    """Make this thread worker ``index``: user functions interpreted in it use that worker's partitions.

    >>> use_worker(1); worker.index
    1
    >>> use_worker(0)
    """
    worker.index = index


class _Made(ABCMeta):
    """Where a network function is built once more, it gets the objects that it made the first time."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        """Make an object, or find the one that was made."""
        scope = current_scope()
        if scope is None or scope.making:
            return super().__call__(*arguments, **named)
        if scope.again is not None:
            return scope.again.object(cls)
        scope.making = True
        try:
            made = super().__call__(*arguments, **named)
        finally:
            scope.making = False
        scope.made.append(made)
        return made


class State(Saving, metaclass=_Made):
    """Base of the state objects. One that is made while an NF is built belongs to it.

    ``blocks`` holds the addresses of the blocks of memory that are read from outside: each worker's, or the
    one that workers share. There is none before a run begins; after it, the contents stay readable until the
    next run. ``operations``: what user functions can do with it besides what the language has for it.
    ``ahead``: ``ahead(context, block)`` of a native module is called before the packets of a burst are processed, and
    has fetched what they will need; what it gives, or 0, is for operations that say ``ahead``.
    """

    operations: Mapping[str, Operation] = {}
    port_names: tuple[str, ...] = ()  # of the run, by number
    ahead: Callable[[int, int], int] | None = None
    least_frame = 0  # bytes of the largest packet that it may make; 0: none is larger than those that come
    packets_wait = (
        True  # until a worker takes them; where they come by themselves, a worker that waits loses some
    )

    def __init__(self, name: str, consistency: Consistency = PARTITIONED) -> None:
        if not isinstance(consistency, Partitioned | Bounded | Strict):
            raise GraphError(
                f"{consistency!r} is not a consistency mode",
                place=caller_place(),
                cure="use Partitioned(), Bounded(staleness=seconds) or Strict()",
            )
        self.name = name
        self.consistency = consistency
        self.place = caller_place()
        self.sharing: Sharing | None = None
        self.owner = current_scope()  # the NF that it belongs to
        if self.owner is not None:
            self.owner.states.append(self)

    @property
    def blocks(self) -> list[int]:
        """Addresses of the blocks, by worker where each has its own."""
        return self.sharing.blocks if self.sharing is not None else []

    @property
    def viewed(self) -> bool:
        """Whether a worker works on what it takes for each burst, and gives back (``Viewed``)."""
        return isinstance(self.consistency, Bounded)

    @abstractmethod
    def block_size(self) -> int:
        """Bytes that one worker's block takes."""

    def _initialise(self, block: int) -> None:
        """Make a block of zeros what it is at the beginning of a run."""
        return

    def allocate(self, workers: int) -> None:
        """Make the memory of a run with ``workers`` workers; what an earlier run left is forgotten.

        The memory is zero and, as far as ``_initialise`` does not write to it, taken from the system when a
        worker first touches it: near that worker's core. Raises GraphError where there isn't enough, or
        where the worker that is to write isn't there.
        """
        size = -(-self.block_size() // LINES) * LINES
        if self._restored is not None:
            self._fit(self._restored, workers if isinstance(self.consistency, Partitioned) else 1)
        try:
            self.sharing = self._share(size, workers)
        except MemoryError:
            raise GraphError(
                f"{self.name} takes {size:,} bytes for each of {workers} worker(s): that much can't be had",
                place=self.place,
                cure="make it smaller, or use fewer workers",
            ) from None

    def _share(self, size: int, workers: int) -> Sharing:
        mode = self.consistency
        if isinstance(mode, Strict):
            return Locked(size, workers, zeros, self._begin)
        if isinstance(mode, Bounded):
            if mode.writer >= workers:
                raise GraphError(
                    f"worker {mode.writer} is to write {self.name}, but this run has {workers} worker(s)",
                    place=self.place,
                    cure="run more workers, or give Bounded another writer: the first is 0",
                )
            return Viewed(size, workers, zeros, self._begin, mode.writer, mode.staleness)
        return Sharing(size, workers, zeros, self._begin)

    def _begin(self, block: int, number: int) -> None:
        """Make block ``number`` what it begins as."""
        if self._restored is not None and number < len(self._restored.blocks):
            self._restored.blocks[number].put(block)
        else:
            self._initialise(block)

    def word(self, worker: int) -> int:
        """What the table of states (W_STATES) of a worker has for this object."""
        return self.shared().word(worker)

    def current(self) -> int:
        """Address of the block that the worker that this thread is reads. Raises GraphError before a run."""
        return self.shared().readable(worker.index)

    def shown(self) -> int:
        """As ``current`` in a burst; from outside the newest block of an object that all workers read."""
        return self.current() if worker.in_burst else self.shared().blocks[0]

    def changing(self) -> int:
        """Address of the block that it changes. Raises Fault where another worker is the writer (Bounded)."""
        return self.shared().writable(worker.index)

    def shared(self) -> Sharing:
        """Its memory. Raises GraphError before a run begins."""
        if self.sharing is None:
            raise GraphError(
                f"{self.name} has no memory before a run begins",
                place=caller_place(),
                cure="change it in user functions only; an Array takes its first contents as values=",
            )
        return self.sharing

    def may_change(self) -> bool:
        """Whether the worker that this thread is may change the object."""
        return not isinstance(self.consistency, Bounded) or self.consistency.writer == worker.index

    def _view(self, record: type[R], address: int) -> R:
        """The record at ``address``, which keeps its memory alive; a reader's (Bounded) can't be changed."""
        view = record.at(address)
        view.__dict__["_memory"] = self.sharing
        if not self.may_change():
            view.__dict__["_read_only"] = True
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
