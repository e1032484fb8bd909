"""Streams that change on their way: what the packets of both directions of TCP become (RFC 9293), and datagrams.

For each packet ``rewrite_arrive`` checks it and looks up its direction; the function that rewrites is called with
what reassembly has, and what it emits is taken by ``rewrite_emit`` and ``rewrite_commit``; ``rewrite_leave`` makes
of the packet what is to be sent now. That is nothing but output that is kept here until the receiver acknowledges
it, and the sender is told of an acknowledgement when all that its bytes became is acknowledged. So each end has the
other to repeat what is lost: this is no third party that keeps timers.
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load32be, load64, store64
from wirebrick.state.rewrite_arrive_native import (
    MASK32,
    arrive_ack,
    arrive_syn,
    check_sequence,
    offset_of,
    take_sequence,
)
from wirebrick.state.rewrite_layout import (
    B_DATAGRAM,
    B_RING,
    C_MIDSTREAM,
    C_NO_ROOM,
    C_STALE_OUTPUT,
    DATAGRAM,
    DROP_CHECKSUM,
    DROP_EVICTED,
    DROP_FLAGS,
    DROP_FRAGMENT,
    DROP_LENGTH,
    GROWN,
    MIDSTREAM,
    NOT_YET,
    OPEN,
    OPENING,
    OVER,
    P_STATE,
    R_CONSUMED,
    R_EMIT,
    R_END,
    R_FIN_IN,
    R_FIN_OUT,
    R_FLAGS,
    R_HELD,
    R_LIMIT,
    R_REACHED,
    R_REFUSED,
    R_SEEN,
    R_SENT,
    R_SIZE,
    R_STARTED,
    YOUNG,
)
from wirebrick.state.rewrite_leave_native import leave_datagram, leave_segment
from wirebrick.state.rewrite_map_native import map_add, ring_space, ring_write
from wirebrick.state.rewrite_packets_native import (
    ACK,
    FIN,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    RST,
    SYN,
    TCP_FLAGS,
    TCP_OFFSET,
    TCP_OPTIONS,
    TCP_SEQ,
    UDP_HEADER,
    ip_end,
    is_fragment,
    is_intact,
)
from wirebrick.state.rewrite_pairs_native import (
    K_PROTOCOL,
    count,
    find_direction,
    grave_of,
    is_reverse,
    make_pair,
    other_of,
    pair_hash,
    pair_of,
    start_direction,
    use_pair,
)


def rewrite_arrive(block: int, key: int, ip: int, header: int, size: int, now: int) -> int:
    """A packet with ``size`` bytes of payload came, at time ``now`` (ns).

    ``key`` is the address of its FlowKey, ``ip`` and ``header`` those of its IP and TCP (or UDP) headers. Returns the
    direction that the other functions take; or 0: the packet passes untouched; or, negative, why it has to be dropped
    (see REASONS).
    """
    if is_fragment(ip) != 0:
        return DROP_FRAGMENT
    protocol = load8(key + K_PROTOCOL)
    length = UDP_HEADER
    if protocol == PROTOCOL_TCP:
        length = (load8(header + TCP_OFFSET) >> 4) * 4
        if length < TCP_OPTIONS:
            return DROP_LENGTH
    if header + length + size != ip_end(ip):
        return DROP_LENGTH
    if is_intact(ip, header, protocol, length + size) == 0:
        return DROP_CHECKSUM
    if protocol == PROTOCOL_UDP:
        direction = block + load64(block + B_DATAGRAM)
        store64(direction + R_EMIT, 0)
        store64(direction + R_END, 0)
        store64(direction + R_SIZE, size)
        return direction
    return arrive_segment(block, key, header, length, size, now)


def arrive_segment(block: int, key: int, tcp: int, header: int, size: int, now: int) -> int:
    """The same for an intact TCP segment."""
    flags = load8(tcp + TCP_FLAGS)
    if flags & SYN and flags & (FIN | RST):
        return DROP_FLAGS
    if flags & (SYN | RST | ACK) == 0:
        return DROP_FLAGS
    if is_reverse(key, key) != 0:
        return 0  # from an end to itself: there are no two directions
    mixed = pair_hash(block, key)
    direction = find_direction(block, key, mixed)
    if direction == 0:
        grave = grave_of(block, mixed)
        if flags & SYN == 0 and load64(grave) == mixed:
            return DROP_EVICTED
        if flags & RST:
            return 0
        if load64(grave) == mixed:
            store64(grave, 0)
        direction = make_pair(block, key, mixed, now)
    if flags & SYN:
        code = arrive_syn(block, direction, tcp, header, flags)
        if code <= 0:
            return code
    elif load64(direction + R_STARTED) == NOT_YET and flags & RST == 0 and size > 0:
        start_direction(direction, load32be(tcp + TCP_SEQ), MIDSTREAM)
        count(block, C_MIDSTREAM, 1)
    if load64(direction + R_STARTED) != NOT_YET:
        code = check_sequence(block, direction, tcp, size, flags)
        if code < 0:
            return code
    code = arrive_ack(block, direction, tcp, flags)
    if code < 0:
        return code
    take_sequence(direction, size, flags)
    # Whatever was emitted but not committed belongs to a call that failed.
    store64(direction + R_EMIT, load64(direction + R_END))
    store64(direction + R_REFUSED, 0)
    note_state(block, direction, flags, now)
    return direction


def note_state(block: int, direction: int, flags: int, now: int) -> int:
    """What the packet makes of its connection, and who has to go before it."""
    pair = pair_of(direction)
    other = other_of(direction)
    state = load64(pair + P_STATE)
    if flags & RST:
        state = OVER
    elif state == OPENING and flags & SYN == 0 and load64(other + R_STARTED) != NOT_YET:
        state = OPEN
    elif state == OPEN and is_finished(direction) != 0 and is_finished(other) != 0:
        state = OVER
    store64(pair + P_STATE, state)
    return use_pair(block, pair, GROWN if state == OPEN else YOUNG, now)


def is_finished(direction: int) -> int:
    """1 where the FIN is sent."""
    fin = load64(direction + R_FIN_OUT)
    return 1 if fin >= 0 and load64(direction + R_SENT) > fin else 0


def rewrite_find(block: int, key: int) -> int:
    """The direction of a key, for windows that no packet of it brings (a timeout, a stream that gives way); or 0."""
    return find_direction(block, key, pair_hash(block, key))


def rewrite_accept(block: int, direction: int, first_seq: int, closed: int) -> int:
    """Whether a window that begins with sequence number ``first_seq`` goes on where the last was consumed to: 0.

    More: so many bytes of it are known already (or passed untouched, before the connection was known): skip them.
    Negative: bytes are missing before it, as reassembly lost the stream and began anew; it must not be used.
    """
    if load64(direction + R_STARTED) == DATAGRAM or is_of_older(direction, closed) != 0:
        return 0
    consumed = load64(direction + R_CONSUMED)
    at = offset_of(direction, first_seq, consumed)
    if load64(direction + R_FIN_OUT) >= 0:
        return 0 if closed != 0 else -1
    return consumed - at if at <= consumed else -1


def is_of_older(direction: int, closed: int) -> int:
    """1 where a stream ends because a SYN began another one with its key: then it is not this direction's."""
    return 1 if closed != 0 and load64(direction + R_FLAGS) & SYN != 0 else 0


def rewrite_room(block: int, direction: int) -> int:
    """How many bytes the function may be given at once (the first of a window); 0: none before more is acknowledged.

    All there are, unless it once emitted more for them than there was room for: then half as many, and so on. But
    what a stream has when it is closed is given whole.
    """
    if ring_space(block, direction) * 2 < load64(block + B_RING) - 2:
        store64(direction + R_REFUSED, 1)
        return 0
    return load64(direction + R_LIMIT)


def rewrite_emit(block: int, direction: int, address: int, size: int) -> int:
    """The function emits ``size`` bytes at ``address``: 0, or -1 where there is no room for them.

    Then all that it emitted since the last commit is forgotten: it has to be called again, with less.
    """
    end = load64(direction + R_EMIT)
    if size > ring_space(block, direction):
        count(block, C_NO_ROOM, 1)
        limit = min(load64(direction + R_LIMIT), load64(block + B_RING))
        store64(direction + R_LIMIT, max(1, limit // 2))
        store64(direction + R_REFUSED, 1)
        store64(direction + R_EMIT, load64(direction + R_END))
        return -1
    ring_write(block, direction, end, address, size)
    store64(direction + R_EMIT, end + size)
    return 0


def rewrite_commit(block: int, direction: int, next_seq: int, closed: int) -> int:
    """What was emitted since the last commit is what the input before the sequence number ``next_seq`` became.

    ``closed``: it was the last of the stream. Emitted bytes of a stream that is not this one (an older connection
    with the same key, given up when a new SYN came) are thrown away. Returns 0.
    """
    end = load64(direction + R_END)
    went = load64(direction + R_EMIT) - end
    if load64(direction + R_STARTED) == DATAGRAM:
        store64(direction + R_END, end + went)
        return 0
    consumed = load64(direction + R_CONSUMED)
    to = offset_of(direction, next_seq, consumed)
    fin = load64(direction + R_FIN_IN)
    most = load64(direction + R_SEEN)
    if fin >= 0:
        most = fin
        if to == fin + 1:
            to = fin
    if to < consumed or to > most or is_of_older(direction, closed) != 0:
        store64(direction + R_EMIT, end)
        count(block, C_STALE_OUTPUT, went)
        return 0
    map_add(block, direction, to - consumed, went)
    if closed != 0 and to == fin:
        store64(direction + R_FIN_OUT, load64(direction + R_END))
        map_add(block, direction, 1, 1)
    store64(direction + R_EMIT, load64(direction + R_END))
    return 0


def rewrite_hold(block: int, direction: int, next_seq: int) -> int:
    """All before the sequence number ``next_seq`` came in order: the function waits with what isn't consumed of it.

    Unless that waits for want of room: its sender has to keep it, as what it becomes may be lost on its way yet.
    Returns 0.
    """
    consumed = load64(direction + R_CONSUMED)
    held = offset_of(direction, next_seq & MASK32, consumed)
    if load64(direction + R_STARTED) != DATAGRAM and consumed <= held <= load64(direction + R_SEEN):
        store64(direction + R_REACHED, held)
        if load64(direction + R_REFUSED) == 0:
            store64(direction + R_HELD, held)
    return 0


def rewrite_leave(
    block: int, direction: int, w: int, position: int, ip_offset: int, header_offset: int, begin: int
) -> int:
    """Turn the packet at ``position`` of the burst of worker ``w`` into what is to be sent now.

    Its IP and TCP (or UDP) headers lie at these offsets in it, and its payload from ``begin`` on. The packet becomes
    the first segment, or an acknowledgement alone; the others are made at the next free positions. Returns how many
    were made; or, negative, why the packet has to be dropped (see REASONS), and none was made. Output that finds no
    free position goes with the next packet of its direction.
    """
    if load64(direction + R_STARTED) == DATAGRAM:
        return leave_datagram(block, direction, w, position, ip_offset, header_offset, begin)
    return leave_segment(block, direction, w, position, ip_offset, header_offset, begin)
