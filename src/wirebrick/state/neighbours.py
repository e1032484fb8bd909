"""Neighbours: IP addresses on the same link and their MAC addresses (ARP, neighbour discovery); one for all workers."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

from wirebrick.addresses import IPv4Address, IPv6Address, MacAddress
from wirebrick.fields import U32, U64
from wirebrick.packet.memory import load64, wrap64
from wirebrick.state import directory_native as directory
from wirebrick.state import neighbours_native as native
from wirebrick.state.arguments import key_at, natural, whole
from wirebrick.state.base import State, worker
from wirebrick.state.consistency import Strict
from wirebrick.state.directory import MOST
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.table import seed

NAMES = {
    native.INCOMPLETE: "incomplete",
    native.REACHABLE: "reachable",
    native.PROBE: "probed",
    native.FAILED: "failed",
}


class Neighbour(Record):
    """A neighbour: the upper and lower 64 bits of its address (IPv4: ``high`` is 0), its IP version, its link."""

    high: U64
    low: U64
    link: U32
    version: U32


class Known(NamedTuple):
    """What is known of a neighbour."""

    link: int
    address: IPv4Address | IPv6Address
    mac: MacAddress | None
    state: str


class Neighbours(State):
    """The MAC addresses of up to ``capacity`` neighbours, and when to ask them (RFC 826, RFC 4861).

    In user functions: ``neighbours.find(Neighbour(...))`` is a MAC address, or negative: ``ASK``: it isn't known,
    ask for it now; ``WAIT``: it was asked for; ``UNREACHABLE``: it doesn't answer; ``NO_ROOM``.
    ``neighbours.look(Neighbour(...))`` is a MAC address or -1, and asks for nothing.
    ``neighbours.learn(neighbour, mac, flags)``: it has said so (flags: CREATE, CONFIRM, OVERRIDE of
    ``neighbours_native``); 1 where it was waited for. ``neighbours.due()``, for an event: the number of one that
    is to be asked again, or -1, and ``neighbours.part(number, n)`` what it is: 0 and 1: words of its address, 2:
    link and version (``link | version << 32``), 3: its MAC address or -1.

    A neighbour is used for 30 seconds after it was confirmed; one that is used later is asked, up to three times
    in three seconds, and used meanwhile. One that isn't used is forgotten after ten minutes, one that doesn't
    answer is UNREACHABLE for three seconds, then asked again. ``fixed``: neighbours that stay, with MAC addresses.

    >>> neighbours = Neighbours(capacity=100)
    >>> neighbours.allocate(workers=1)  # a run does this
    >>> host = Neighbour(low=0xC0000201, link=1, version=4)
    >>> neighbours.find(host), neighbours.find(host) == native.WAIT
    (-1, True)
    >>> neighbours.learn(host, 0x02_0000_000005, native.CONFIRM), hex(neighbours.find(host))
    (1, '0x20000000005')
    >>> neighbours.known()
    [Known(link=1, address=IPv4Address('192.0.2.1'), mac=MacAddress('02:00:00:00:00:05'), state='reachable')]
    """

    operations = {
        "find": Operation(
            native.neighbours_find, ("key",), result="number", clock=True, atomic=native.neighbours_find
        ),
        "look": Operation(
            native.neighbours_look, ("key",), result="number", writes=False, atomic=native.neighbours_look
        ),
        "learn": Operation(
            native.neighbours_learn,
            ("key", "natural", "natural"),
            result="natural",
            clock=True,
            atomic=native.neighbours_learn,
        ),
        "due": Operation(native.neighbours_due, result="number", clock=True, atomic=native.neighbours_due),
        "part": Operation(
            native.neighbours_part,
            ("natural", "natural"),
            result="number",
            writes=False,
            atomic=native.neighbours_part,
        ),
    }

    def __init__(self, *, capacity: int, fixed: Iterable[tuple[Neighbour, int]] = ()) -> None:
        self.key = Neighbour
        self.capacity = whole("Neighbours", "capacity", capacity, 1, MOST, "how many there is room for")
        self._fixed = list(fixed)
        self._guard = threading.Lock()  # interpreted workers: CPython has no atomic steps
        super().__init__("Neighbours", Strict())

    def block_size(self) -> int:
        """Bytes of the block."""
        return directory.directory_size(self.capacity)

    def _initialise(self, block: int) -> None:
        directory.directory_init(block, self.capacity, 0, seed())
        for key, mac in self._fixed:
            at = key_at(self.name, Neighbour, key)
            a, b, c = (load64(at + 8 * word) for word in range(3))
            directory.directory_put(block, a, b, c, (mac | native.REACHABLE << native.STATE) - 1)

    def find(self, key: Neighbour) -> int:
        """The MAC address of a neighbour, or what to do (in user functions)."""
        with self._guard:
            return native.neighbours_find(self.current(), worker.now, key_at(self.name, Neighbour, key))

    def look(self, key: Neighbour) -> int:
        """The MAC address of a neighbour, or -1 (in user functions)."""
        return native.neighbours_look(self.current(), key_at(self.name, Neighbour, key))

    def learn(self, key: Neighbour, mac: int, flags: int) -> int:
        """A neighbour said that it has a MAC address (in user functions)."""
        at = key_at(self.name, Neighbour, key)
        with self._guard:
            return native.neighbours_learn(self.current(), worker.now, at, natural(mac), natural(flags))

    def due(self) -> int:
        """The number of one that is to be asked, or -1 (in user functions)."""
        with self._guard:
            return native.neighbours_due(self.current(), worker.now)

    def part(self, number: int, part: int) -> int:
        """What the neighbour with a number is (in user functions)."""
        return native.neighbours_part(self.current(), natural(number), natural(part))

    def known(self) -> list[Known]:
        """All that are known of now, by link and address."""
        found = []
        with self._reading():
            for block in self.blocks:
                for slot in range(load64(block + directory.D_MASK) + directory.WINDOW):
                    entry = block + directory.D_ENTRIES + slot * directory.ENTRY
                    word = load64(entry + directory.E_VALUE)
                    if word:
                        found.append((Neighbour.at(entry + directory.E_KEY).copy(), word))
        found.sort(key=lambda pair: (pair[0].link, pair[0].version, pair[0].high, pair[0].low))
        return [_known(key, word) for key, word in found]

    @property
    def refused(self) -> int:
        """How often there was no room for a new one."""
        return sum(load64(block + directory.D_REFUSED) for block in self.blocks)


def _known(key: Neighbour, word: int) -> Known:
    number = int(key.high) << 64 | int(key.low)
    address = IPv4Address(number) if key.version == 4 else IPv6Address(number)
    mac = MacAddress(word & native.MAC) if native.neighbours_known(wrap64(word)) else None
    return Known(int(key.link), address, mac, NAMES[word >> native.STATE])
