"""Routes: the prefixes of a LongestPrefixMatch as they were given, and how its memory is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from wirebrick.addresses import IPv4Address, IPv4Network, IPv6Address, IPv6Network, Network
from wirebrick.errors import GraphError, caller_place
from wirebrick.state.lpm_native import PREFIX
from wirebrick.state.natives import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS = {4: 32, 6: 128}
_KINDS: dict[int, type[Network]] = {4: IPv4Network, 6: IPv6Network}
_TURN = 1 << 63

Table = dict[int, dict[int, int]]  # by length, by first address: the number


class Key(NamedTuple):
    """A prefix: IP version, length in bits, first address."""

    version: int
    length: int
    start: int

    @property
    def network(self) -> Network:
        """As users write it."""
        address = IPv4Address(self.start) if self.version == 4 else IPv6Address(self.start)
        return _KINDS[self.version](f"{address}/{self.length}")


class Routes:
    """Up to ``capacity`` prefixes with numbers.

    >>> routes = Routes(10)
    >>> routes.change([(Key(4, 8, 10 << 24), 5)], [])
    >>> routes.lookup(10 << 24 | 1, -1), routes.lookup(11 << 24, -1)
    (5, -1)
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._tables: dict[int, Table] = {4: {}, 6: {}}

    def __len__(self) -> int:
        return sum(len(starts) for table in self._tables.values() for starts in table.values())

    def items(self) -> list[tuple[Network, int]]:
        """Prefixes and numbers, IPv4 first, in order of address and length."""
        found: list[tuple[Network, int]] = []
        for version, table in self._tables.items():
            rows = [(s, length, n) for length, starts in table.items() for s, n in starts.items()]
            for start, length, number in sorted(rows):
                found.append((Key(version, length, start).network, number))
        return found

    def lookup(self, number: int, default: int) -> int:
        """The number of the longest prefix that holds an address."""
        version = 4 if number < 1 << 32 else 6
        bits = _BITS[version]
        for length in sorted(self._tables[version], reverse=True):
            found = self._tables[version][length].get(number >> (bits - length) << (bits - length))
            if found is not None:
                return found
        return default

    def change(self, add: list[tuple[Key, int]], remove: list[Key]) -> None:
        """Remove, then add. Raises GraphError where something isn't there, or there is no room: nothing is changed."""
        gone = set()
        for key in remove:
            if key not in self or key in gone:
                raise GraphError(
                    f"{key.network} is not in the LongestPrefixMatch",
                    place=caller_place(),
                    cure="remove what is in it: its items() say what",
                )
            gone.add(key)
        new = {key for key, _ in add if key not in self or key in gone}
        if len(self) - len(gone) + len(new) > self._capacity:
            raise self._full()
        for key in remove:
            starts = self._tables[key.version][key.length]
            del starts[key.start]
            if not starts:
                del self._tables[key.version][key.length]
        for key, number in add:
            self._tables[key.version].setdefault(key.length, {})[key.start] = number

    def replace(self, tables: Mapping[int, Mapping[int, Mapping[int, int]]], largest: int) -> None:
        """Put other tables in the place of all. Raises GraphError; numbers are at most ``largest``."""
        for version, table in tables.items():
            for length, starts in table.items():
                bits = _BITS.get(version, -1)
                if not 0 <= length <= bits:
                    raise GraphError(f"IPv{version} has no prefixes of {length} bits", place=caller_place())
                behind = (1 << (bits - length)) - 1
                reserved = 1 << 32 if version == 6 and length >= 96 else 0
                for start, number in starts.items():
                    if start & behind or not reserved <= start < 1 << bits or not 0 <= number <= largest:
                        raise GraphError(
                            f"{start:#x}/{length} of IPv{version} with number {number} can't be looked up",
                            place=caller_place(),
                            cure=f"give first addresses of prefixes, and numbers from 0 to {largest}",
                        )
        count = sum(len(starts) for table in tables.values() for starts in table.values())
        if count > self._capacity:
            raise self._full()
        self._tables = {
            version: {length: dict(starts) for length, starts in tables.get(version, {}).items() if starts}
            for version in _BITS
        }

    def _full(self) -> GraphError:
        return GraphError(
            f"the LongestPrefixMatch has room for {self._capacity} prefixes",
            place=caller_place(),
            cure="give it a larger capacity=",
        )

    def build(self, block: int) -> None:
        """Make the ranges and indexes of a block that is laid out."""
        for version, table in self._tables.items():
            rows = _rows(version, table)
            build = compiled("wirebrick.state.lpm_native", "lpm_build", 4)
            build(block, version, int(rows.ctypes.data), len(rows))

    def __contains__(self, key: Key) -> bool:
        return key.start in self._tables[key.version].get(key.length, ())


def _rows(version: int, table: Table) -> NDArray[Any]:
    """The prefixes as ``lpm_build`` takes them: words of first and last address, upper bits turned over, number."""
    import numpy as np

    parts = [np.empty((0, PREFIX // 8 + 1), np.uint64)]
    for length, starts in table.items():
        rows = np.zeros((len(starts), PREFIX // 8 + 1), np.uint64)
        span = (1 << (_BITS[version] - length)) - 1
        mask = (1 << 64) - 1
        if version == 4:
            rows[:, 1] = np.fromiter(starts, np.uint64, len(starts))
        else:
            rows[:, 0] = np.fromiter((start >> 64 for start in starts), np.uint64, len(starts))
            rows[:, 1] = np.fromiter((start & mask for start in starts), np.uint64, len(starts))
        rows[:, 2] = rows[:, 0] | np.uint64(span >> 64)
        rows[:, 3] = rows[:, 1] | np.uint64(span & mask)
        rows[:, 4] = np.fromiter(starts.values(), np.uint64, len(starts))
        rows[:, 5] = length
        parts.append(rows)
    rows = np.concatenate(parts)
    rows = rows[np.lexsort((rows[:, 5], rows[:, 1], rows[:, 0]))]
    rows[:, :4] ^= np.uint64(_TURN)
    return np.ascontiguousarray(rows[:, : PREFIX // 8])
