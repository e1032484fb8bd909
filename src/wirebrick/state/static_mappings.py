"""StaticMappings: endpoints inside and outside of a NAT that belong together by configuration."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wirebrick.errors import GraphError, caller_place
from wirebrick.state import static_mappings_native as native
from wirebrick.state.base import State, worker
from wirebrick.state.operation import Operation
from wirebrick.state.sharing import Sharing, Viewed, zeros


class Static(NamedTuple):
    """An external endpoint and the inside one that it leads to; protocol ``native.ANY``: the whole addresses."""

    protocol: int
    external: int
    external_port: int
    inside: int
    inside_port: int


class StaticMappings(State):
    """Up to ``capacity`` static mappings; all workers read one table, which is exchanged as a whole (``show``).

    In user functions, ``inside(protocol, address, port)`` and ``external(protocol, address, port)`` give the other
    endpoint as one number, the address in the upper bits, the port in the lower 16, or 0; ``owns(address)`` whether
    an address is an external one. Memory: 128 to 192 bytes for each there is room for, twice.

    >>> forwards = StaticMappings([Static(0, 0xCB007101, 8080, 0x0A000005, 80)], capacity=16)
    >>> forwards.inside(0, 0xCB007101, 8080) == 0x0A000005 << 16 | 80, forwards.inside(1, 0xCB007101, 8080)
    (True, 0)
    >>> forwards.external(0, 0x0A000005, 80) & 0xFFFF, forwards.owns(0xCB007101), forwards.owns(0x0A000005)
    (8080, True, False)
    """

    operations = {
        "inside": Operation(native.static_inside, ("number",) * 3, result="number", writes=False),
        "external": Operation(native.static_external, ("number",) * 3, result="number", writes=False),
        "owns": Operation(native.static_owns, ("number",), result="bool", writes=False),
    }
    viewed = True

    def __init__(self, mappings: Iterable[Static] = (), *, capacity: int) -> None:
        self.capacity = capacity
        self._changing = threading.Lock()
        self._mappings = self._checked(mappings)
        super().__init__(f"StaticMappings({capacity})")

    def _checked(self, mappings: Iterable[Static]) -> list[Static]:
        found = list(mappings)
        if len(found) > self.capacity:
            raise GraphError(
                f"{len(found):,} static mappings don't fit {self.capacity:,}",
                place=caller_place(),
                cure="make room for more, or name fewer",
            )
        return found

    @property
    def _entries(self) -> int:
        return 3 * self.capacity

    def block_size(self) -> int:
        """Bytes of a copy."""
        return native.static_size(self._entries)

    def _initialise(self, block: int) -> None:
        native.static_init(block, self._entries)
        for one in self._mappings:
            external = one.external << 16 | one.external_port
            inside = one.inside << 16 | one.inside_port
            for about, address, port, value in (
                (native.BY_EXTERNAL, one.external, one.external_port, inside),
                (native.BY_INSIDE, one.inside, one.inside_port, external),
            ):
                native.static_put(block, native.static_key(about, one.protocol, address, port), value)
            native.static_put(block, native.static_key(native.OWNED, 0, one.external, 0), 1)

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def show(self, mappings: Iterable[Static]) -> None:
        """Put others in the place of all there are: each worker sees them from its next burst on (from outside).

        Raises GraphError where they don't fit; nothing is changed then.
        """
        with self._changing:
            self._mappings = self._checked(mappings)
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)

    def _layout(self) -> dict[str, Any]:
        return {"capacity": self.capacity}

    def __iter__(self) -> Iterator[Static]:
        """The mappings there are."""
        return iter(self._mappings)

    def __len__(self) -> int:
        """How many."""
        return len(self._mappings)

    # What user functions call. Before a run there is no block: a list is searched.

    def inside(self, protocol: int, address: int, port: int) -> int:
        """The inside endpoint of an external one, or 0."""
        if worker.in_burst and self.sharing is not None:
            return native.static_inside(self.current(), protocol, address, port)
        return self._search(native.BY_EXTERNAL, protocol, address, port)

    def external(self, protocol: int, address: int, port: int) -> int:
        """The external endpoint of an inside one, or 0."""
        if worker.in_burst and self.sharing is not None:
            return native.static_external(self.current(), protocol, address, port)
        return self._search(native.BY_INSIDE, protocol, address, port)

    def owns(self, address: int) -> bool:
        """Whether an address is an external one."""
        if worker.in_burst and self.sharing is not None:
            return bool(native.static_owns(self.current(), address))
        return any(one.external == address for one in self._mappings)

    def _search(self, about: int, protocol: int, address: int, port: int) -> int:
        for exact in (True, False):
            for one in self._mappings:
                ends = (one.external, one.external_port), (one.inside, one.inside_port)
                mine, other = ends if about == native.BY_EXTERNAL else ends[::-1]
                wanted = (protocol, address, port) if exact else (native.ANY, address, 0)
                if (one.protocol, *mine) == wanted:
                    return other[0] << 16 | (other[1] if exact else port)
        return 0
