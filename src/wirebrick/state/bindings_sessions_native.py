"""Sessions: found from either side, aged by a wheel of timers, made and ended; run in CPython and compiled."""

from __future__ import annotations

from wirebrick.packet.memory import (
    apart,
    load8,
    load16,
    load32,
    load64,
    store8,
    store32,
    store64,
    wrap64,
)
from wirebrick.state.bindings_layout import (
    B_CAPACITY,
    B_COUNT,
    B_FILTER,
    B_FREE,
    B_HAND,
    B_IN,
    B_NEXT,
    B_OUT,
    B_SESSIONS,
    B_STATS,
    B_TIMEOUT,
    B_WHEEL,
    C_TCP,
    C_TRANSITORY,
    F_ANSWERED,
    F_FIN_IN,
    F_FIN_OUT,
    F_RST,
    F_SYN_IN,
    F_SYN_OUT,
    FILTER_ADDRESS,
    FREE_TURN,
    H_SESSIONS,
    KIND_SESSION,
    M_HOST,
    M_SESSIONS,
    S_AFTER,
    S_BEFORE,
    S_CLASS,
    S_FLAGS,
    S_IN,
    S_IN_NEXT,
    S_IN_PORTS,
    S_LAST,
    S_MAPPING,
    S_OUT,
    S_OUT_NEXT,
    S_OUT_PORTS,
    S_TURN,
    SESSION,
    ST_EVICTED,
    ST_PEAK,
    ST_SESSIONS,
    TICK,
    TURN,
    TURNS,
)
from wirebrick.state.bindings_records_native import (
    host_at,
    host_leave,
    mapping_at,
    mapping_leave,
    peer_count,
    records_give_back,
    records_link,
    records_take,
    records_unlink,
)
from wirebrick.state.table_layout import BACKWARDS, LOW
from wirebrick.state.table_native import table_pair, table_place

SAMPLE = 32  # sessions looked at to find one that can go
FIN, SYN, RST, ACK = 1, 2, 4, 16
CLOSED = F_FIN_OUT | F_FIN_IN
OPEN = F_SYN_OUT | F_SYN_IN


def session_head(block: int, index: int, offset: int, ends: int, ports: int) -> int:
    """Where the chain of a key in an index starts."""
    place = table_place(block, table_pair(block, offset, ends, ports))
    return block + load64(block + index) + 4 * place


def session_at(block: int, number: int) -> int:
    """Address of a session."""
    return block + load64(block + B_SESSIONS) + number * SESSION


@apart
def session_out(block: int, ends: int, ports: int) -> int:
    """Address of the session of an inside and an outside endpoint, or 0."""
    sessions = block + load64(block + B_SESSIONS)
    number = load32(session_head(block, B_OUT, 0, ends, ports))
    while number != 0:
        at = sessions + number * SESSION
        if ((load64(at + S_OUT) ^ ends) | (load64(at + S_OUT_PORTS) ^ ports)) == 0:
            return at
        number = load32(at + S_OUT_NEXT)
    return 0


@apart
def session_in(block: int, ends: int, ports: int) -> int:
    """The same by external and outside endpoint."""
    sessions = block + load64(block + B_SESSIONS)
    number = load32(session_head(block, B_IN, 16, ends, ports))
    while number != 0:
        at = sessions + number * SESSION
        if ((load64(at + S_IN) ^ ends) | (load64(at + S_IN_PORTS) ^ ports)) == 0:
            return at
        number = load32(at + S_IN_NEXT)
    return 0


def session_external(session: int) -> int:
    """Its external endpoint."""
    return load32(session + S_IN) << 16 | load16(session + S_IN_PORTS + 4)


def session_inside(session: int) -> int:
    """Its inside endpoint."""
    return load32(session + S_OUT + 4) << 16 | load16(session + S_OUT_PORTS + 6)


def session_age(session: int, now: int) -> int:
    """Ticks since it was used; 0 where the clock went back."""
    age = ((now >> TICK) - load32(session + S_LAST)) & LOW
    return age if age < BACKWARDS else 0


def session_timeout(block: int, session: int) -> int:
    """Ticks after which it ends."""
    return load64(block + B_TIMEOUT + 8 * load8(session + S_CLASS))


def session_over(block: int, session: int, now: int) -> int:
    """1 where it has ended, though it may still be there."""
    age = ((now >> TICK) - load32(session + S_LAST)) & LOW
    return 1 if age >= session_timeout(block, session) and age < BACKWARDS else 0


def wheel_put(block: int, session: int, number: int, now: int) -> int:
    """Have a session looked at when it may have ended."""
    left = max(0, session_timeout(block, session) - session_age(session, now))
    turn = (((now >> TICK) + left) >> TURN) + 1
    first = load64(block + B_NEXT)
    turn = min(max(turn, first), first + TURNS - 2)
    head = block + load64(block + B_WHEEL) + 4 * (turn & (TURNS - 1))
    after = load32(head)
    store32(session + S_TURN, turn & (TURNS - 1))
    store32(session + S_BEFORE, 0)
    store32(session + S_AFTER, after)
    if after != 0:
        store32(session_at(block, after) + S_BEFORE, number)
    store32(head, number)
    return 0


def wheel_take(block: int, session: int) -> int:
    """Take a session out of its turn."""
    before = load32(session + S_BEFORE)
    after = load32(session + S_AFTER)
    if after != 0:
        store32(session_at(block, after) + S_BEFORE, before)
    if before != 0:
        store32(session_at(block, before) + S_AFTER, after)
    else:
        store32(block + load64(block + B_WHEEL) + 4 * load32(session + S_TURN), after)
    return 0


def session_number(block: int, session: int) -> int:
    """Its number."""
    return (session - session_at(block, 0)) // SESSION


@apart
def session_end(block: int, session: int, now: int) -> int:
    """End a session, and what lives only by it."""
    number = session_number(block, session)
    sessions = session_at(block, 0)
    ends = load64(session + S_OUT)
    head = session_head(block, B_OUT, 0, ends, load64(session + S_OUT_PORTS))
    records_unlink(head, sessions, SESSION, S_OUT_NEXT, number)
    head = session_head(block, B_IN, 16, load64(session + S_IN), load64(session + S_IN_PORTS))
    records_unlink(head, sessions, SESSION, S_IN_NEXT, number)
    wheel_take(block, session)
    store32(session + S_TURN, FREE_TURN)
    records_give_back(block, KIND_SESSION, session, number, S_OUT_NEXT)
    store64(block + B_COUNT, load64(block + B_COUNT) - 1)
    mapping = load32(session + S_MAPPING)
    at = mapping_at(block, mapping)
    host = load32(at + M_HOST)
    owner = host_at(block, host)
    store32(at + M_SESSIONS, load32(at + M_SESSIONS) - 1)
    store32(owner + H_SESSIONS, load32(owner + H_SESSIONS) - 1)
    if load64(block + B_FILTER) == FILTER_ADDRESS:
        peer_count(block, mapping, ends & LOW, -1)
    mapping_leave(block, now, mapping)
    host_leave(block, host)
    return 0


def sessions_expire(block: int, now: int, most: int) -> int:
    """End sessions that are over: how many. Looks at ``most`` sessions, or turns of the wheel, at most."""
    last = now >> (TICK + TURN)
    turn = load64(block + B_NEXT)
    if load64(block + B_COUNT) == 0:
        store64(block + B_NEXT, max(turn, last))
        return 0
    if turn < last - TURNS:
        turn = last - TURNS
    ended = 0
    wheel = block + load64(block + B_WHEEL)
    while most > 0 and turn <= last:
        most -= 1
        number = load32(wheel + 4 * (turn & (TURNS - 1)))
        if number == 0:
            turn += 1
            store64(block + B_NEXT, turn)
        else:
            session = session_at(block, number)
            store64(block + B_NEXT, turn + 1)  # whatever stays is looked at in a later turn
            if session_over(block, session, now) != 0:
                session_end(block, session, now)
                ended += 1
            else:
                wheel_take(block, session)
                wheel_put(block, session, number, now)
            store64(block + B_NEXT, turn)
    return ended


def session_evict(block: int, now: int) -> int:
    """Make room: end the oldest of some sessions that nobody answered. 1, or 0: all were answered."""
    hand = load64(block + B_HAND)
    used = load64(block + B_FREE + KIND_SESSION + 8)
    chosen = 0
    oldest = -1
    for _ in range(min(SAMPLE, used)):
        hand = hand + 1 if hand < used else 1
        session = session_at(block, hand)
        if load32(session + S_TURN) != FREE_TURN and load8(session + S_FLAGS) & F_ANSWERED == 0:
            age = session_age(session, now)
            if age > oldest:
                oldest = age
                chosen = session
    store64(block + B_HAND, hand)
    if chosen == 0:
        return 0
    session_end(block, chosen, now)
    store64(block + B_STATS + ST_EVICTED, load64(block + B_STATS + ST_EVICTED) + 1)
    return 1


def session_room(block: int, now: int) -> int:
    """1 where there is room for another session."""
    if load64(block + B_COUNT) < load64(block + B_CAPACITY):
        return 1
    return 1 if sessions_expire(block, now, 64) > 0 else session_evict(block, now)


def session_make(
    block: int, now: int, ends: int, ports: int, external: int, mapping: int, kind: int, flags: int
) -> int:
    """A new session (there is room); its address."""
    if load64(block + B_COUNT) == 0:
        store64(block + B_NEXT, max(load64(block + B_NEXT), now >> (TICK + TURN)))
    number = records_take(block, KIND_SESSION, session_at(block, 0), SESSION, S_OUT_NEXT)
    session = session_at(block, number)
    into = wrap64(ends << 32 | external >> 16)
    into_ports = wrap64((ports >> 32 & 0xFFFF) << 48 | (external & 0xFFFF) << 32 | (ports & LOW))
    store64(session + S_OUT, ends)
    store64(session + S_OUT_PORTS, ports)
    store64(session + S_IN, into)
    store64(session + S_IN_PORTS, into_ports)
    store32(session + S_LAST, now >> TICK)
    store8(session + S_CLASS, kind)
    store8(session + S_FLAGS, flags)
    store32(session + S_MAPPING, mapping)
    records_link(session_head(block, B_OUT, 0, ends, ports), session, S_OUT_NEXT, number)
    records_link(session_head(block, B_IN, 16, into, into_ports), session, S_IN_NEXT, number)
    wheel_put(block, session, number, now)
    at = mapping_at(block, mapping)
    owner = host_at(block, load32(at + M_HOST))
    store32(at + M_SESSIONS, load32(at + M_SESSIONS) + 1)
    store32(owner + H_SESSIONS, load32(owner + H_SESSIONS) + 1)
    if load64(block + B_FILTER) == FILTER_ADDRESS:
        peer_count(block, mapping, ends & LOW, 1)
    stats = block + B_STATS
    count = load64(block + B_COUNT) + 1
    store64(block + B_COUNT, count)
    store64(stats + ST_SESSIONS, load64(stats + ST_SESSIONS) + 1)
    store64(stats + ST_PEAK, max(load64(stats + ST_PEAK), count))
    return session


@apart
def session_tcp(block: int, session: int, now: int, flags: int, inward: int) -> int:
    """What a segment's flags do to a session (RFC 5382, REQ-5; RFC 7857, 2): 0.

    Both sides sent SYN, and not both FIN: established. A reset makes it transitory until something else comes. A SYN
    begins anew what was closed.
    """
    old = load8(session + S_FLAGS)
    new = old & ~F_RST
    if flags & RST != 0:
        new = new | F_RST
    elif flags & SYN != 0:
        if old & F_RST != 0 or old & CLOSED == CLOSED:
            new = new & ~(OPEN | CLOSED)
        new = new | (F_SYN_IN if inward != 0 else F_SYN_OUT)
    elif flags & FIN != 0:
        new = new | (F_FIN_IN if inward != 0 else F_FIN_OUT)
    kind = C_TRANSITORY
    if new & OPEN == OPEN and new & CLOSED != CLOSED and new & F_RST == 0:
        kind = C_TCP
    store8(session + S_FLAGS, new)
    if kind != load8(session + S_CLASS):
        store8(session + S_CLASS, kind)
        store32(session + S_LAST, now >> TICK)
        wheel_take(block, session)
        wheel_put(block, session, session_number(block, session), now)
    return 0
