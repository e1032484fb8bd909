"""Maglev: backends by flow, as consistent hashing chooses them; for load balancers."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from wirebrick.errors import GraphError, caller_place
from wirebrick.fields import U8, U16, U32, IPv4Address, IPv6Address, MacAddress
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.memory import copy, fill, store64, wrap64
from wirebrick.state import maglev_native as native
from wirebrick.state.arguments import key_at, natural, whole
from wirebrick.state.base import State
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.sharing import Sharing, Viewed, zeros

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_BACKENDS = 1 << 20
MOST_SERVICES = 1 << 12
MOST_PLACES = 1 << 24  # of a look-up table
MOST_WEIGHT = 1 << 16
_RANDOM_WORDS = 11

R = TypeVar("R", bound=Record)
Place = tuple[int, int, int]  # address, protocol (0: all), port (0: all)


class Service(Record):
    """What user functions see of a service: its address, its port (0: several), and ``sticky``: by client alone."""

    address: IPv6Address
    port: U16
    sticky: U8


class Backend(Record):
    """What user functions see of a backend.

    ``address``: an IPv4 address is a number below 2**32. ``hop``: whose MAC address is to be asked for, or 0; ``mac``:
    that MAC address, 0 where it isn't known.
    ``generation``: 0 where it is down or gone, else a number that no other backend has. ``service``: the number of
    its service. ``next``: one more than the number of the next backend that answers from the same place, or 0.
    ``port``: 0 where the packet's stays. ``way``, ``egress``: as the network function means them. ``accepts``: 1 where
    it takes new connections.
    """

    address: IPv6Address
    hop: IPv6Address
    mac: MacAddress
    generation: U32
    service: U32
    next: U32
    port: U16
    way: U8
    egress: U8
    accepts: U8


class Own(Record):
    """The balancer's own addresses and MAC address, and the largest IP packet that it sends."""

    address6: IPv6Address
    mac: MacAddress
    address4: IPv4Address
    mtu: U32


@dataclass(frozen=True)
class Balance:
    """What a Maglev object has, all of which becomes visible at once.

    ``services``, and by the number of each its look-up ``tables``; ``places``: services by address, protocol and port;
    ``owned``: the addresses that are the balancer's; ``backends`` by number; ``origins``: by the place a backend
    answers from, the number of the first that does; ``seed``: balancers with the same one choose alike.
    """

    services: Sequence[Service] = ()
    tables: Sequence[NDArray[np.uint32]] = ()
    places: Mapping[Place, int] = field(default_factory=dict)
    owned: Iterable[int] = ()
    backends: Mapping[int, Backend] = field(default_factory=dict)
    origins: Mapping[Place, int] = field(default_factory=dict)
    own: Own = field(default_factory=Own)
    seed: int = 0


class Maglev(State):
    """Services, their backends, and the look-up tables that choose one by flow: one copy for all workers.

    ``services``, ``backends``, ``places``: how many there is room for (``places``: addresses and ports together, of
    services and of where backends answer from). ``size``: places of a look-up table, a prime number.

    In user functions, all of which only read: ``service(address, protocol, port)``, the number of a service, or -1;
    ``origin(address, protocol, port)``, that of the first backend that answers from there, or -1; ``owns(address)``;
    ``choose(service, flow)``, the number of the backend for a FlowKey, or -1; and the records ``record(service)``,
    ``backend(number)``, ``own()``. IPv4 addresses are numbers below 2**32.

    From outside ``show(balance)``, also while a run goes on: each worker sees all of it from its next burst on.
    Raises GraphError for wrong arguments, and where there is no room.

    >>> one = Backend(address=IPv4Address("192.0.2.11"), generation=1)
    >>> vip = int(IPv4Address("192.0.2.100"))
    >>> table = populate(7, [("one", 1, 0)])
    >>> maglev = Maglev(services=1, backends=1, places=4, size=7)
    >>> maglev.show(Balance([Service(address=vip)], [table], {(vip, 6, 80): 0}, [vip], {0: one}))
    >>> maglev.allocate(workers=1)  # a run does this
    >>> maglev.service(vip, 6, 80), maglev.service(vip, 6, 81), maglev.owns(vip)
    (0, -1, True)
    >>> number = maglev.choose(0, FlowKey(version=4, src=1, dst=vip, dst_port=80, protocol=6))
    >>> IPv4Address(maglev.backend(number).address)
    IPv4Address('192.0.2.11')
    """

    operations = {
        "service": Operation(
            native.maglev_service, ("address", "natural", "natural"), result="number", writes=False
        ),
        "origin": Operation(
            native.maglev_origin, ("address", "natural", "natural"), result="number", writes=False
        ),
        "owns": Operation(native.maglev_owns, ("address",), result="bool", writes=False),
        "choose": Operation(native.maglev_choose, ("natural", "key"), result="number", writes=False),
        "record": Operation(
            native.maglev_record, ("natural",), result="record", writes=False, record=Service
        ),
        "backend": Operation(
            native.maglev_backend, ("natural",), result="record", writes=False, record=Backend
        ),
        "own": Operation(native.maglev_own, result="record", writes=False, record=Own),
    }
    viewed = True
    key = FlowKey

    def __init__(self, *, services: int, backends: int, places: int, size: int) -> None:
        cure = "how many there is room for"
        self.services = whole("Maglev", "services", services, 1, MOST_SERVICES, cure)
        self.backends = whole("Maglev", "backends", backends, 1, MOST_BACKENDS, cure)
        self.places = whole("Maglev", "places", places, 1, MOST_BACKENDS, cure)
        self.size = whole("Maglev", "size", size, 2, MOST_PLACES, "a prime number, such as 65537")
        if not is_prime(size):
            raise GraphError(
                f"a Maglev table can't have {size} places: that is no prime number",
                place=caller_place(),
                cure=f"the next one is {next_prime(size)}",
            )
        self._balance = Balance()
        self._changing = threading.Lock()
        super().__init__(f"Maglev({size})")

    @property
    def _slots(self) -> int:
        """Places of a hash table: so many that look-ups that find nothing end soon."""
        return 1 << (4 * self.places - 1).bit_length()

    def _offsets(self) -> tuple[int, int, int, int, int, int]:
        """Where the parts of a block begin, and its end: services' hash table, origins', records, backends, tables."""
        sizes = (
            self._slots * native.ENTRY,
            self._slots * native.ENTRY,
            (self.services + 1) * native.SERVICE,
            (self.backends + 1) * native.BACKEND,
            self.services * self.size * 4,
        )
        at = [native.M_END]
        for size in sizes:
            at.append(-(-(at[-1] + size) // 64) * 64)
        return tuple(at)  # type: ignore[return-value]

    def block_size(self) -> int:
        """Bytes of a copy."""
        return self._offsets()[-1]

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    saveable = False

    def show(self, balance: Balance) -> None:
        """Have workers see this from their next burst on (from outside).

        Raises GraphError where there is no room for it, and StateError where a worker keeps the second copy for
        seconds: nothing is changed then.
        """
        for what, there, room in (
            ("services", len(balance.services), self.services),
            ("backends", max(balance.backends, default=-1) + 1, self.backends),
            ("addresses and ports", len(balance.places) + len(set(balance.owned)), self.places),
            ("addresses and ports of backends", len(balance.origins), self.places),
        ):
            if there > room:
                raise GraphError(f"{self.name} has room for {room} {what}, not for {there}")
        with self._changing:
            before, self._balance = self._balance, balance
            try:
                if isinstance(self.sharing, Viewed):
                    self.sharing.show(self.name, self._initialise)
            except BaseException:
                self._balance = before
                raise

    def _initialise(self, block: int) -> None:
        """Write all of it. The block may have been another balance's."""
        balance = self._balance
        services, origins, records, backends, tables, _ = self._offsets()
        fill(block, 0, records)
        fill(block + records, 0, tables - records)
        for word, value in (
            (native.M_WILD, _wild(balance.places) | _wild(balance.origins) << native.WILD_ORIGIN),
            (native.M_MASK, self._slots - 1),
            (native.M_SERVICES, services),
            (native.M_ORIGINS, origins),
            (native.M_SERVICE, records),
            (native.M_BACKEND, backends),
            (native.M_TABLE, tables),
            (native.M_SIZE, self.size),
            (native.M_BACKENDS, self.backends),
            (native.M_ROOM, self.services),
            *_random(balance.seed),
        ):
            store64(block + word, value)
        _put(block + native.M_OWN, balance.own)
        for number, service in enumerate(balance.services):
            _put(block + records + number * native.SERVICE, service)
        for number, backend in balance.backends.items():
            _put(block + backends + number * native.BACKEND, backend)
        for number, table in enumerate(balance.tables):
            copy(block + tables + number * self.size * 4, int(table.ctypes.data), self.size * 4)
        for address in set(balance.owned):
            _enter(block, services, address, native.OWNED, 1)
        for part, entries in ((services, balance.places), (origins, balance.origins)):
            for (address, protocol, port), number in entries.items():
                _enter(block, part, address, protocol << 16 | port, number)

    def _layout(self) -> dict[str, Any]:
        return {}

    def service(self, address: int, protocol: int, port: int) -> int:
        """The number of the service at an address and port, or -1 (in user functions)."""
        return native.maglev_service(self.current(), *_words(address), natural(protocol), natural(port))

    def origin(self, address: int, protocol: int, port: int) -> int:
        """The number of the first backend that answers from there, or -1 (in user functions)."""
        return native.maglev_origin(self.current(), *_words(address), natural(protocol), natural(port))

    def owns(self, address: int) -> bool:
        """Whether an address is the balancer's (in user functions)."""
        return bool(native.maglev_owns(self.current(), *_words(address)))

    def choose(self, service: int, flow: FlowKey) -> int:
        """The number of the backend for a new flow of a service, or -1 (in user functions)."""
        return native.maglev_choose(self.current(), natural(service), key_at(self.name, FlowKey, flow))

    def record(self, service: int) -> Service:
        """A service (in user functions)."""
        return self._read(Service, native.maglev_record(self.current(), natural(service)))

    def backend(self, number: int) -> Backend:
        """A backend (in user functions)."""
        return self._read(Backend, native.maglev_backend(self.current(), natural(number)))

    def own(self) -> Own:
        """The balancer's own addresses (in user functions)."""
        return self._read(Own, native.maglev_own(self.current()))

    def _read(self, record: type[R], address: int) -> R:
        view = self._view(record, address)
        view.__dict__["_read_only"] = True
        return view


def populate(size: int, backends: Iterable[tuple[str, int, int]], seed: int = 0) -> NDArray[np.uint32]:
    """The look-up table of backends, each a name, a weight and a number: numbers by place.

    It depends on names, weights, size and seed alone, not on the order in which backends are given; names must differ.
    A backend of weight 0 has no place. Without any the table has ``maglev_native.NONE`` everywhere.

    >>> [int(number) for number in populate(7, [("a", 2, 10), ("b", 1, 11)])]
    [11, 11, 10, 10, 10, 10, 10]
    """
    import numpy as np

    table = np.empty(size, np.uint32)
    chosen = sorted(backend for backend in backends if backend[1] > 0)
    key = seed.to_bytes(8, "little")
    rows = np.zeros((len(chosen), native.ROW // 8), np.int64)
    for row, (name, weight, number) in zip(rows, chosen, strict=True):
        digest = hashlib.blake2b(name.encode(), digest_size=16, key=key).digest()
        row[0] = int.from_bytes(digest[:8], "little") % size
        row[1] = int.from_bytes(digest[8:], "little") % (size - 1) + 1
        row[2], row[4] = weight, number
    heaviest = max((weight for _, weight, _ in chosen), default=0)
    fill_in = compiled(native.__name__, "maglev_populate", 5)
    fill_in(int(table.ctypes.data), size, int(rows.ctypes.data), len(rows), heaviest)
    return table


def is_prime(number: int) -> bool:
    """Whether a number is prime.

    >>> [number for number in range(12) if is_prime(number)], is_prime(65537), is_prime(655373)
    ([2, 3, 5, 7, 11], True, True)
    """
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def next_prime(number: int) -> int:
    """The smallest prime number from ``number`` on.

    >>> next_prime(65536)
    65537
    """
    return next(candidate for candidate in range(number, 2 * number + 3) if is_prime(candidate))


def _wild(places: Mapping[Place, int]) -> int:
    """Which wildcards keys have."""
    ports = any(port == 0 and protocol != 0 for _, protocol, port in places)
    return ports * native.WILD_PORT | any(p == 0 for _, p, _ in places) * native.WILD_PROTOCOL


def _random(seed: int) -> list[tuple[int, int]]:
    """The random words of a seed, with their offsets."""
    name = b"flows" + seed.to_bytes(8, "little")
    drawn = hashlib.shake_128(name).digest(8 * _RANDOM_WORDS)
    words = [int.from_bytes(drawn[at : at + 8], "little") for at in range(0, len(drawn), 8)]
    return [(native.M_RANDOM + 8 * number, wrap64(word)) for number, word in enumerate(words)]


def _words(address: int) -> tuple[int, int]:
    return wrap64(int(address) >> 64), wrap64(int(address))


def _put(at: int, record: Record) -> None:
    raw = bytes(record)
    ctypes.memmove(at, raw, len(raw))


def _enter(block: int, table: int, address: int, kind: int, number: int) -> None:
    key = (ctypes.c_int64 * 3)(*_words(address), kind)
    native.maglev_enter(block, table, ctypes.addressof(key), number)
