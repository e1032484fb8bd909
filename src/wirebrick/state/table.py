"""Table: records by key, of a size that is fixed beforehand; the state of flows."""

from __future__ import annotations

import ctypes
import operator
import os
import secrets
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Generic, TypeVar

from wirebrick.durations import nanoseconds
from wirebrick.errors import CheckError, GraphError, caller_place
from wirebrick.packet.memory import load32, load64, store64
from wirebrick.state import table_layout as layout
from wirebrick.state import table_native as native
from wirebrick.state.base import State, add_numbers, is_record, worker
from wirebrick.state.consistency import PARTITIONED, Consistency, Partitioned
from wirebrick.state.outbox import Outbox
from wirebrick.state.record import Record
from wirebrick.state.saved import fields_of
from wirebrick.state.table_sweep_native import table_expire

_kept: list[Any] = []  # what addresses were given of
GONE = 1 << 16  # keys that gave way wait to be told of, at most
_SEED = secrets.randbits(64)

K = TypeVar("K", bound=Record)
V = TypeVar("V", bound=Record)


class Table(State, Generic[K, V]):
    """Up to ``capacity`` records of class ``Value`` by key of class ``Key``, in each worker.

    In user functions:

    - ``table[key]``: the key's record, to read and to change. On first sight it is made, all zero. It stays
      the key's until the key is removed or makes room for another.
    - ``key in table``: whether it has one. ``del table[key]``: remove it, if it is there. ``len(table)``: how
      many keys this worker has.
    - ``table.expire(most=64)``: remove keys that are *idle*, not used by ``table[key]`` for ``idle_timeout``
      seconds of packets' time; how many were. Each call looks at ``most`` slots, and goes on where the one
      before stopped.

    Keys are compared byte by byte. A full table never raises. A new key takes the place of an idle one.
    Where none of the next 32 keys is idle, ``full`` says what happens: with ``"evict"`` the least recently
    used of these 32 makes room; with ``"refuse"``, ``table[key]`` is a record of zeros for this once, and
    what is written to it is lost. Only the need for room and ``expire()`` remove idle keys: until then they
    are in the table, for user functions and from outside.

    The time of the last use is kept in steps of a 30-millionth of ``idle_timeout`` or less (without one: of a
    microsecond) and for at least 60 times as long; a key that was unused for longer may pass for a used one
    until it is as old again.

    With ``gone``, a function, keys that gave way are not lost: ``gone(rows)`` gets those that were idle or evicted,
    as ``rows()`` gives them, off the workers' way as with a Log; not those that were removed by ``del``, nor those
    that are there at the end. What a full log loses is counted in ``untold``.

    Each worker has a table of its own. From outside (during a run too, where a record that is just being
    written may be seen half changed): ``items()``, ``to_dict()``, ``entries``, and how many keys gave way or
    were turned away: ``expired``, ``evicted``, ``refused``. Raises GraphError for wrong arguments.

    Keys are hashed with random numbers drawn once for each process, so that nobody can send packets whose
    keys collide more often than by chance. Nothing but the choice of keys that are evicted depends on them;
    where that must be the same in every run, the environment variable ``WIREBRICK_SEED`` (a whole number)
    takes their place: for tests, not where packets come from strangers.

    Memory of a worker: a slot is 8 bytes, the key and the value, rounded up to 16, 32 or whole 64 bytes (64
    for a FlowKey and 16 bytes of value). A power of two of them, from 4/3 to 8/3 of ``capacity``, are where
    keys are looked for first, and ``capacity`` more are for keys that collide, of which 17 to 30 % are
    touched: what isn't touched takes no memory. So a full table takes 1.6 to 2.9 slots for each key, 104 to
    182 bytes for such a flow; a table of 1,048,576 flows takes 148 MB when it is full. It never grows.

    >>> from wirebrick import FlowKey, Record
    >>> from wirebrick.fields import U64
    >>> class Seen(Record):
    ...     packets: U64
    >>> flows = Table(FlowKey, Seen, capacity=1000, idle_timeout=60.0)
    >>> flows.allocate(workers=1)  # a run does this
    >>> key = FlowKey(src_port=1234, dst_port=53)
    >>> flows[key].packets += 1  # user functions do this
    >>> key in flows, len(flows)
    (True, 1)
    >>> [(key.dst_port, seen.packets) for key, seen in flows.items()]
    [(53, 1)]
    """

    unites = True

    def __init__(
        self,
        Key: type[K],
        Value: type[V],
        capacity: int,
        idle_timeout: float | None = None,
        full: str = "evict",
        consistency: Consistency = PARTITIONED,
        gone: Callable[[Any], Any] | None = None,
    ) -> None:
        _check_classes(Key, Value)
        if type(capacity) is not int or not 1 <= capacity <= layout.MOST:
            raise GraphError(
                f"the capacity of a Table can't be {capacity!r}",
                place=caller_place(),
                cure=f"give a whole number from 1 to {layout.MOST}: how many keys each worker has room for",
            )
        if full not in ("evict", "refuse"):
            raise GraphError(
                f"a full Table can't {full!r}",
                place=caller_place(),
                cure='use full="evict" (the least recently used key makes room) or full="refuse"',
            )
        self.key = Key
        self.value = Value
        self.capacity = capacity
        self.idle_timeout = idle_timeout
        self.full = full
        self.stride = layout.table_stride(Key.size, Value.size)  # bytes of a slot
        self._idle = _idle_of(idle_timeout)
        self._gone = None if gone is None else self._outbox(gone, consistency)
        super().__init__(f"Table({Key.__name__}, {Value.__name__})", consistency)

    def block_size(self) -> int:
        """Bytes of a worker's table."""
        return layout.table_size(self.capacity, self.key.size, self.value.size)

    def allocate(self, workers: int) -> None:
        """Make the memory of a run, as every state object; keys that give way go to the log that was made before."""
        super().allocate(workers)
        logs = [] if self._gone is None else self._gone.blocks
        for number, block in enumerate(self.blocks):
            store64(block + layout.T_GONE, logs[number] if logs else 0)

    def _outbox(self, gone: Callable[[Any], Any], consistency: Consistency) -> Outbox:
        from wirebrick.state.columns import pair_of

        name = f"the log of a Table({self.key.__name__}, {self.value.__name__})"
        if not isinstance(consistency, Partitioned):
            raise GraphError(
                f"{name} can't be shared",
                place=caller_place(),
                cure="leave consistency or gone out: each worker tells of the keys of its own table",
            )
        return Outbox(name, self.key.size + self.value.size, lambda: pair_of(self), gone, GONE)

    def _initialise(self, block: int) -> None:
        refuses = int(self.full == "refuse")
        layout.table_init(block, self.capacity, self.key.size, self.value.size, self._idle, refuses, seed())

    def _layout(self) -> dict[str, Any]:
        key, value = fields_of(self.key), fields_of(self.value)
        return {"key": key, "value": value, "capacity": self.capacity, "idle": self._idle, "full": self.full}

    def _merge(self, into: int, block: int) -> None:
        from wirebrick.state.columns import taken_slots

        shift = load64(block + layout.T_SHIFT)
        for slot in taken_slots(self, block):
            key, used = slot + layout.S_KEY, load32(slot + layout.S_LAST) << shift
            at = native.table_touch(into, key, used, self.key.size, self.stride)
            add_numbers(self.value.at(at), self.value.at(key + self.key.size))

    def _at(self, key: Any) -> int:
        """Address of a key. Raises CheckError for what isn't one."""
        if type(key) is not self.key:
            raise CheckError(
                f"{key!r} is no key of {self.name}",
                place=caller_place(),
                cure=f"build one: {self.key.__name__}({', '.join(name + '=' for name in self.key.fields)})",
            )
        return int(key._at)

    def __getitem__(self, key: K) -> V:
        """The key's record, made on first sight (in user functions)."""
        at = self._at(key)
        if not self.may_change():
            found = native.table_find(self.current(), at, self.key.size, self.stride)
            return self._view(self.value, found or _zeros(self.value.size))
        return self._view(
            self.value, native.table_touch(self.current(), at, worker.now, self.key.size, self.stride)
        )

    def __contains__(self, key: K) -> bool:
        """Whether this worker has the key; looking is not using."""
        at = self._at(key)
        return bool(self.blocks) and native.table_find(self.current(), at, self.key.size, self.stride) != 0

    def __delitem__(self, key: K) -> None:
        """Remove the key from this worker's table, if it is there."""
        native.table_remove(self.changing(), self._at(key), self.key.size, self.stride)

    def __len__(self) -> int:
        """How many keys this worker has."""
        return load64(self.current() + layout.T_COUNT) if self.blocks else 0

    def expire(self, most: int = 64) -> int:
        """Remove idle keys of this worker, looking at ``most`` slots (in user functions); how many were."""
        return table_expire(self.changing(), worker.now, operator.index(most))

    def _pairs(self, block: int) -> Iterator[tuple[K, V]]:
        """Copies of the keys and records of one worker."""
        from wirebrick.state.columns import taken_slots

        for slot in taken_slots(self, block):
            key = self.key.at(slot + layout.S_KEY)
            yield key.copy(), self.value.at(slot + layout.S_KEY + self.key.size).copy()

    def items(self) -> Iterator[tuple[K, V]]:
        """Every key once, with its record: copies, in the order of the keys' fields.

        Where several workers have a key, numbers of their records are summed (the low bits that fit are
        kept), addresses are those of the first such worker.
        """
        united: dict[K, V] = {}
        with self._reading():
            for block in self.blocks:
                for key, value in self._pairs(block):
                    if key in united:
                        add_numbers(united[key], value)
                    else:
                        united[key] = value
        yield from sorted(united.items(), key=lambda pair: _fields(pair[0]))

    def rows(self, *, united: bool = True) -> Any:
        """What ``items()`` gives, as a structured NumPy array with the fields ``key`` and ``value``.

        Not ``united``, a key that several workers have has a row of each.
        """
        from wirebrick.state.columns import rows_of

        return rows_of(self, united)

    def to_dict(self) -> dict[K, V]:
        """What ``items()`` gives, as a dictionary."""
        return dict(self.items())

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    @property
    def entries(self) -> int:
        """Keys in the tables of all workers; one that several workers have counts several times."""
        return self._sum(layout.T_COUNT)

    @property
    def evicted(self) -> int:
        """Keys that made room for new ones though they weren't idle."""
        return self._sum(layout.T_EVICTED)

    @property
    def refused(self) -> int:
        """How often a full table turned away a new key."""
        return self._sum(layout.T_REFUSED)

    @property
    def untold(self) -> int:
        """Keys that gave way of which ``gone`` did not hear, as the log was full."""
        return 0 if self._gone is None else self._gone.lost

    @property
    def expired(self) -> int:
        """Idle keys that made room for new ones, or were removed by ``expire()``."""
        return self._sum(layout.T_EXPIRED)


def seed() -> int:
    """Where the random numbers of the hash start: drawn once, or ``WIREBRICK_SEED``. Raises GraphError."""
    given = os.environ.get("WIREBRICK_SEED")
    if not given:
        return _SEED
    try:
        return int(given, 0) & ((1 << 64) - 1)
    except ValueError:
        raise GraphError(
            f"WIREBRICK_SEED is {given!r}", place=caller_place(), cure="set it to a whole number, or unset it"
        ) from None


def _fields(record: Record) -> tuple[Any, ...]:
    """The values of a record's fields, to compare."""
    return tuple(getattr(record, name) for name in record.fields)


@cache
def _zeros(size: int) -> int:
    """Address of zero bytes that stay."""
    memory = ctypes.create_string_buffer(size + 8)
    _kept.append(memory)
    return ctypes.addressof(memory)


def _check_classes(Key: Any, Value: Any) -> None:
    """Raise GraphError unless both can be what they are to be."""
    for kind, given in (("key", Key), ("value", Value)):
        if not is_record(given):
            raise GraphError(
                f"the {kind} of a Table can't be {given!r}",
                place=caller_place(),
                cure="give a class derived from wirebrick.Record, or FlowKey",
            )
    if not Key.size:
        raise GraphError(
            f"{Key.__name__} has no fields, so all keys would be the same",
            place=caller_place(),
            cure="declare what tells keys apart, such as an address",
        )


def _idle_of(idle_timeout: Any) -> int:
    """Seconds as nanoseconds, at least one; None is 0. Raises GraphError."""
    if idle_timeout is None:
        return 0
    found = nanoseconds(idle_timeout)
    if found is None:
        raise GraphError(
            f"the idle_timeout of a Table can't be {idle_timeout!r}",
            place=caller_place(),
            cure="give seconds, from more than 0 to a billion, or None: entries don't expire",
        )
    return found
