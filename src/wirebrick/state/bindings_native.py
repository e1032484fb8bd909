"""What user functions do with bindings: leave, create, arrive, admit, and look up what an error is about.

Endpoints come as numbers: addresses of 32 bits, ports of 16. Where there is one, the other side's endpoint is
returned as one number, the address in the upper bits, the port in the lower 16; what is negative is a reason. Only
packets from inside make sessions, and of UDP and ICMP only they keep them (RFC 4787, REQ-6), so what outside hosts
send takes no memory.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    inlined,
    load8,
    load32,
    load64,
    shift_right,
    store8,
    store32,
    store64,
    wrap64,
)
from wirebrick.state.bindings_ahead_native import session_noted
from wirebrick.state.bindings_layout import (
    B_FILTER,
    B_LIMIT,
    B_LIST,
    B_MIDSTREAM,
    B_MOST,
    B_NEWS,
    B_READ,
    B_WRITTEN,
    C_DNS,
    C_ICMP,
    C_TCP,
    C_TRANSITORY,
    C_UDP,
    F_ANSWERED,
    F_HAIRPIN,
    F_RST,
    F_SYN_OUT,
    FILTER_ADDRESS,
    FILTER_PORT,
    H_MAPPINGS,
    H_SESSIONS,
    ICMP,
    M_EXTERNAL,
    M_KEY,
    M_SESSIONS,
    NEWS,
    RING,
    S_FLAGS,
    S_IN,
    S_IN_PORTS,
    S_LAST,
    S_OUT,
    S_OUT_PORTS,
    TCP,
    TICK,
)
from wirebrick.state.bindings_records_native import (
    FULL,
    LIMIT,
    NO_PORT,
    NO_SESSION,
    address_number,
    host_at,
    host_leave,
    host_use,
    mapping_at,
    mapping_find,
    mapping_key,
    mapping_make,
    mapping_of_port,
    mapping_port,
    peer_find,
)
from wirebrick.state.bindings_sessions_native import (
    ACK,
    FIN,
    OPEN,
    RST,
    SYN,
    session_end,
    session_external,
    session_in,
    session_inside,
    session_make,
    session_out,
    session_over,
    session_room,
    session_tcp,
    sessions_expire,
)

MISS = -1  # there is no session
NO_BINDING, FILTERED = -6, -7
HAIRPIN = 1 << 48  # in what leave and create return: the other end is an external address
DNS = 53
FEW, MANY = 4, 512  # sessions looked at, for those that are over, when one is made and when there is no port


def bindings_pair(a: int, b: int) -> int:
    """Source and destination address as one word, as they stand in the packet."""
    return wrap64(a << 32 | b)


def bindings_ends(src_port: int, dst_port: int, protocol: int) -> int:
    """Their ports and the protocol as one word."""
    return wrap64(src_port << 48 | dst_port << 32 | protocol)


@inlined
def bindings_leave(
    block: int,
    notes: int,
    descriptor: int,
    now: int,
    protocol: int,
    src: int,
    src_port: int,
    dst: int,
    dst_port: int,
    flags: int,
) -> int:
    """The external endpoint of a packet from inside, and HAIRPIN; or MISS."""
    ends = bindings_pair(src, dst)
    ports = bindings_ends(src_port, dst_port, protocol)
    session = session_noted(block, notes, descriptor)
    if ((load64(session + S_OUT) ^ ends) | (load64(session + S_OUT_PORTS) ^ ports)) != 0:
        session = session_out(block, ends, ports)
        if session == 0:
            return MISS
    if session_over(block, session, now) != 0:
        session_end(block, session, now)
        return MISS
    store32(session + S_LAST, now >> TICK)
    if protocol == TCP and flags & (SYN | FIN | RST) | (load8(session + S_FLAGS) & F_RST) != 0:
        session_tcp(block, session, now, flags, 0)
    return session_external(session) + (load8(session + S_FLAGS) & F_HAIRPIN) * (HAIRPIN // F_HAIRPIN)


@inlined
def bindings_arrive(
    block: int,
    notes: int,
    descriptor: int,
    now: int,
    protocol: int,
    src: int,
    src_port: int,
    dst: int,
    dst_port: int,
    flags: int,
) -> int:
    """The inside endpoint of a packet from outside, where there is a session; or MISS."""
    ends = bindings_pair(src, dst)
    ports = bindings_ends(src_port, dst_port, protocol)
    session = session_noted(block, notes, descriptor)
    if ((load64(session + S_IN) ^ ends) | (load64(session + S_IN_PORTS) ^ ports)) != 0:
        session = session_in(block, ends, ports)
        if session == 0:
            return MISS
    if session_over(block, session, now) != 0:
        session_end(block, session, now)
        return MISS
    known = load8(session + S_FLAGS)
    if known & F_ANSWERED == 0:
        store8(session + S_FLAGS, known | F_ANSWERED)
    if protocol == TCP:
        store32(session + S_LAST, now >> TICK)
        if flags & (SYN | FIN | RST) | (known & F_RST) != 0:
            session_tcp(block, session, now, flags, 1)
    return session_inside(session)


def bindings_create(
    block: int,
    now: int,
    protocol: int,
    src: int,
    src_port: int,
    dst: int,
    dst_port: int,
    flags: int,
    static: int,
    hairpin: int,
) -> int:
    """What ``bindings_leave`` gives for a packet without a session, which is made; or why not.

    ``static``: the external endpoint that is configured, or 0. ``hairpin``: 1 where the other end is known to be an
    external address.
    """
    sessions_expire(block, now, FEW)
    key = mapping_key(protocol, src, src_port, 1 if static != 0 else 0)
    mapping = mapping_find(block, key, static)
    kind = flags & (SYN | ACK | RST | FIN)
    begins = kind == SYN
    if address_number(block, dst) >= 0:
        hairpin = 1
    if protocol == TCP and not begins:
        if mapping == 0 and static == 0 and (load64(block + B_MIDSTREAM) == 0 or flags & (SYN | RST) != 0):
            return NO_SESSION
        if flags & RST != 0:
            external = static if static != 0 else load64(mapping_at(block, mapping) + M_EXTERNAL)
            return external + hairpin * HAIRPIN
        if flags & SYN != 0 and kind != SYN | ACK:
            return NO_SESSION
        if flags & SYN == 0 and static == 0 and load64(block + B_MIDSTREAM) == 0:
            return NO_SESSION
    number = host_use(block, src)
    if number == 0:
        return FULL
    host = host_at(block, number)
    few = load32(host + H_MAPPINGS) < load64(block + B_LIMIT) or mapping != 0 or static != 0
    if not few or load32(host + H_SESSIONS) >= load64(block + B_MOST):
        host_leave(block, number)
        return LIMIT
    # Held while room is made, so that they don't end with the last session they have.
    store32(host + H_SESSIONS, load32(host + H_SESSIONS) + 1)
    if mapping != 0:
        store32(mapping_at(block, mapping) + M_SESSIONS, load32(mapping_at(block, mapping) + M_SESSIONS) + 1)
    room = session_room(block, now)
    if room != 0 and mapping == 0:
        mapping = bindings_map(block, now, key, number, static)
    elif mapping != 0:
        store32(mapping_at(block, mapping) + M_SESSIONS, load32(mapping_at(block, mapping) + M_SESSIONS) - 1)
    store32(host + H_SESSIONS, load32(host + H_SESSIONS) - 1)
    if room == 0 or mapping <= 0:
        host_leave(block, number)
        return FULL if room == 0 or mapping == 0 else mapping
    kind = C_UDP
    state = 0
    if protocol == TCP:
        state = F_SYN_OUT if begins or flags & SYN == 0 else OPEN
        kind = C_TRANSITORY if state != OPEN else C_TCP
    elif protocol == ICMP:
        kind = C_ICMP
    elif dst_port == DNS:
        kind = C_DNS
    external = load64(mapping_at(block, mapping) + M_EXTERNAL)
    state = state | (F_HAIRPIN if hairpin != 0 else 0)
    ends = bindings_pair(src, dst)
    session_make(
        block, now, ends, bindings_ends(src_port, dst_port, protocol), external, mapping, kind, state
    )
    return external + hairpin * HAIRPIN


def bindings_map(block: int, now: int, key: int, number: int, static: int) -> int:
    """A new mapping of host ``number``; its number, or why there is none (0: no room)."""
    if static != 0:
        return mapping_make(block, now, key, number, static, 0)
    protocol = key >> 8 & 255
    wanted = key >> 16 & 0xFFFF
    found = mapping_port(block, host_at(block, number), protocol, wanted)
    if found < 0 and sessions_expire(block, now, MANY) > 0:
        found = mapping_port(block, host_at(block, number), protocol, wanted)
    if found < 0:
        return NO_PORT
    address = found >> 32
    external = load32(block + load64(block + B_LIST) + 4 * address) << 16 | (found & 0xFFFF)
    return mapping_make(block, now, key, number, external, address)


def bindings_admit(
    block: int, now: int, protocol: int, src: int, src_port: int, dst: int, dst_port: int, flags: int
) -> int:
    """The inside endpoint of a packet from outside without a session, if it may come in; else why not.

    It does as far as filtering allows it (RFC 4787, REQ-8), and of TCP only what begins a connection. A session is
    made by the answer.
    """
    sessions_expire(block, now, FEW)
    address = address_number(block, dst)
    if address < 0:
        return NO_BINDING
    mapping = mapping_of_port(block, protocol, address, dst_port)
    if mapping == 0:
        return NO_BINDING
    mode = load64(block + B_FILTER)
    if mode == FILTER_PORT:
        return FILTERED
    if mode == FILTER_ADDRESS and peer_find(block, wrap64(mapping << 32 | src)) == 0:
        return FILTERED
    if protocol == TCP and flags & (SYN | ACK | RST | FIN) != SYN:
        return NO_SESSION
    return shift_right(load64(mapping_at(block, mapping) + M_KEY), 16)


def bindings_external(
    block: int, now: int, protocol: int, src: int, src_port: int, dst: int, dst_port: int, static: int
) -> int:
    """The external endpoint of an inside one, for an error about a packet to it; or MISS. Nothing is kept alive."""
    ends = bindings_pair(src, dst)
    ports = bindings_ends(src_port, dst_port, protocol)
    session = session_out(block, ends, ports)
    if session != 0 and session_over(block, session, now) == 0:
        return session_external(session)
    if static != 0:
        return static
    mapping = mapping_find(block, mapping_key(protocol, src, src_port, 0), 0)
    return load64(mapping_at(block, mapping) + M_EXTERNAL) if mapping != 0 else MISS


def bindings_inside(
    block: int, now: int, protocol: int, src: int, src_port: int, dst: int, dst_port: int
) -> int:
    """The inside endpoint of an external one, for an error about a packet from it; or MISS."""
    ends = bindings_pair(dst, src)
    ports = bindings_ends(dst_port, src_port, protocol)
    session = session_in(block, ends, ports)
    if session == 0 or session_over(block, session, now) != 0:
        return MISS
    return session_inside(session)


def bindings_owns(block: int, address: int) -> int:
    """1 where an address is an external one."""
    return 1 if address_number(block, address) >= 0 else 0


def bindings_news(block: int, what: int) -> int:
    """A word of the oldest news (N_...), or MISS where there is none."""
    read = load64(block + B_READ)
    if read == load64(block + B_WRITTEN):
        return MISS
    return load64(block + load64(block + B_NEWS) + (read & (RING - 1)) * NEWS + what)


def bindings_read(block: int) -> int:
    """The oldest news is done with."""
    store64(block + B_READ, load64(block + B_READ) + 1)
    return 0
