"""Directory: what is where, learned from packets; one for all workers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from wirebrick.durations import nanoseconds
from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64
from wirebrick.state import directory_native as native
from wirebrick.state.arguments import key_at, key_class, natural, whole
from wirebrick.state.base import State, worker
from wirebrick.state.consistency import Strict
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.table import seed

MOST = 1 << 24
_WORDS = 3  # of a key


class Directory(State):
    """A number for up to ``capacity`` keys of class ``Key`` (at most 24 bytes), learned from packets.

    One for all workers: for what a packet in one worker tells and a packet in another needs, such as behind which
    port a MAC address is.
    User functions read it without a lock; what is new takes one, and where another worker holds it, the key
    is learned from a later packet.

    In user functions: ``directory.get(key)``: the number, or -1. ``directory.learn(key, number)``: remember it;
    the result says what came of it: ``SAME``, ``NEW``, ``MOVED`` (there was another number), ``REFUSED`` (there
    is no room) or ``FIXED`` (it has another one, that stays).

    A key that was not learned again for ``idle_timeout`` seconds of packets' time is forgotten. ``fixed``: keys
    with numbers that stay. From outside: ``items()``, ``len``, and how often what happened: ``refused``,
    ``expired``, ``moved``. Memory: 256 to 512 bytes for each key of ``capacity``; what isn't used takes none.
    Keys are hashed with random numbers. Raises GraphError for wrong arguments.

    >>> from wirebrick.fields import U64
    >>> class Station(Record):
    ...     mac: U64
    >>> where = Directory(Station, capacity=1000, idle_timeout=300.0)
    >>> where.allocate(workers=1)  # a run does this
    >>> where.learn(Station(mac=5), 2) == native.NEW, where.get(Station(mac=5)), where.get(Station(mac=6))
    (True, 2, -1)
    """

    def __init__(
        self,
        Key: type[Record],
        *,
        capacity: int,
        idle_timeout: float | None = None,
        fixed: Iterable[tuple[Record, int]] = (),
    ) -> None:
        self.key = key_class("Directory", Key)
        if Key.size > 8 * _WORDS:
            raise GraphError(
                f"the keys of a Directory have at most {8 * _WORDS} bytes, {Key.__name__} has {Key.size}",
                place=caller_place(),
                cure="leave out what doesn't tell keys apart",
            )
        self.key_size = Key.size
        self.capacity = whole("Directory", "capacity", capacity, 1, MOST, "how many keys there is room for")
        self._idle = 0 if idle_timeout is None else nanoseconds(idle_timeout) or 0
        self._fixed = list(fixed)
        self._guard = threading.Lock()  # interpreted workers: CPython has no atomic steps
        get, learn = native.directory_get, native.directory_learn
        sizes = ("key_size",)
        self.operations = {
            "get": Operation(
                get, ("key",), result="number", writes=False, clock=True, constants=sizes, atomic=get
            ),
            "learn": Operation(
                learn, ("key", "natural"), result="number", clock=True, constants=sizes, atomic=learn
            ),
        }
        super().__init__(f"Directory({Key.__name__})", Strict())

    def block_size(self) -> int:
        """Bytes of the block."""
        return native.directory_size(self.capacity)

    def _initialise(self, block: int) -> None:
        native.directory_init(block, self.capacity, self._idle, seed())
        for key, number in self._fixed:
            at = key_at(self.name, self.key, key)
            a, b, c = (native.directory_word(at, self.key_size, 8 * word) for word in range(_WORDS))
            native.directory_put(block, a, b, c, number)

    def get(self, key: Record) -> int:
        """The number of a key, or -1 (in user functions)."""
        at = key_at(self.name, self.key, key)
        with self._guard:
            return native.directory_get(self.current(), worker.now, self.key_size, at)

    def learn(self, key: Record, number: int) -> int:
        """Remember a number for a key (in user functions). Raises ValueError for a negative one."""
        at = key_at(self.name, self.key, key)
        with self._guard:
            return native.directory_learn(self.current(), worker.now, self.key_size, at, natural(number))

    def entries(self) -> Iterator[int]:
        """Addresses of the entries in use."""
        for block in self.blocks:
            for slot in range(load64(block + native.D_MASK) + native.WINDOW):
                entry = block + native.D_ENTRIES + slot * native.ENTRY
                if load64(entry + native.E_VALUE):
                    yield entry

    def items(self) -> list[tuple[Any, int, bool]]:
        """Copies of keys, their numbers, and whether they stay, in the order of the keys' fields."""
        with self._reading():
            found = [
                (
                    self.key.at(entry + native.E_KEY).copy(),
                    load64(entry + native.E_VALUE) - 1,
                    load64(entry + native.E_TIME) == native.FOREVER,
                )
                for entry in self.entries()
            ]
        return sorted(found, key=lambda item: tuple(getattr(item[0], name) for name in self.key.fields))

    def __len__(self) -> int:
        """How many keys it has."""
        return self._sum(native.D_COUNT)

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    @property
    def refused(self) -> int:
        """How often there was no room for a new key."""
        return self._sum(native.D_REFUSED)

    @property
    def expired(self) -> int:
        """Keys that were forgotten."""
        return self._sum(native.D_EXPIRED)

    @property
    def moved(self) -> int:
        """How often a key got another number."""
        return self._sum(native.D_MOVED)
