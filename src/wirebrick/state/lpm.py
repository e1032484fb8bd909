"""LongestPrefixMatch: numbers by IPv4 and IPv6 prefix, as in a routing table."""

from __future__ import annotations

import ipaddress
import json
import operator
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from wirebrick.addresses import IPv4Network, IPv6Network, Network
from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import wrap64
from wirebrick.state import lpm_native as native
from wirebrick.state.base import State, worker
from wirebrick.state.lpm_routes import Key, Routes
from wirebrick.state.operation import Operation
from wirebrick.state.saved import Part, Saved
from wirebrick.state.sharing import Sharing, Viewed, zeros

LARGEST = native.NONE - 1
MOST = 1 << 27  # prefixes: an index word holds the number of a range

Prefix = str | Network | ipaddress.IPv4Network | ipaddress.IPv6Network
_LOOKUP = Operation(native.lpm_lookup, ("address",), result="number", writes=False)


class LongestPrefixMatch(State):
    """Numbers, 0 to 4,294,967,294, by prefix: of those that hold an address, the longest counts.

    ``routes``: a mapping or pairs of prefix and number, both IP versions together. ``capacity``: prefixes
    there is room for (as a rule twice as many as there are, at least 1,024). ``default``: the number where
    none matches.

    In user functions: ``table.lookup(address)`` or ``table[address]``, which can't fail. Numbers below 2**32
    are IPv4 addresses, all others IPv6 addresses, so an address of a FlowKey can be looked up too. (What
    RFC 4291 reserves, ``::/96``, can't be looked up as IPv6.)

    All workers read one table. It is changed from outside, at any time: ``add``, ``remove``, and ``update``
    for many. A change becomes visible as a whole: each worker sees it from its next burst on, and all packets
    of a burst see the same table. Each change makes the table anew, in a second copy: of a million prefixes
    this takes about half a second of the caller's time, and none of the workers'.

    Memory: 1 MB and, for each prefix, 16 bytes (IPv4) or 48 bytes (IPv6); twice, for the copy.

    Raises GraphError for wrong arguments, prefixes that are no prefixes, and where there is no room.

    >>> table = LongestPrefixMatch({"10.0.0.0/8": 1, "10.1.0.0/16": 2, "2001:db8::/32": 3})
    >>> table.lookup("10.1.2.3"), table.lookup("10.2.0.1"), table.lookup("2001:db8::1"), table.lookup("192.0.2.1")
    (2, 1, 3, -1)
    >>> table.add("192.0.2.0/24", 7); table.remove("10.0.0.0/8")
    >>> table["192.0.2.1"], table["10.2.0.1"], len(table)
    (7, -1, 3)
    """

    operations = {"lookup": _LOOKUP, "__getitem__": _LOOKUP}
    viewed = True

    def __init__(
        self,
        routes: Mapping[Any, int] | Iterable[tuple[Any, int]] = (),
        *,
        capacity: int | None = None,
        default: int = -1,
    ) -> None:
        if type(default) is not int or not -(1 << 63) <= default < 1 << 63:
            raise GraphError(
                f"the default of a LongestPrefixMatch can't be {default!r}",
                place=caller_place(),
                cure="give a whole number that fits 64 bits, such as -1",
            )
        given = list(_pairs(routes))
        if capacity is None:
            capacity = max(1024, 2 * len(given))
        if type(capacity) is not int or not 1 <= capacity <= MOST:
            raise GraphError(
                f"the capacity of a LongestPrefixMatch can't be {capacity!r}",
                place=caller_place(),
                cure=f"give a whole number from 1 to {MOST}: how many prefixes there is room for",
            )
        self.capacity = capacity
        self.default = default
        self._changing = threading.Lock()
        self._routes = Routes(capacity)
        self._routes.change(given, [])
        super().__init__(f"LongestPrefixMatch({capacity})")

    def block_size(self) -> int:
        """Bytes of a copy."""
        return native.lpm_size(self.capacity)

    def _initialise(self, block: int) -> None:
        native.lpm_init(block, self.capacity, self.default)
        self._routes.build(block)

    saveable = True

    def _layout(self) -> dict[str, Any]:
        return {}

    def _contents(self) -> list[Part]:
        text = json.dumps([[str(network), number] for network, number in self.items()]).encode()
        return [Part(len(text), [(0, text)])]

    def _take(self, saved: Saved) -> None:
        routes = json.loads(saved.blocks[0].bytes())
        self.update(routes, remove=[prefix for prefix, _ in self.items()])

    def restore(self, path: str | Path, *, missing_ok: bool = False) -> bool:
        """Put what ``save`` wrote in the place of all prefixes there are, at once, at any time.

        The capacity may be another than that of the object that was saved. Raises GraphError where there is
        no room, else as ``State.restore``.
        """
        return super().restore(path, missing_ok=missing_ok)

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def lookup(self, address: int | str) -> int:
        """The number of the longest prefix that holds the address, or the default.

        Raises ValueError for what is no address.
        """
        number = _number(address)
        if not worker.in_burst or self.sharing is None:
            return self._routes.lookup(number, self.default)
        return native.lpm_lookup(self.current(), wrap64(number >> 64), wrap64(number))

    __getitem__ = lookup

    def __iter__(self) -> Iterator[Network]:
        """The prefixes, IPv4 first, in order of address and length."""
        return iter(network for network, _ in self.items())

    def items(self) -> list[tuple[Network, int]]:
        """Prefixes and their numbers, IPv4 first, in order of address and length."""
        return self._routes.items()

    def __len__(self) -> int:
        """How many prefixes there are."""
        return len(self._routes)

    def add(self, prefix: Prefix, number: int) -> None:
        """Give a prefix a number, or another one (from outside). Raises GraphError, StateError as ``update``."""
        self.update({prefix: number})

    def remove(self, prefix: Prefix) -> None:
        """Remove a prefix (from outside). Raises GraphError where it isn't there; else as ``update``."""
        self.update({}, remove=[prefix])

    def update(
        self, routes: Mapping[Any, int] | Iterable[tuple[Any, int]], *, remove: Iterable[Prefix] = ()
    ) -> None:
        """Remove prefixes, then give others their numbers, in one step (from outside).

        Raises GraphError for what is no prefix or isn't there, and where there is no room: nothing is changed
        then. Raises StateError where a worker keeps the second copy for seconds: it is changed at the next
        update.
        """
        with self._changing:
            self._routes.change(list(_pairs(routes)), [_key(prefix) for prefix in remove])
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)

    def replace(self, tables: Mapping[int, Mapping[int, Mapping[int, int]]]) -> None:
        """Put other prefixes in the place of all, in one step (from outside): the fast way for very many.

        ``tables``: by IP version, by length, by first address (all integers): the number. Raises GraphError for
        what is no prefix or no number, and where there is no room: nothing is changed then. Raises StateError as
        ``update``.

        >>> table = LongestPrefixMatch({"192.0.2.0/24": 1})
        >>> table.replace({4: {8: {10 << 24: 5}}, 6: {}})
        >>> table.items()
        [(IPv4Network('10.0.0.0/8'), 5)]
        """
        with self._changing:
            self._routes.replace(tables, LARGEST)
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)


def _number(address: int | str) -> int:
    """An address as a number. Raises ValueError."""
    if isinstance(address, str):
        return int(ipaddress.ip_address(address))
    number = operator.index(address)
    if not 0 <= number < 1 << 128:
        raise ValueError(f"{number} is no address")
    return number


def _pairs(
    routes: Mapping[Any, int] | Iterable[tuple[Any, int]],
) -> Iterator[tuple[Key, int]]:
    """Prefixes with their numbers. Raises GraphError."""
    for prefix, number in routes.items() if isinstance(routes, Mapping) else routes:
        key = _key(prefix)
        if type(number) is not int or not 0 <= number <= LARGEST:
            raise GraphError(
                f"the number of {prefix} can't be {number!r}",
                place=caller_place(),
                cure=f"give a whole number from 0 to {LARGEST}: an index into an Array, say",
            )
        yield key, number


def _key(prefix: Any) -> Key:
    """A prefix in any of its forms. Raises GraphError."""
    network = prefix
    if not isinstance(prefix, Network):
        try:
            text = str(prefix)
            network = IPv6Network(text) if ":" in text else IPv4Network(text)
        except ValueError as error:
            raise GraphError(
                f"{prefix!r} is no prefix: {error}",
                place=caller_place(),
                cure='write it as "10.0.0.0/8" or "2001:db8::/32"',
            ) from None
    key = Key(4 if isinstance(network, IPv4Network) else 6, network.length, int(network.address))
    if key.version == 6 and key.length >= 96 and key.start >> 32 == 0:
        raise GraphError(
            f"{network} lies in ::/96, where addresses can't be told from IPv4",
            place=caller_place(),
            cure="leave it away: RFC 4291 gives these addresses to nobody",
        )
    return key
