"""Connections: who talks with whom, and whether a packet belongs to that. The state of stateful firewalls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wirebrick.addresses import IPv4Address, IPv6Address
from wirebrick.durations import nanoseconds
from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.memory import load8, load16, load32, load64, store64
from wirebrick.state import connections_layout as layout
from wirebrick.state.arguments import key_at, natural, octets, whole
from wirebrick.state.base import State, worker
from wirebrick.state.connections_ahead_native import prefetch_connections
from wirebrick.state.connections_known_native import connection_known
from wirebrick.state.connections_native import connection_expire, connection_open, connection_track
from wirebrick.state.consistency import PARTITIONED, Consistency
from wirebrick.state.operation import Operation
from wirebrick.state.table import seed
from wirebrick.state.table_layout import MOST, S_KEY, T_COUNT, T_EXPIRED
from wirebrick.state.table_native import table_slot
from wirebrick.state.table_sweep_native import table_next

STATES: dict[str, tuple[int, ...]] = {
    "tcp_opening": (layout.SYN, layout.SYN_ACK),
    "tcp_established": (layout.ESTABLISHED,),
    "tcp_closing": (layout.CLOSING, layout.TIME_WAIT),
    "tcp_reset": (layout.RESET,),
    "udp_one_way": (layout.ONE_WAY,),
    "udp_two_ways": (layout.TWO_WAY,),
    "icmp_query": (layout.QUERY,),
    "other_ip": (layout.OTHER_ONE_WAY, layout.OTHER),
}
TIMEOUTS = {  # seconds
    "tcp_opening": 240.0,
    "tcp_established": 7440.0,
    "tcp_closing": 240.0,
    "tcp_reset": 10.0,
    "udp_one_way": 120.0,
    "udp_two_ways": 300.0,
    "icmp_query": 60.0,
    "other_ip": 600.0,
}
LONGEST = layout.LONGEST << layout.TIME_SHIFT  # nanoseconds


@dataclass(frozen=True)
class Connection:
    """A connection; ``src`` began it. ``state``: one of ``STATE_NAMES`` of ``connections_layout``."""

    protocol: int
    src: IPv4Address | IPv6Address
    src_port: int
    dst: IPv4Address | IPv6Address
    dst_port: int
    state: str
    half_open: bool


class Connections(State):
    """Up to ``capacity`` connections, of which at most ``half_open`` (a quarter) are half-open, in each worker.

    In user functions:

    - ``connections.track(packet.flow(), payload, claimed, more)``: what becomes of a packet, a number of
      ``connections_layout``. ``PASS``: it belongs to a connection, or is an ICMP error related to one.
      ``NEW``: it may begin one. ``UNTRACKED``: it can't have one (ICMP messages that are no queries). Else it
      is ``INVALID``, ``OUT_OF_WINDOW`` or ``UNRELATED``. ``payload``: what is behind its IP header;
      ``claimed``: how many bytes the IP header says that is; ``more``: 1 if fragments follow. Fragments
      behind the first can't be tracked.
    - ``connections.open()``: enter the connection of the packet that was NEW just now: whether there is room.
    - ``connections.expire(most=64)``: forget those that have expired, looking at ``most`` slots; how many.

    TCP, UDP and SCTP are told apart by addresses and ports, ICMP queries by addresses and identifier, other
    protocols by addresses. TCP segments must fit the windows of both ends; ``loose``: a connection whose SYN
    wasn't seen is taken up with an ACK, and its windows aren't looked at.

    ``timeouts``: seconds without a packet until a connection expires, by name, where they are others than in
    ``TIMEOUTS``.

    **Room.** A connection that is established is only forgotten when it has expired. A half-open one gives
    way to new ones when ``half_open`` newer ones have begun, or when the table is full. What finds no room is
    refused. From outside: ``entries``, ``items()``, and how many were ``opened``, ``expired``, ``pushed``
    (half-open, and gave way), ``refused``.

    Memory of a worker: 64 bytes for each slot, as a Table has them, and 32 more where its connection is one over
    IPv6; 8 bytes for each half-open one. Raises GraphError for wrong arguments.

    >>> connections = Connections(capacity=1000)
    >>> connections.allocate(workers=1)  # a run does this
    >>> from wirebrick.packet.octets import Octets
    >>> import ctypes
    >>> udp = ctypes.create_string_buffer(bytes.fromhex("04d2 0035 0008 0000"), 8)
    >>> payload = Octets(ctypes.addressof(udp), 8)
    >>> key = FlowKey(version=4, src=1, dst=2, src_port=1234, dst_port=53, protocol=17)
    >>> connections.track(key, payload, 8, 0) == layout.NEW, connections.open()  # user functions do this
    (True, True)
    >>> connections.track(key, payload, 8, 0) == layout.PASS, connections.entries
    (True, 1)
    """

    operations = {
        "known": Operation(
            connection_known,
            ("number", "number", "number", "bytes", "natural"),
            result="bool",
            clock=True,
            ahead=True,
        ),
        "track": Operation(
            connection_track,
            ("key", "bytes", "natural", "natural"),
            result="natural",
            clock=True,
            ahead=True,
        ),
        "open": Operation(connection_open, result="bool", clock=True),
        "expire": Operation(connection_expire, ("natural",), (64,), result="natural", clock=True),
    }
    ahead = staticmethod(prefetch_connections)
    key = FlowKey

    def __init__(
        self,
        *,
        capacity: int,
        half_open: int | None = None,
        timeouts: Mapping[str, float] | None = None,
        loose: bool = False,
        consistency: Consistency = PARTITIONED,
    ) -> None:
        self.capacity = whole("Connections", "capacity", capacity, 1, MOST, "how many there is room for")
        quarter = max(1, capacity // 4)
        self.half_open = whole(
            "Connections",
            "half_open",
            quarter if half_open is None else half_open,
            1,
            capacity,
            "how many may be half-open",
        )
        self.loose = loose
        self._times = _times({**TIMEOUTS, **(timeouts or {})})
        super().__init__(f"Connections({capacity})", consistency)

    @property
    def slots(self) -> int:
        """Places that ``expire`` may have to look at."""
        return layout.connections_slots(self.capacity)

    def block_size(self) -> int:
        """Bytes of a worker's connections."""
        return layout.connections_size(self.capacity, self.half_open)

    def _initialise(self, block: int) -> None:
        layout.connections_init(block, self.capacity, self.half_open, int(self.loose), seed())
        for name, states in STATES.items():
            for state in states:
                store64(block + layout.C_TIMES + 8 * state, self._times[name])

    def _layout(self) -> dict[str, Any]:
        return {
            "capacity": self.capacity,
            "half_open": self.half_open,
            "loose": self.loose,
            "times": self._times,
        }

    def known(self, src: int, dst: int, protocol: int, payload: Any, claimed: int) -> bool:
        """Whether a packet over IPv4, no fragment, passes for sure (in user functions); if not, ask ``track``."""
        data = octets(payload)
        return bool(
            connection_known(
                self.changing(),
                0,
                0,
                worker.now,
                src,
                dst,
                protocol,
                data._at,
                data._size,
                natural(claimed),
            )
        )

    def track(self, key: FlowKey, payload: Any, claimed: int, more: int) -> int:
        """What becomes of a packet (in user functions)."""
        at = key_at(self.name, FlowKey, key)
        data = octets(payload)
        where, size = data._at, data._size
        return connection_track(
            self.changing(), 0, 0, worker.now, at, where, size, natural(claimed), natural(more)
        )

    def open(self) -> bool:
        """Enter the connection of the packet that was NEW (in user functions); whether there is room."""
        return bool(connection_open(self.changing(), worker.now))

    def expire(self, most: int = 64) -> int:
        """Forget those that have expired, looking at ``most`` slots (in user functions); how many."""
        return connection_expire(self.changing(), worker.now, natural(most))

    def items(self) -> Iterator[Connection]:
        """The connections of all workers, with those that have expired and weren't found yet."""
        with self._reading():
            found = [found for block in self.blocks for found in self._of(block)]
        yield from found

    def _of(self, block: int) -> Iterator[Connection]:
        table = block + layout.C_TABLE
        number = table_next(table, 0)
        while number:
            yield _read(block, table_slot(table, number, layout.STRIDE), number)
            number = table_next(table, number)

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    @property
    def entries(self) -> int:
        """Connections there are."""
        return self._sum(layout.C_TABLE + T_COUNT)

    @property
    def opened(self) -> int:
        """Connections there were."""
        return self._sum(layout.C_OPENED)

    @property
    def expired(self) -> int:
        """Connections that were quiet for too long."""
        return self._sum(layout.C_TABLE + T_EXPIRED)

    @property
    def pushed(self) -> int:
        """Half-open connections that made room for new ones."""
        return self._sum(layout.C_PUSHED)

    @property
    def refused(self) -> int:
        """How often a new connection found no room."""
        return self._sum(layout.C_REFUSED)


def _read(block: int, slot: int, number: int) -> Connection:
    """The connection in a slot."""
    key, value = slot + S_KEY, slot + S_KEY + layout.KEY
    ports = (load16(key + 8), load16(key + 10))
    ends: tuple[Any, Any] = (IPv4Address(load32(key)), IPv4Address(load32(key + 4)))
    if load8(key + 13) == 6:
        at = block + load64(block + layout.C_ADDRESSES) + number * layout.IPV6_ENDS
        words = [load64(at + 8 * n) & ((1 << 64) - 1) for n in range(4)]
        ends = (IPv6Address(words[0] << 64 | words[1]), IPv6Address(words[2] << 64 | words[3]))
    marks = load8(value + layout.V_MARKS)
    src, dst = (0, 1) if marks & layout.BEGAN_LOWER else (1, 0)
    return Connection(
        load8(key + 12),
        ends[src],
        ports[src],
        ends[dst],
        ports[dst],
        layout.STATE_NAMES[load8(value)],
        bool(marks & layout.HALF),
    )


def _times(timeouts: Mapping[str, float]) -> dict[str, int]:
    """Seconds by name as steps of time. Raises GraphError."""
    found = {}
    for name, seconds in timeouts.items():
        if name not in TIMEOUTS:
            raise GraphError(
                f"Connections have no timeout {name!r}",
                place=caller_place(),
                cure=f"there are {', '.join(TIMEOUTS)}",
            )
        time = nanoseconds(seconds)
        if time is None or time > LONGEST:
            raise GraphError(
                f"the timeout {name!r} of Connections can't be {seconds!r}",
                place=caller_place(),
                cure=f"give seconds, more than 0 and up to {LONGEST // 10**9:,}",
            )
        found[name] = -(-time >> layout.TIME_SHIFT)
    return found
