"""Table: records by key, of a size that is fixed beforehand; the state of flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from wirebrick.errors import CheckError, GraphError, caller_place
from wirebrick.packet.memory import load32, load64
from wirebrick.state import table_native as native
from wirebrick.state.base import State, add_numbers, is_record, worker
from wirebrick.state.consistency import PARTITIONED, Partitioned
from wirebrick.state.record import Record

K = TypeVar("K", bound=Record)
V = TypeVar("V", bound=Record)


class Table(State, Generic[K, V]):
    """Up to ``capacity`` records of class ``Value`` by key of class ``Key``, in each worker.

    In user functions:

    - ``table[key]``: the key's record, to read and to change. On first sight it is made, all zero. It stays
      the key's until the key is removed or makes room for another.
    - ``key in table``: whether it has one. ``del table[key]``: remove it, if it is there. ``len(table)``: how
      many keys this worker has.

    Keys are compared byte by byte. A full table never raises. A new key takes the place of one that is
    *idle*: not used by ``table[key]`` for ``idle_timeout`` seconds of packets' time. Where none of the next
    32 entries is idle, ``full`` says what happens: with ``"evict"`` the least recently used of these 32 makes
    room; with ``"refuse"``, ``table[key]`` is a record of zeros for this once, and what is written to it is
    lost. Only the need for room removes idle entries: until then they are in the table, for user functions
    and from outside.

    Each worker has a table of its own. From outside (during a run too, where a record that is just being
    written may be seen half changed): ``items()``, ``to_dict()``, ``entries``, and how many keys gave way or
    were turned away: ``expired``, ``evicted``, ``refused``. Raises GraphError for wrong arguments.

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

    def __init__(
        self,
        Key: type[K],
        Value: type[V],
        capacity: int,
        idle_timeout: float | None = None,
        full: str = "evict",
        consistency: Partitioned = PARTITIONED,
    ) -> None:
        _check_classes(Key, Value)
        if type(capacity) is not int or not 1 <= capacity <= native.MOST:
            raise GraphError(
                f"the capacity of a Table can't be {capacity!r}",
                place=caller_place(),
                cure=f"give a whole number from 1 to {native.MOST}: how many keys each worker has room for",
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
        self._idle = _nanoseconds(idle_timeout)
        super().__init__(f"Table({Key.__name__}, {Value.__name__})", consistency)

    def block_size(self) -> int:
        """Bytes of a worker's table."""
        return native.table_size(self.capacity, self.key.size, self.value.size)

    def _initialise(self, block: int) -> None:
        refuses = int(self.full == "refuse")
        native.table_init(
            block, self.capacity, self.key.size, self.value.size, self._idle, refuses, native.SEED
        )

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
        return self._view(self.value, native.table_touch(self.current(), self._at(key), worker.now))

    def __contains__(self, key: K) -> bool:
        """Whether this worker has the key; looking is not using."""
        at = self._at(key)
        return bool(self.blocks) and native.table_find(self.current(), at) != 0

    def __delitem__(self, key: K) -> None:
        """Remove the key from this worker's table, if it is there."""
        native.table_remove(self.current(), self._at(key))

    def __len__(self) -> int:
        """How many keys this worker has."""
        return load64(self.current() + native.T_COUNT) if self.blocks else 0

    def _pairs(self, block: int) -> Iterator[tuple[K, V]]:
        """Copies of the keys and records of one worker."""
        value = load64(block + native.T_VALUE)
        size = load64(block + native.T_ENTRY)
        entry = native.table_entry(block, 1)
        for _ in range(load64(block + native.T_FRESH)):
            if load32(entry + native.E_TAG):
                yield self.key.at(entry + native.E_KEY).copy(), self.value.at(entry + value).copy()
            entry += size

    def items(self) -> Iterator[tuple[K, V]]:
        """Every key once, with its record: copies. The order is arbitrary but the same in each like run.

        Where several workers have a key, numbers of their records are summed (the low bits that fit are
        kept), addresses are those of the first such worker.
        """
        if len(self.blocks) == 1:
            yield from self._pairs(self.blocks[0])
            return
        united: dict[K, V] = {}
        for block in self.blocks:
            for key, value in self._pairs(block):
                if key in united:
                    add_numbers(united[key], value)
                else:
                    united[key] = value
        yield from united.items()

    def rows(self) -> Any:
        """What ``items()`` gives, as a structured NumPy array with the fields ``key`` and ``value``."""
        from wirebrick.state.columns import rows_of

        return rows_of(self)

    def to_dict(self) -> dict[K, V]:
        """What ``items()`` gives, as a dictionary."""
        return dict(self.items())

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    @property
    def entries(self) -> int:
        """Keys in the tables of all workers; one that several workers have counts several times."""
        return self._sum(native.T_COUNT)

    @property
    def evicted(self) -> int:
        """Keys that made room for new ones though they weren't idle."""
        return self._sum(native.T_EVICTED)

    @property
    def refused(self) -> int:
        """How often a full table turned away a new key."""
        return self._sum(native.T_REFUSED)

    @property
    def expired(self) -> int:
        """Idle keys that made room for new ones."""
        return self._sum(native.T_EXPIRED)


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


def _nanoseconds(idle_timeout: Any) -> int:
    """Seconds as nanoseconds, at least one; None is 0. Raises GraphError."""
    if idle_timeout is None:
        return 0
    number = isinstance(idle_timeout, int | float) and not isinstance(idle_timeout, bool)
    if not number or not 0 < idle_timeout <= 1e9:
        raise GraphError(
            f"the idle_timeout of a Table can't be {idle_timeout!r}",
            place=caller_place(),
            cure="give seconds, from more than 0 to a billion, or None: entries don't expire",
        )
    return max(1, round(float(idle_timeout) * 1e9))
