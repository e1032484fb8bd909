"""Bindings: what a NAT knows of inside endpoints, their external ones, and who they talk to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from wirebrick.addresses import IPv4Address
from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.state import bindings_layout as layout
from wirebrick.state import bindings_native as native
from wirebrick.state.arguments import whole
from wirebrick.state.base import State, worker
from wirebrick.state.bindings_ahead_native import prefetch_sessions
from wirebrick.state.bindings_records_native import mapping_at
from wirebrick.state.bindings_sessions_native import sessions_expire
from wirebrick.state.operation import Argument, Operation
from wirebrick.state.table import seed

Filtering = Literal["endpoint", "address", "port"]
FILTERINGS = ("endpoint", "address", "port")
PROTOCOLS = ("tcp", "udp", "icmp")
_SIX: tuple[Argument, ...] = ("number",) * 6
_EIGHT: tuple[Argument, ...] = ("number",) * 8


@dataclass(frozen=True)
class Timeouts:
    """Seconds after which a session ends that isn't used (RFC 4787, REQ-5; RFC 5382, REQ-5; RFC 5508, REQ-1).

    ``dns``: UDP to port 53. ``transitory``: TCP connections that are not yet established, closed or reset.
    """

    udp: float = 300.0
    dns: float = 300.0
    icmp: float = 60.0
    tcp: float = 7440.0
    transitory: float = 240.0


class Mapping(NamedTuple):
    """An inside endpoint and its external one."""

    protocol: str
    inside: str
    inside_port: int
    external: str
    external_port: int
    sessions: int
    static: bool


class Bindings(State):
    """Up to ``capacity`` sessions of a NAT (NAPT44) in each worker, and their mappings.

    ``addresses``: the external addresses, numbers. ``ports``: the first and the last one that mappings may have, an
    even and an odd number; several workers share them out, pair by pair, in turns. ``filtering``: who may send to an
    external endpoint: ``"endpoint"`` anybody, ``"address"`` hosts that the inside endpoint has sent to, ``"port"``
    only endpoints that it has sent to. ``paired``: a host keeps its external address. ``preserve``, ``parity``: the
    external port is that of the inside where it is free; even stays even and odd odd. ``limit``, ``most``: mappings
    and sessions of one inside host. ``midstream``: TCP may begin with any segment. ``news``: mappings that begin and
    end are noted, to be read with ``news`` and ``read``.

    A mapping does not depend on where packets go (RFC 4787, REQ-1) and lives as long as one of its sessions. Sessions
    end exactly after their timeout as far as packets can tell; the memory and the port are free within a second. A
    full table takes the place of the oldest of 32 sessions that nobody answered; if all were, it refuses.

    In user functions: ``leave``, ``create``, ``arrive``, ``admit``, ``external``, ``inside``, ``owns``, ``expire``;
    see ``bindings_native`` for what they take and give. From outside: ``mappings()``, ``live``, ``created`` and so on.

    Memory of a worker: 152 to 168 bytes for a session that has a mapping and a host of its own (32 and up to 16 more
    for filtering by address), and 1.5 MB for each external address whose ports are all used.

    >>> bindings = Bindings([0xCB007101], capacity=1000)
    >>> bindings.allocate(workers=1)  # a run does this
    >>> bindings.leave(1, 0x0A000001, 4000, 0xC6336401, 53, 0)  # user functions do this
    -1
    >>> external = bindings.create(1, 0x0A000001, 4000, 0xC6336401, 53, 0, 0, 0)
    >>> external >> 16 == 0xCB007101, bindings.leave(1, 0x0A000001, 4000, 0xC6336401, 53, 0) == external
    (True, True)
    >>> hex(bindings.arrive(1, 0xC6336401, 53, 0xCB007101, external & 0xFFFF, 0))
    '0xa0000010fa0'
    """

    operations = {
        "leave": Operation(native.bindings_leave, _SIX, result="number", clock=True, ahead=True),
        "arrive": Operation(native.bindings_arrive, _SIX, result="number", clock=True, ahead=True),
        "create": Operation(native.bindings_create, _EIGHT, result="number", clock=True),
        "admit": Operation(native.bindings_admit, _SIX, result="number", clock=True),
        "external": Operation(native.bindings_external, _SIX, result="number", clock=True),
        "inside": Operation(native.bindings_inside, ("number",) * 5, result="number", clock=True),
        "owns": Operation(native.bindings_owns, ("number",), result="bool", writes=False),
        "expire": Operation(sessions_expire, ("number",), result="number", clock=True),
        "news": Operation(native.bindings_news, ("number",), result="number", writes=False),
        "read": Operation(native.bindings_read),
    }

    ahead = staticmethod(prefetch_sessions)

    def __init__(
        self,
        addresses: Sequence[int],
        *,
        capacity: int,
        ports: tuple[int, int] = (1024, 65535),
        filtering: Filtering = "port",
        paired: bool = True,
        preserve: bool = False,
        parity: bool = False,
        limit: int = 65535,
        most: int = 1 << 26,
        midstream: bool = False,
        timeouts: Timeouts | None = None,
        news: bool = False,
    ) -> None:
        self.addresses = sorted(set(map(int, addresses)))
        cure = "how many sessions each worker has room for"
        self.capacity = whole("Bindings", "capacity", capacity, 1, layout.MOST, cure)
        if not self.addresses or filtering not in FILTERINGS:
            raise GraphError(
                "Bindings need an external address and a way to filter",
                place=caller_place(),
                cure=f"give one address at least, and one of {', '.join(FILTERINGS)}",
            )
        low, high = ports
        if not 0 < low < high < 65536 or low % 2 or not high % 2:
            raise GraphError(
                f"the ports of Bindings can't be {low}-{high}",
                place=caller_place(),
                cure="give an even and an odd number, as 1024-65535",
            )
        self.ports = ports
        self.timeouts = timeouts or Timeouts()
        self._news = layout.RING if news else 0
        self._settings = {
            layout.B_PAIRED: int(paired),
            layout.B_FILTER: FILTERINGS.index(filtering),
            layout.B_PRESERVE: int(preserve),
            layout.B_PARITY: int(parity),
            layout.B_LIMIT: whole("Bindings", "limit", limit, 1, 1 << 31, "mappings of a host"),
            layout.B_MOST: whole("Bindings", "most", most, 1, 1 << 31, "sessions of a host"),
            layout.B_MIDSTREAM: int(midstream),
        }
        self._workers = 1
        super().__init__(f"Bindings({len(self.addresses)} addresses)")

    def block_size(self) -> int:
        """Bytes of a worker's bindings."""
        return layout.bindings_offset(13, self.capacity, len(self.addresses), self._news)

    def allocate(self, workers: int) -> None:
        """Make the memory of a run; see ``State.allocate``."""
        self._workers = workers
        super().allocate(workers)

    def _begin(self, block: int, number: int) -> None:
        layout.bindings_init(block, self.capacity, len(self.addresses), self._news, seed() + number)
        layout.bindings_ports(block, *self.ports, number, self._workers)
        for at, value in self._settings.items():
            store64(block + at, value)
        ticks = [
            -(-round(seconds * 1e9) >> layout.TICK) + 1 for seconds in dataclasses.astuple(self.timeouts)
        ]
        for index, value in enumerate(ticks):
            store64(block + layout.B_TIMEOUT + 8 * index, value)
        at = block + load64(block + layout.B_LIST)
        for index, address in enumerate(self.addresses):
            store32(at + 4 * index, address)
        store64(block + layout.B_LOWEST, self.addresses[0])
        store64(block + layout.B_HIGHEST, self.addresses[-1])

    def _layout(self) -> dict[str, Any]:
        return {"addresses": self.addresses, "capacity": self.capacity}

    # What user functions call: see bindings_native.

    def leave(self, protocol: int, src: int, src_port: int, dst: int, dst_port: int, flags: int) -> int:
        """The external endpoint of a packet from inside that has a session."""
        block = self.changing()
        return native.bindings_leave(
            block, block + layout.B_NOTES, 0, worker.now, protocol, src, src_port, dst, dst_port, flags
        )

    def arrive(self, protocol: int, src: int, src_port: int, dst: int, dst_port: int, flags: int) -> int:
        """The inside endpoint of a packet from outside that has a session."""
        block = self.changing()
        return native.bindings_arrive(
            block, block + layout.B_NOTES, 0, worker.now, protocol, src, src_port, dst, dst_port, flags
        )

    def create(
        self,
        protocol: int,
        src: int,
        src_port: int,
        dst: int,
        dst_port: int,
        flags: int,
        static: int,
        hairpin: int,
    ) -> int:
        """Make a session for a packet from inside."""
        return native.bindings_create(
            self.changing(), worker.now, protocol, src, src_port, dst, dst_port, flags, static, hairpin
        )

    def admit(self, protocol: int, src: int, src_port: int, dst: int, dst_port: int, flags: int) -> int:
        """The inside endpoint of a packet from outside without a session."""
        return native.bindings_admit(
            self.changing(), worker.now, protocol, src, src_port, dst, dst_port, flags
        )

    def external(self, protocol: int, src: int, src_port: int, dst: int, dst_port: int, static: int) -> int:
        """The external endpoint of an inside one that an error is about."""
        return native.bindings_external(
            self.changing(), worker.now, protocol, src, src_port, dst, dst_port, static
        )

    def inside(self, protocol: int, src: int, src_port: int, dst: int, dst_port: int) -> int:
        """The inside endpoint of an external one that an error is about."""
        return native.bindings_inside(self.changing(), worker.now, protocol, src, src_port, dst, dst_port)

    def owns(self, address: int) -> bool:
        """Whether an address is an external one."""
        return bool(native.bindings_owns(self.current(), address))

    def expire(self, most: int) -> int:
        """End sessions that are over, looking at ``most`` at most; how many."""
        return sessions_expire(self.changing(), worker.now, most)

    def news(self, what: int) -> int:
        """A word of the oldest news, or -1."""
        return native.bindings_news(self.current(), what)

    def read(self) -> None:
        """The oldest news is done with."""
        native.bindings_read(self.changing())

    # From outside.

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    def _by_protocol(self, word: int) -> dict[str, int]:
        return {name: self._sum(layout.B_STATS + word + 8 * index) for index, name in enumerate(PROTOCOLS)}

    @property
    def created(self) -> dict[str, int]:
        """Mappings made, by protocol."""
        return self._by_protocol(layout.ST_CREATED)

    @property
    def live(self) -> dict[str, int]:
        """Mappings there are, by protocol."""
        return self._by_protocol(layout.ST_LIVE)

    @property
    def sessions(self) -> int:
        """Sessions there are."""
        return self._sum(layout.B_COUNT)

    @property
    def made(self) -> int:
        """Sessions made."""
        return self._sum(layout.B_STATS + layout.ST_SESSIONS)

    @property
    def peak(self) -> int:
        """Most sessions at once, of each worker, summed."""
        return self._sum(layout.B_STATS + layout.ST_PEAK)

    @property
    def evicted(self) -> int:
        """Sessions without an answer that made room for others."""
        return self._sum(layout.B_STATS + layout.ST_EVICTED)

    @property
    def lost(self) -> int:
        """News that nobody read in time."""
        return self._sum(layout.B_LOST)

    def mappings(self) -> Iterator[Mapping]:
        """Every mapping there is."""
        for block in self.blocks:
            for number in range(1, load64(block + layout.B_FREE + layout.KIND_MAPPING + 8) + 1):
                at = mapping_at(block, number)
                sessions = load32(at + layout.M_SESSIONS)
                if sessions:
                    key, external = load64(at + layout.M_KEY), load64(at + layout.M_EXTERNAL)
                    yield Mapping(
                        PROTOCOLS[key >> 8 & 255],
                        str(IPv4Address(key >> 32 & 0xFFFFFFFF)),
                        key >> 16 & 0xFFFF,
                        str(IPv4Address(external >> 16)),
                        external & 0xFFFF,
                        sessions,
                        bool(key & 1),
                    )
