"""Packets of known connections, in the form that most have; and the times at which connections expire.

``connection_known`` is short, and a part of each function that calls it: UDP and TCP over IPv4, of a connection that
was found ahead. Whatever it doesn't let pass is for ``connection_track``. Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import inlined, load8, load16be, load32, load64, store32
from wirebrick.state.connections_key_native import has_key, key_ends
from wirebrick.state.connections_layout import (
    C_TIMES,
    ESTABLISHED,
    HALF,
    KEY,
    LOW,
    TIME_SHIFT,
    V_MARKS,
    V_STATE,
)
from wirebrick.state.connections_tcp_native import (
    CONSIDERED,
    FLAG_ACK,
    T_FLAGS,
    T_OFFSET,
    TCP_HEADER,
    tcp_plain,
)
from wirebrick.state.flow_prefetch_native import NOTES_MASK, NOTES_SHIFT
from wirebrick.state.table_layout import BACKWARDS, S_KEY, S_LAST, S_NEXT, TAKEN

TCP, UDP = 6, 17
UDP_HEADER = 8


@inlined
def connection_known(
    block: int,
    notes: int,
    descriptor: int,
    now: int,
    src: int,
    dst: int,
    protocol: int,
    at: int,
    size: int,
    claimed: int,
) -> int:
    """1 where a packet over IPv4, which is no fragment, belongs to a connection and passes; 0: not known yet.

    ``at``, ``size``: what there is behind its IP header; ``claimed``: how many bytes that says there are.
    """
    if notes == 0:
        return 0
    header = 0
    if protocol == UDP:
        if size < UDP_HEADER or load16be(at + 4) < UDP_HEADER or load16be(at + 4) > claimed:
            return 0
    elif protocol == TCP and size >= TCP_HEADER:
        header = (load8(at + T_OFFSET) >> 4) * 4
        if header < TCP_HEADER or header > size or load8(at + T_FLAGS) & CONSIDERED != FLAG_ACK:
            return 0
    else:
        return 0
    one, other = src << 16 | load16be(at), dst << 16 | load16be(at + 2)
    first, second, from_upper = key_ends(one, other, protocol << 32 | 4 << 40)
    slot = block + load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
    if load32(slot + S_NEXT) < TAKEN or not has_key(slot, first, second) or has_expired(slot, now):
        return 0
    value = slot + S_KEY + KEY
    marks = load8(value + V_MARKS)
    answers = (from_upper ^ marks ^ 1) & 1
    if header == 0:
        if answers != 0 and marks & HALF != 0:
            return 0
    elif load8(value + V_STATE) != ESTABLISHED or tcp_plain(value, answers, at, claimed - header) == 0:
        return 0
    renew(block, slot, now)
    return 1


def has_expired(slot: int, now: int) -> bool:
    """Whether the connection in a slot was quiet for too long."""
    late = ((now >> TIME_SHIFT) - load32(slot + S_LAST)) & LOW
    return 0 < late < BACKWARDS


def renew(block: int, slot: int, now: int) -> int:
    """The connection in a slot was used: it expires a while from now."""
    time = load64(block + C_TIMES + 8 * load8(slot + S_KEY + KEY + V_STATE))
    store32(slot + S_LAST, (now >> TIME_SHIFT) + time)
    return 0
