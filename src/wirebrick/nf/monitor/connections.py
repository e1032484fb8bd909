"""TCP connections as they are seen on the way: their state, and the round trips of their handshakes.

A monitor does not take part: it sees what both ends send, and says what it means for them (RFC 9293, 3.3.2). It looks
at packets with SYN, FIN or RST, at the first one of each direction, and at those while a handshake goes on; the others
cost it one look into a small array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from wirebrick.fields import U8, U16, U64, IPv6Address
from wirebrick.nf.monitor.flows import address_text
from wirebrick.nf.monitor.handshake import BUCKETS, bucket, percentiles
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.record import Record
from wirebrick.state.table import Table

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

NONE, SYN_SENT, SYN_RECEIVED, ESTABLISHED, CLOSING, CLOSED, RESET, REFUSED, MIDDLE = range(9)
STATES = {
    SYN_SENT: "syn sent",
    SYN_RECEIVED: "syn received",
    ESTABLISHED: "established",
    CLOSING: "closing",
    CLOSED: "closed",
    RESET: "reset",
    REFUSED: "refused",
    MIDDLE: "met in the middle",
}
PORTS = 1 << 12  # a page: it stays in the cache beside millions of flows
TO_SERVER, TO_CLIENT, WHOLE = range(3)
TRIPS = ("monitor to server", "monitor to client", "client to server")


class ConnectionKey(Record):
    """The flow of a connection with the lower end first.

    A class of its own: what a burst needs of tables of flows is fetched ahead, and few packets need a connection.
    """

    src: IPv6Address
    dst: IPv6Address
    src_port: U16
    dst_port: U16
    protocol: U8
    version: U8


class Connection(Record):
    """A connection. Times are ns since 1970, 0 where it wasn't seen."""

    opened: U64  # the SYN
    answered: U64  # the SYN ACK
    established: U64  # the ACK that ends the handshake
    state: U8
    turned: U8  # the client is the higher end
    fins: U8  # 1: the client has sent its FIN; 2: the server
    repeated: (
        U8  # SYN or SYN ACK came twice: which of them was answered can't be told (Karn's algorithm, RFC 6298)
    )


class ConnectionRow(NamedTuple):
    """A connection in the file: times in seconds since 1970 and milliseconds, None where they aren't known."""

    client: str
    server: str
    client_port: int
    server_port: int
    state: str
    opened: float | None
    to_server_ms: float | None
    to_client_ms: float | None


class Connections(NamedTuple):
    """The tracker: ``worth(flow)`` and ``follow(packet)`` for user functions, the rest for the end of a run."""

    worth: Callable[[Any], bool]
    follow: Callable[[Packet], None]
    rows: Callable[[], list[ConnectionRow]]
    states: Callable[[], Report]
    trips: Callable[[], Report]


def track_connections(capacity: int, idle: float) -> Connections:
    """Make the state of a tracker of up to ``capacity`` connections in each worker."""
    table = Table(ConnectionKey, Connection, capacity=capacity, idle_timeout=idle)
    # By the ports: whether a handshake goes on between some that have them, or others with the same number here.
    shaking = Array(U8, PORTS)
    trips = Array(U64, 3 * BUCKETS)

    def worth(flow: Any) -> bool:
        return bool(shaking[(flow.src_port ^ flow.dst_port) & PORTS - 1])

    def note_trips(connection: Any) -> None:
        to_server = (connection.answered - connection.opened) // 1000
        to_client = (connection.established - connection.answered) // 1000
        trips[bucket(to_server)] += 1
        trips[BUCKETS + bucket(to_client)] += 1
        trips[2 * BUCKETS + bucket(to_server + to_client)] += 1

    def follow(packet: Packet) -> None:
        tcp: Any = packet.header
        flow = packet.flow()
        turned = flow.src > flow.dst or (flow.src == flow.dst and flow.src_port > flow.dst_port)
        src = flow.dst if turned else flow.src
        dst = flow.src if turned else flow.dst
        src_port = flow.dst_port if turned else flow.src_port
        dst_port = flow.src_port if turned else flow.dst_port
        ports = (src_port ^ dst_port) & PORTS - 1
        connection = table[
            ConnectionKey(
                src=src, dst=dst, src_port=src_port, dst_port=dst_port, protocol=6, version=flow.version
            )
        ]
        state = connection.state
        by_client = (connection.turned != 0) == turned
        if tcp.rst:
            if state in (SYN_SENT, SYN_RECEIVED):
                connection.state = RESET if by_client else REFUSED
            elif state not in (CLOSED, REFUSED):
                connection.state = RESET
            shaking[ports] = 0
        elif tcp.syn and tcp.ack_flag:
            if state == SYN_SENT and not by_client:
                connection.state = SYN_RECEIVED
                connection.answered = packet.timestamp
                shaking[ports] = 1
            elif state == SYN_RECEIVED:
                connection.repeated = 1
            elif state == NONE:
                connection.state = MIDDLE
                connection.turned = not turned
        elif tcp.syn:
            if state == SYN_SENT and by_client:
                connection.repeated = 1
            elif state not in (SYN_RECEIVED, ESTABLISHED, CLOSING):
                connection.state = SYN_SENT
                connection.turned = turned
                connection.opened = packet.timestamp
                connection.answered = 0
                connection.established = 0
                connection.fins = 0
                connection.repeated = 0
        else:
            if state == SYN_RECEIVED and by_client:
                connection.state = ESTABLISHED
                connection.established = packet.timestamp
                if connection.repeated == 0:
                    note_trips(connection)
            elif state == NONE:
                connection.state = MIDDLE
                connection.turned = turned
                by_client = True
            if state != SYN_RECEIVED or by_client:
                shaking[ports] = 0
            if tcp.fin and state not in (RESET, REFUSED):
                connection.fins |= 1 if by_client else 2
                connection.state = CLOSED if connection.fins == 3 else CLOSING

    return Connections(
        worth,
        follow,
        lambda: [_row(row) for row in table.rows()],
        lambda: _states(table),
        lambda: _trips([int(count) for count in trips.totals()]),
    )


def _row(row: Any) -> ConnectionRow:
    """A row of the table, for people."""
    (src, dst, src_port, dst_port, _, version), value = row["key"].item(), row["value"]
    ends = [(address_text(version, *src), src_port), (address_text(version, *dst), dst_port)]
    (client, client_port), (server, server_port) = ends[::-1] if value["turned"] else ends
    opened, answered, established = (int(value[name]) for name in ("opened", "answered", "established"))
    timed = opened and established and not value["repeated"]
    return ConnectionRow(
        client,
        server,
        client_port,
        server_port,
        STATES[int(value["state"])],
        opened / 1e9 if opened else None,
        (answered - opened) / 1e6 if timed else None,
        (established - answered) / 1e6 if timed else None,
    )


def _states(table: Table[ConnectionKey, Connection]) -> Report:
    import numpy as np

    from wirebrick import Report

    rows = table.rows()
    counts = np.bincount(rows["value"]["state"], minlength=len(STATES) + 1)
    title = f"{len(rows):,} TCP connections by state"
    if table.evicted:
        title += f"; the table was full: {table.evicted:,} evicted (raise capacity)"
    return Report(title, ("state", "connections"), [(STATES[n], int(counts[n])) for n in STATES if counts[n]])


def _trips(counts: list[int]) -> Report:
    from wirebrick import Report

    parts = [counts[number * BUCKETS : (number + 1) * BUCKETS] for number in range(3)]
    rows = [(name, *percentiles(part)) for name, part in zip(TRIPS, parts, strict=True) if sum(part)]
    title = f"TCP round trips, milliseconds, of {sum(parts[0]):,} handshakes"
    return Report(title, ("from", "median", "95 %", "99 %", "most"), rows)
