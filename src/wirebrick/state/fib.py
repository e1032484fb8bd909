"""Fib: where packets go by their destination: a router's forwarding table, exchanged as a whole."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from wirebrick.addresses import IPv4Address, IPv6Address
from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import store32, store64, wrap64
from wirebrick.state import fib_native as native
from wirebrick.state.arguments import natural, whole
from wirebrick.state.base import State, worker
from wirebrick.state.lpm import MOST
from wirebrick.state.lpm_native import lpm_init, lpm_size
from wirebrick.state.lpm_routes import Key, Routes
from wirebrick.state.operation import Operation
from wirebrick.state.sharing import Sharing, Viewed, zeros
from wirebrick.state.table import seed

MOST_SLOTS = 256  # of a group


@dataclass(frozen=True)
class Hop:
    """A next hop: out of a link (its number), to a gateway or (None) to the destination itself."""

    link: int
    gateway: IPv4Address | IPv6Address | None = None
    weight: int = 1


@dataclass(frozen=True)
class Route:
    """What becomes of packets to a prefix: a kind of ``fib_native``; VIA and CONNECTED have hops."""

    key: Key
    kind: int
    hops: tuple[Hop, ...] = ()


class Fib(State):
    """Up to ``capacity`` routes with ``hops`` next hops in all, one table for all workers.

    In user functions: ``fib.lookup(address, entropy)``: a number whose upper bits (``>> KIND``) are a kind of
    ``fib_native``: VIA, CONNECTED, LOCAL, BROADCAST, BLACKHOLE, UNREACHABLE, PROHIBIT; the link is
    ``number >> LINK & 255``; NO_ROUTE (-1) where no prefix matches. ``fib.gateway(number, part)``: the upper (0)
    and lower (1) word of its gateway's address. Among several next hops ``entropy`` chooses, each by its weight.

    From outside ``show(routes)`` puts others in the place of all, at any time and in one step: each worker sees
    them from its next burst on. Raises GraphError for wrong arguments and where there is no room.

    >>> from wirebrick.state.lpm_routes import Key
    >>> gateway = IPv4Address("192.0.2.1")
    >>> fib = Fib([Route(Key(4, 8, 10 << 24), native.VIA, (Hop(2, gateway),))])
    >>> fib.allocate(workers=1)  # a run does this
    >>> number = fib.lookup(10 << 24 | 7, 0)
    >>> number >> native.KIND == native.VIA, number >> native.LINK & 255, fib.gateway(number, 1) == gateway
    (True, 2, True)
    >>> fib.show([]); fib.lookup(10 << 24 | 7, 0)
    -1
    """

    operations = {
        "lookup": Operation(native.fib_lookup, ("address", "number"), result="number", writes=False),
        "gateway": Operation(native.fib_gateway, ("natural", "natural"), result="number", writes=False),
    }
    viewed = True

    def __init__(self, routes: Iterable[Route], *, capacity: int | None = None, hops: int = 1 << 16) -> None:
        given = list(routes)
        capacity = max(1024, 2 * len(given)) if capacity is None else capacity
        self.capacity = whole("Fib", "capacity", capacity, 1, MOST, "how many routes there is room for")
        self.hops = whole("Fib", "hops", hops, 1, native.MOST_GATEWAYS, "how many next hops")
        self._changing = threading.Lock()
        self._table = _Table(given, self.capacity, self.hops)
        super().__init__(f"Fib({capacity})")

    def block_size(self) -> int:
        """Bytes of a copy."""
        return self._lpm_at() + lpm_size(self.capacity)

    def _lpm_at(self) -> int:
        return -(-(native.F_HEAD + self.hops * (16 + 8 + 4)) // 64) * 64

    def _initialise(self, block: int) -> None:
        groups = native.F_HEAD + 16 * self.hops
        slots = groups + 8 * self.hops
        places = ((native.F_GATEWAYS, native.F_HEAD), (native.F_GROUPS, groups), (native.F_SLOTS, slots))
        for at, offset in (*places, (native.F_LPM, self._lpm_at()), (native.F_RANDOM, seed())):
            store64(block + at, offset)
        for number, gateway in enumerate(self._table.gateways):
            store64(block + native.F_HEAD + 16 * number, int(gateway) >> 64)
            store64(block + native.F_HEAD + 16 * number + 8, int(gateway))
        for number, (first, count) in enumerate(self._table.groups):
            store32(block + groups + 8 * number, first)
            store32(block + groups + 8 * number + 4, count)
        for number, slot in enumerate(self._table.slots):
            store32(block + slots + 4 * number, slot)
        lpm_init(block + self._lpm_at(), self.capacity, native.NO_ROUTE)
        self._table.routes.build(block + self._lpm_at())

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def _seen(self) -> int:
        """The copy that an interpreted burst reads; outside of one the newest."""
        return self.current() if worker.in_burst else self.blocks[0]

    def lookup(self, address: int, entropy: int) -> int:
        """The number for an address (in user functions)."""
        number = natural_address(address)
        return native.fib_lookup(self._seen(), wrap64(number >> 64), wrap64(number), entropy)

    def gateway(self, number: int, part: int) -> int:
        """A word of the address of a number's gateway (in user functions)."""
        return native.fib_gateway(self._seen(), natural(number), natural(part))

    def show(self, routes: Iterable[Route]) -> None:
        """Put other routes in the place of all. Raises GraphError, StateError."""
        with self._changing:
            self._table = _Table(list(routes), self.capacity, self.hops)
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)

    def __len__(self) -> int:
        """How many routes there are."""
        return len(self._table.routes)


class _Table:
    """Routes as their block has them: gateways, groups of hops, their slots, and numbers by prefix."""

    def __init__(self, routes: list[Route], capacity: int, hops: int) -> None:
        self.gateways: dict[int, int] = {}
        self.groups: list[tuple[int, int]] = []
        self.slots: list[int] = []
        self._known: dict[tuple[int, tuple[Hop, ...]], int] = {}
        self.routes = Routes(capacity)
        self.routes.change([(route.key, self._number(route)) for route in routes], [])
        for what, count in (
            ("gateways", len(self.gateways)),
            ("groups", len(self.groups)),
            ("weights", len(self.slots)),
        ):
            if count > hops:
                raise GraphError(
                    f"a Fib with room for {hops:,} next hops can't hold {count:,} {what}",
                    place=caller_place(),
                    cure="give it more hops=",
                )

    def _number(self, route: Route) -> int:
        known = route.kind, route.hops
        if known not in self._known:
            self._known[known] = self._of(route)
        return self._known[known]

    def _of(self, route: Route) -> int:
        if not route.hops:
            return route.kind << native.KIND
        numbers = [self._hop(route.kind, hop) for hop in route.hops]
        if len(numbers) == 1:
            return numbers[0]
        first = len(self.slots)
        for number, weight in zip(numbers, _scaled([hop.weight for hop in route.hops]), strict=True):
            self.slots += [number] * weight
        self.groups.append((first, len(self.slots) - first))
        return native.GROUP << native.KIND | len(self.groups) - 1

    def _hop(self, kind: int, hop: Hop) -> int:
        if hop.gateway is None:
            kind = native.CONNECTED if kind == native.VIA else kind
            return kind << native.KIND | hop.link << native.LINK
        number = self.gateways.setdefault(int(hop.gateway), len(self.gateways))
        return kind << native.KIND | hop.link << native.LINK | number


def _scaled(weights: list[int]) -> list[int]:
    """The same weights, all in all at most MOST_SLOTS, each at least 1.

    >>> _scaled([1, 3]), sum(_scaled([1000, 3000]))
    ([1, 3], 256)
    """
    total = sum(weights)
    if total <= MOST_SLOTS:
        return weights
    return [max(1, weight * MOST_SLOTS // total) for weight in weights]


def natural_address(address: int) -> int:
    """An address as a number. Raises ValueError for what is none."""
    number = int(address)
    if not 0 <= number < 1 << 128:
        raise ValueError(f"{number} is no address")
    return number
