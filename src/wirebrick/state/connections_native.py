"""Connections' native part: what becomes of a packet, and entering the connection that it begins.

``connection_track`` finds the packet's connection and moves it on; a packet that may begin one is NEW, and what it
would begin stays in the block (C_KEY, C_VALUE) until ``connection_open`` enters it, or the next packet comes. Packets
are given as the address of their FlowKey, and what lies behind their IP header.
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    fill,
    load8,
    load16be,
    load32,
    load32be,
    load64,
    load64be,
    store8,
    store32,
    store64,
)
from wirebrick.packet.words import same_words
from wirebrick.state.connections_icmp_native import (
    HEADER,
    is_error,
    query_of,
    quoted_v4,
    quoted_v6,
)
from wirebrick.state.connections_key_native import has_key, key_slot, key_v4, key_v6
from wirebrick.state.connections_layout import (
    BEGAN_LOWER,
    C_ADDRESSES,
    C_ENDS,
    C_FROM_UPPER,
    C_KEY,
    C_LOOSE,
    C_TABLE,
    C_TIMES,
    C_VALUE,
    E_END,
    HALF,
    INVALID,
    IPV6_ENDS,
    KEY,
    LIBERAL,
    NEW,
    ONE_WAY,
    OTHER_ONE_WAY,
    PASS,
    QUERY,
    RESET,
    SIDE,
    STRIDE,
    SYN,
    SYN_ACK,
    TIME_SHIFT,
    UNRELATED,
    UNTRACKED,
    V_MARKS,
    V_SIDES,
    V_STATE,
    VALUE,
)
from wirebrick.state.connections_room_native import connection_enter
from wirebrick.state.connections_tcp_native import (
    FLAG_SYN,
    LEAST_ACK_WINDOW,
    T_FLAGS,
    T_OFFSET,
    T_SEQ,
    TCP_HEADER,
    distance,
    is_sensible,
    largest_window,
    tcp_begin,
    tcp_segment,
)
from wirebrick.state.flow_prefetch_native import NOTES_MASK, NOTES_SHIFT
from wirebrick.state.table_layout import S_KEY, S_LAST, S_NEXT, T_EXPIRED, TAKEN
from wirebrick.state.table_native import table_age, table_release, table_slot
from wirebrick.state.table_sweep_native import table_expire

ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132
UDP_HEADER, SCTP_HEADER = 8, 12

# A FlowKey.
K_SRC, K_DST, K_PORTS, K_PROTOCOL, K_VERSION = 0, 16, 32, 36, 37


def connection_track(
    block: int, notes: int, descriptor: int, now: int, key: int, at: int, size: int, claimed: int, more: int
) -> int:
    """What becomes of the packet of flow ``key``: PASS, NEW, or why not.

    ``at``, ``size``: what there is behind its IP header; ``claimed``: how many bytes the IP header says there are.
    ``more``: it is the first of several fragments.
    """
    protocol = load8(key + K_PROTOCOL)
    if protocol == TCP:
        if size < TCP_HEADER:
            return INVALID
        header = (load8(at + T_OFFSET) >> 4) * 4
        flags = load8(at + T_FLAGS)
        if header < TCP_HEADER or header > size or is_sensible(flags) == 0:
            return INVALID
        if more != 0 and flags & FLAG_SYN != 0:
            return INVALID
        connection_key(block, key, ports_at(at), 0)
        return track_tcp(block, noted(block, notes, descriptor), now, at, header, claimed - header, more)
    if protocol == UDP:
        if size < UDP_HEADER:
            return INVALID
        length = load16be(at + 4)
        if length < UDP_HEADER or (length > claimed and more == 0):
            return INVALID
        connection_key(block, key, ports_at(at), 0)
        return track_simple(block, noted(block, notes, descriptor), now, ONE_WAY)
    if (protocol == ICMP and load8(key + K_VERSION) == 4) or (
        protocol == ICMPV6 and load8(key + K_VERSION) == 6
    ):
        return track_icmp(block, now, key, at, size)
    ports = 0
    if protocol == SCTP:
        if size < SCTP_HEADER:
            return INVALID
        ports = ports_at(at)
    connection_key(block, key, ports, 0)
    return track_simple(block, 0, now, OTHER_ONE_WAY)


def ports_at(at: int) -> int:
    """Source and destination port, as in the last word of a FlowKey."""
    return load16be(at) | load16be(at + 2) << 16


def connection_key(block: int, key: int, ports: int, more: int) -> int:
    """The key of the connection of a FlowKey; ``more``: bits above the version."""
    version = load8(key + K_VERSION)
    rest = load8(key + K_PROTOCOL) << 32 | version << 40 | more
    if version == 4:
        return key_v4(block, load64(key + K_SRC + 8), load64(key + K_DST + 8), ports, rest)
    return key_v6(
        block,
        load64(key + K_SRC),
        load64(key + K_SRC + 8),
        load64(key + K_DST),
        load64(key + K_DST + 8),
        ports,
        rest,
    )


def noted(block: int, notes: int, descriptor: int) -> int:
    """The slot that was found ahead for a packet, if it has the connection that C_KEY names; else 0."""
    if notes == 0:
        return 0
    slot = block + load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
    return slot if load32(slot + S_NEXT) >= TAKEN and has_key(slot, block) != 0 else 0


def connection_find(block: int, slot: int, now: int) -> int:
    """Address of the value of the connection that C_KEY names, or 0: there is none, or it has expired.

    ``slot``: the one that has its key, where that is known, else 0.
    """
    table = block + C_TABLE
    if slot == 0:
        slot = key_slot(block)
    if slot == 0:
        return 0
    if load8(block + C_KEY + 13) == 6:
        number = (slot - table_slot(table, 0, STRIDE)) // STRIDE
        ends = block + load64(block + C_ADDRESSES) + number * IPV6_ENDS
        if same_words(ends, block + C_ENDS, IPV6_ENDS) == 0:
            return 0
    if table_age(table, slot, now) > 0:
        table_release(table, slot, STRIDE)
        store64(table + T_EXPIRED, load64(table + T_EXPIRED) + 1)
        return 0
    return slot + S_KEY + KEY


def connection_renew(block: int, value: int, now: int) -> int:
    """The connection was used: it expires a while from now."""
    time = load64(block + C_TIMES + 8 * load8(value + V_STATE))
    store32(value - KEY - S_KEY + S_LAST, (now >> TIME_SHIFT) + time)
    return 0


def from_answering(block: int, value: int) -> int:
    """1 if the packet at hand comes from the end that didn't begin."""
    return load64(block + C_FROM_UPPER) ^ (load8(value + V_MARKS) & BEGAN_LOWER) ^ 1


def connection_remove(block: int, value: int) -> int:
    """Forget a connection."""
    return table_release(block + C_TABLE, value - KEY - S_KEY, STRIDE)


def new_value(block: int) -> int:
    """Address of the value that the packet at hand would begin, zero; who sends the packet begins."""
    value = block + C_VALUE
    fill(value, 0, VALUE)
    return value


def track_tcp(block: int, slot: int, now: int, at: int, header: int, data: int, more: int) -> int:
    """What becomes of a TCP segment."""
    value = connection_find(block, slot, now)
    if value != 0:
        state = load8(value + V_STATE)
        verdict = tcp_segment(value, from_answering(block, value), at, header, data, more)
        if verdict == PASS and state != RESET:
            connection_renew(block, value, now)
        if verdict != NEW:
            return verdict
        connection_remove(block, value)
    value = new_value(block)
    return tcp_begin(value, at, header, data, load64(block + C_LOOSE))


def track_simple(block: int, slot: int, now: int, one_way: int) -> int:
    """What becomes of a packet of a protocol whose connections are known by their ends alone.

    ``one_way``: the state before something comes back; the one behind it is the state afterwards.
    """
    value = connection_find(block, slot, now)
    if value != 0:
        if from_answering(block, value) != 0:
            store8(value + V_STATE, one_way + 1)
            store8(value + V_MARKS, load8(value + V_MARKS) & ~HALF)
        connection_renew(block, value, now)
        return PASS
    store8(new_value(block) + V_STATE, one_way)
    return NEW


def track_icmp(block: int, now: int, key: int, at: int, size: int) -> int:
    """What becomes of an ICMP message: queries are connections, errors are related to one, others are neither."""
    if size < HEADER:
        return INVALID
    v6 = load8(key + K_PROTOCOL) == ICMPV6
    kind = load8(at)
    query = query_of(v6, kind)
    if query != 0:
        identifier = load16be(at + 4)
        connection_key(block, key, identifier | identifier << 16, query << 48)
        return track_query(block, now, 1 if kind != query else 0)
    if not is_error(v6, kind):
        return UNTRACKED
    related = (
        related_v6(block, key, at + HEADER, at + size)
        if v6
        else related_v4(block, key, at + HEADER, at + size)
    )
    if related == 0:
        return UNRELATED
    value = connection_find(block, 0, now)
    return PASS if value != 0 and was_sent(block, value, related) else UNRELATED


def ask(block: int, replies: int) -> int:
    """Complete the key of a query, or of a reply to one: who asks."""
    lower = load64(block + C_FROM_UPPER) ^ replies ^ 1
    store8(block + C_KEY + 15, lower)
    return 0


def track_query(block: int, now: int, replies: int) -> int:
    """What becomes of a query, or a reply to one."""
    ask(block, replies)
    value = connection_find(block, 0, now)
    if value != 0:
        if replies != 0:
            store8(value + V_MARKS, load8(value + V_MARKS) & ~HALF)
        connection_renew(block, value, now)
        return PASS
    if replies != 0:
        return INVALID
    store8(new_value(block) + V_STATE, QUERY)
    return NEW


def related_v4(block: int, key: int, ip: int, end: int) -> int:
    """Make the key of the packet that an error quotes; where that goes on behind its IP header, or 0.

    The error goes to who sent the packet.
    """
    at = quoted_v4(ip, end)
    if at == 0 or load32be(ip + 12) != load64(key + K_DST + 8):
        return 0
    protocol = load8(ip + 9)
    ports, more = quoted_ports(at, protocol, protocol == ICMP, False)
    if ports < 0:
        return 0
    key_v4(block, load32be(ip + 12), load32be(ip + 16), ports, protocol << 32 | 4 << 40 | more)
    if more != 0:
        ask(block, 1 if load8(at) != more >> 48 else 0)
    return at


def related_v6(block: int, key: int, ip: int, end: int) -> int:
    """The same of IPv6."""
    at, protocol = quoted_v6(ip, end)
    if at == 0 or load64be(ip + 8) != load64(key + K_DST) or load64be(ip + 16) != load64(key + K_DST + 8):
        return 0
    ports, more = quoted_ports(at, protocol, protocol == ICMPV6, True)
    if ports < 0:
        return 0
    rest = protocol << 32 | 6 << 40 | more
    key_v6(block, load64be(ip + 8), load64be(ip + 16), load64be(ip + 24), load64be(ip + 32), ports, rest)
    if more != 0:
        ask(block, 1 if load8(at) != more >> 48 else 0)
    return at


def quoted_ports(at: int, protocol: int, icmp: bool, v6: bool) -> tuple[int, int]:
    """The ports of what is quoted, and the bits of its key above the version; -1: it is no part of a connection."""
    if icmp:
        query = query_of(v6, load8(at))
        identifier = load16be(at + 4)
        return (identifier | identifier << 16 if query != 0 else -1), query << 48
    if protocol in (TCP, UDP, SCTP):
        return ports_at(at), 0
    return 0, 0


def was_sent(block: int, value: int, at: int) -> bool:
    """Whether the packet quoted from ``at`` on may have been sent by its end of the connection (RFC 5927, 4.1)."""
    answers = from_answering(block, value)
    marks = load8(value + V_MARKS)
    state = load8(value + V_STATE)
    if state == QUERY:
        return True
    if answers != 0 and marks & HALF != 0 and state != SYN_ACK:
        return False
    if state < SYN or marks & LIBERAL != 0:
        return True
    behind = distance(load32(value + V_SIDES + SIDE * answers + E_END), load32be(at + T_SEQ))
    return 0 <= behind <= max(LEAST_ACK_WINDOW, largest_window(value, 1 - answers))


def connection_open(block: int, now: int) -> int:
    """Enter the connection that the packet tracked last begins: 1, or 0: there is no room."""
    marks = block + C_VALUE + V_MARKS
    store8(marks, load8(marks) | HALF | (load64(block + C_FROM_UPPER) ^ BEGAN_LOWER))
    slot = connection_enter(block, now)
    if slot == 0:
        return 0
    connection_renew(block, slot + S_KEY + KEY, now)
    return 1


def connection_expire(block: int, now: int, most: int) -> int:
    """Forget connections that have expired, looking at ``most`` slots; how many."""
    return table_expire(block + C_TABLE, now, most)
