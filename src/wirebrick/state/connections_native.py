"""Connections' native part: what becomes of a packet, and entering the connection that it begins.

``connection_track`` finds the packet's connection and moves it on; a packet that may begin one is NEW, and what it
would begin stays in the block (C_KEY, C_VALUE) until ``connection_open`` enters it, or the next packet comes. Packets
are given as the address of their FlowKey, and what lies behind their IP header.
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    apart,
    fill,
    load8,
    load16be,
    load32,
    load32be,
    load64,
    store8,
    store64,
)
from wirebrick.seldom import seldom
from wirebrick.state.connections_icmp_native import HEADER, is_error, query_of, quoted_v4, quoted_v6
from wirebrick.state.connections_key_native import (
    key_keep,
    key_slot,
    key_v4,
    key_v6,
    noted_slot,
    quote_v6,
    same_ends,
    slot_ends,
)
from wirebrick.state.connections_known_native import TCP, UDP, UDP_HEADER, has_expired, renew
from wirebrick.state.connections_layout import (
    BEGAN_LOWER,
    C_FROM_UPPER,
    C_LOOSE,
    C_TABLE,
    C_VALUE,
    E_END,
    HALF,
    INVALID,
    K_DST,
    K_LAST,
    K_PROTOCOL,
    K_SRC,
    K_VERSION,
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
from wirebrick.state.table_layout import S_KEY, T_EXPIRED
from wirebrick.state.table_native import table_release
from wirebrick.state.table_sweep_native import table_expire

ICMP, ICMPV6, SCTP = 1, 58, 132
SCTP_HEADER = 12


@apart
def connection_track(
    block: int, notes: int, descriptor: int, now: int, key: int, at: int, size: int, claimed: int, more: int
) -> int:
    """What becomes of the packet of flow ``key``: PASS, NEW, or why not.

    ``at``, ``size``: what there is behind its IP header; ``claimed``: how many bytes the IP header says there are.
    ``more``: it is the first of several fragments.
    """
    protocol = load8(key + K_PROTOCOL)
    one_way = OTHER_ONE_WAY
    header = 0
    if protocol == TCP:
        header = tcp_header(at, size, more)
        if header == 0:
            return INVALID
    elif protocol == UDP:
        one_way = ONE_WAY
        if size < UDP_HEADER or load16be(at + 4) < UDP_HEADER or (load16be(at + 4) > claimed and more == 0):
            return INVALID
    elif protocol in (ICMP, ICMPV6):
        if (load8(key + K_VERSION) == 4) == (protocol == ICMP):
            return track_icmp(block, now, key, at, size)
    elif protocol == SCTP and size < SCTP_HEADER:
        return INVALID
    last = load64(key + K_LAST)
    v6 = load8(key + K_VERSION) == 6
    if v6:
        first, second, from_upper = flow_v6(block, key, last)
    else:
        first, second, from_upper = key_v4(load64(key + K_SRC + 8), load64(key + K_DST + 8), last)
    slot = noted_slot(block, notes, descriptor, first, second)
    if slot != 0 and v6 and not same_ends(slot_ends(block, slot), key, from_upper):
        slot = 0
    if slot != 0 and has_expired(slot, now):
        forget(block, slot)
        slot = 0
    if slot != 0:
        value = slot + S_KEY + KEY
        answers = from_upper ^ (load8(value + V_MARKS) & BEGAN_LOWER) ^ 1
        if header == 0:
            if answers != 0 and load8(value + V_MARKS) & HALF != 0:
                store8(value + V_STATE, one_way + 1)
                store8(value + V_MARKS, load8(value + V_MARKS) & ~HALF)
            renew(block, slot, now)
            return PASS
        state = load8(value + V_STATE)
        verdict = tcp_segment(value, answers, at, header, claimed - header, more)
        if verdict == PASS and state != RESET:
            renew(block, slot, now)
        if verdict != NEW:
            return verdict
        table_release(block + C_TABLE, slot, STRIDE)
    key_keep(block, key, first, second, from_upper)
    value = new_value(block)
    if header != 0:
        return tcp_begin(value, at, header, claimed - header, load64(block + C_LOOSE))
    store8(value + V_STATE, one_way)
    return NEW


def tcp_header(at: int, size: int, more: int) -> int:
    """Bytes of a TCP header, or 0 where a segment is malformed."""
    if size < TCP_HEADER:
        return 0
    header = (load8(at + T_OFFSET) >> 4) * 4
    flags = load8(at + T_FLAGS)
    if header < TCP_HEADER or header > size or is_sensible(flags) == 0:
        return 0
    if more != 0 and flags & FLAG_SYN != 0:
        return 0
    return header


def flow_v6(block: int, key: int, last: int) -> tuple[int, int, int]:
    """The key of a FlowKey over IPv6."""
    src, dst = key + K_SRC, key + K_DST
    return key_v6(block, load64(src), load64(src + 8), load64(dst), load64(dst + 8), last)


@seldom
def forget(block: int, slot: int) -> int:
    """The connection in a slot has expired."""
    table = block + C_TABLE
    store64(table + T_EXPIRED, load64(table + T_EXPIRED) + 1)
    return table_release(table, slot, STRIDE)


def new_value(block: int) -> int:
    """Address of the value that the packet at hand would begin, zero; who sends the packet begins."""
    value = block + C_VALUE
    fill(value, 0, VALUE)
    return value


def connection_find(block: int, now: int, key: int, first: int, second: int, from_upper: int) -> int:
    """Address of the slot that has a connection; ``key``: its addresses, 0 over IPv4. 0: there is none."""
    slot = key_slot(block, first, second)
    if slot != 0 and key != 0 and not same_ends(slot_ends(block, slot), key, from_upper):
        return 0
    if slot != 0 and has_expired(slot, now):
        forget(block, slot)
        return 0
    return slot


@seldom
def track_icmp(block: int, now: int, key: int, at: int, size: int) -> int:
    """What becomes of an ICMP message: queries are connections, errors are related to one, others are neither."""
    if size < HEADER:
        return INVALID
    v6 = load8(key + K_PROTOCOL) == ICMPV6
    query = query_of(v6, load8(at))
    if query != 0:
        return track_query(block, now, key, at, query, v6)
    if not is_error(v6, load8(at)):
        return UNTRACKED
    related = (
        related_v6(block, now, key, at + HEADER, at + size)
        if v6
        else related_v4(block, now, key, at + HEADER, at + size)
    )
    return PASS if related else UNRELATED


def query_word(query: int, identifier: int, protocol: int, version: int) -> int:
    """The last word of the key of a query, but for who asks: as of a flow with the identifier for ports."""
    return identifier | identifier << 16 | protocol << 32 | version << 40 | query << 48


def asked_by(second: int, from_upper: int, replies: int) -> int:
    """The last word of the key of a query, or of a reply to one, whole."""
    return second | (from_upper ^ replies ^ 1) << 56


def track_query(block: int, now: int, key: int, at: int, query: int, v6: bool) -> int:
    """What becomes of a query, or a reply to one."""
    replies = 1 if load8(at) != query else 0
    last = query_word(query, load16be(at + 4), load8(key + K_PROTOCOL), load8(key + K_VERSION))
    if v6:
        first, second, from_upper = flow_v6(block, key, last)
    else:
        first, second, from_upper = key_v4(load64(key + K_SRC + 8), load64(key + K_DST + 8), last)
    second = asked_by(second, from_upper, replies)
    slot = connection_find(block, now, key if v6 else 0, first, second, from_upper)
    if slot != 0:
        if replies != 0:
            marks = slot + S_KEY + KEY + V_MARKS
            store8(marks, load8(marks) & ~HALF)
        renew(block, slot, now)
        return PASS
    if replies != 0:
        return INVALID
    key_keep(block, key, first, second, from_upper)
    store8(new_value(block) + V_STATE, QUERY)
    return NEW


def related_v4(block: int, now: int, key: int, ip: int, end: int) -> bool:
    """Whether an error quotes a packet of a connection, and goes to who sent that."""
    at = quoted_v4(ip, end)
    if at == 0 or load32be(ip + 12) != load64(key + K_DST + 8):
        return False
    last = quoted_word(at, load8(ip + 9), load8(ip + 9) == ICMP, 4)
    first, second, from_upper = key_v4(load32be(ip + 12), load32be(ip + 16), last)
    if last >> 48 != 0:
        second = asked_by(second, from_upper, 1 if load8(at) != last >> 48 else 0)
    slot = connection_find(block, now, 0, first, second, from_upper)
    return last != 0 and slot != 0 and was_sent(slot, from_upper, at)


def related_v6(block: int, now: int, key: int, ip: int, end: int) -> bool:
    """The same of IPv6."""
    at, protocol = quoted_v6(ip, end)
    if at == 0:
        return False
    quoted = quote_v6(block, ip)
    if load64(quoted) != load64(key + K_DST) or load64(quoted + 8) != load64(key + K_DST + 8):
        return False
    last = quoted_word(at, protocol, protocol == ICMPV6, 6)
    first, second, from_upper = flow_v6(block, quoted, last)
    if last >> 48 != 0:
        second = asked_by(second, from_upper, 1 if load8(at) != last >> 48 else 0)
    slot = connection_find(block, now, quoted, first, second, from_upper)
    return last != 0 and slot != 0 and was_sent(slot, from_upper, at)


def quoted_word(at: int, protocol: int, icmp: bool, version: int) -> int:
    """The last word of the key of what is quoted; 0: it is no part of a connection."""
    if icmp:
        query = query_of(version == 6, load8(at))
        return query_word(query, load16be(at + 4), protocol, version) if query != 0 else 0
    ports = 0
    if protocol in (TCP, UDP, SCTP):
        ports = load16be(at) | load16be(at + 2) << 16
    return ports | protocol << 32 | version << 40


def was_sent(slot: int, from_upper: int, at: int) -> bool:
    """Whether the packet quoted from ``at`` on may have been sent by its end of the connection (RFC 5927, 4.1)."""
    value = slot + S_KEY + KEY
    marks = load8(value + V_MARKS)
    answers = from_upper ^ (marks & BEGAN_LOWER) ^ 1
    state = load8(value + V_STATE)
    if state == QUERY:
        return True
    if answers != 0 and marks & HALF != 0 and state != SYN_ACK:
        return False
    if state < SYN or marks & LIBERAL != 0:
        return True
    behind = distance(load32(value + V_SIDES + SIDE * answers + E_END), load32be(at + T_SEQ))
    return 0 <= behind <= max(LEAST_ACK_WINDOW, largest_window(value, 1 - answers))


@seldom
def connection_open(block: int, now: int) -> int:
    """Enter the connection that the packet tracked last begins: 1, or 0: there is no room."""
    marks = block + C_VALUE + V_MARKS
    store8(marks, load8(marks) | HALF | (load64(block + C_FROM_UPPER) ^ BEGAN_LOWER))
    slot = connection_enter(block, now)
    if slot == 0:
        return 0
    renew(block, slot, now)
    return 1


def connection_expire(block: int, now: int, most: int) -> int:
    """Forget connections that have expired, looking at ``most`` slots; how many."""
    return table_expire(block + C_TABLE, now, most)
