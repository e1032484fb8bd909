"""What a packet of a connection says: SYNs, acknowledgements, windows, its place in the stream (RFC 9293, RFC 5961).

Checked as a careful receiver would: what that would not accept must not get into the stream, as it would be sent
on with the right numbers.
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load16be, load32be, load64, store64
from wirebrick.state.rewrite_layout import (
    B_RING,
    BY_SYN,
    C_CHALLENGED,
    C_NARROWED,
    DROP_ACK,
    DROP_RESET,
    DROP_SYN,
    DROP_WINDOW,
    MIDSTREAM,
    NO_EDGE,
    NOT_YET,
    OPEN,
    OPENING,
    OVER,
    P_ASKED,
    P_STATE,
    R_ACK,
    R_ASKED,
    R_BASE,
    R_BEFORE,
    R_CONSUMED,
    R_EDGE,
    R_END,
    R_FIN_IN,
    R_FLAGS,
    R_IN_ACKED,
    R_LARGEST,
    R_MSS,
    R_NEWS,
    R_NOW,
    R_OUT_ACKED,
    R_RAW_ACK,
    R_RAW_WINDOW,
    R_SCALE,
    R_SEEN,
    R_SENT,
    R_SIZE,
    R_STALE,
    R_STARTED,
    R_WINDOW,
    R_WINDOW_MOST,
    SCALE_NONE,
    SCALE_UNKNOWN,
)
from wirebrick.state.rewrite_map_native import map_acked
from wirebrick.state.rewrite_packets_native import (
    ACK,
    FIN,
    LARGEST_SCALE,
    OPTION_MSS,
    OPTION_SCALE,
    RST,
    SYN,
    TCP_ACK,
    TCP_SEQ,
    TCP_WINDOW,
    find_tcp_option,
)
from wirebrick.state.rewrite_pairs_native import count, other_of, pair_of, reset_direction, start_direction

MASK32 = 0xFFFFFFFF
FEW_SEGMENTS = 4 * 1460  # bytes
DEFAULT_MSS = 536  # RFC 9293, 3.7.1


def offset_of(direction: int, number: int, near: int) -> int:
    """The byte with a sequence number, of those that are 2**32 apart the one nearest to ``near``."""
    distance = (number - load64(direction + R_BASE) - near) & MASK32
    if distance > MASK32 >> 1:
        distance -= 1 << 32
    return near + distance


def number_of(direction: int, offset: int) -> int:
    """The sequence number of a byte."""
    return (load64(direction + R_BASE) + offset) & MASK32


def scale_of(direction: int) -> int:
    """The shift of a direction's windows, or SCALE_UNKNOWN (RFC 7323, 2.2: both ends or none)."""
    own = load64(direction + R_SCALE)
    others = load64(other_of(direction) + R_SCALE)
    if own == SCALE_UNKNOWN or others == SCALE_UNKNOWN:
        return SCALE_UNKNOWN
    if own == SCALE_NONE or others == SCALE_NONE:
        return 0
    return own


def arrive_syn(block: int, direction: int, tcp: int, header: int, flags: int) -> int:
    """A SYN, or SYN-ACK. Returns 1: go on; 0: it passes untouched; or why it has to be dropped.

    In a living connection a SYN with another number may be an attack, or that of a sender that began anew. The
    receiver decides: the SYN is shown to it, and it will ask the sender (RFC 5961, 4). If it takes it after all
    (its SYN-ACK says so) this connection is over, and the sender's next SYN begins the new one.
    """
    pair = pair_of(direction)
    other = other_of(direction)
    state = load64(pair + P_STATE)
    number = load32be(tcp + TCP_SEQ)
    base = (number + 1) & MASK32
    if is_known(block, direction, base) == 0:
        if flags & ACK:
            answered = load32be(tcp + TCP_ACK)
            if state == OPEN:
                if load64(pair + P_ASKED) >= 0 and answered == (load64(pair + P_ASKED) + 1) & MASK32:
                    store64(pair + P_STATE, OVER)
                return DROP_SYN
            if load64(other + R_STARTED) == BY_SYN and answered != load64(other + R_BASE):
                return DROP_SYN
        elif state == OPEN:
            store64(pair + P_ASKED, number)
            count(block, C_CHALLENGED, 1)
            return 0
        elif (
            state == OVER
            or load64(direction + R_STARTED) != NOT_YET
            or load64(other + R_STARTED) == MIDSTREAM
        ):
            reset_direction(direction)
            reset_direction(other)
        store64(pair + P_STATE, OPENING)
        store64(pair + P_ASKED, -1)
        start_direction(direction, base, BY_SYN)
    option = find_tcp_option(tcp, header, OPTION_SCALE, 1)
    store64(direction + R_SCALE, min(load8(option), LARGEST_SCALE) if option != 0 else SCALE_NONE)
    option = find_tcp_option(tcp, header, OPTION_MSS, 2)
    store64(other + R_MSS, load16be(option) if option != 0 else DEFAULT_MSS)
    return 1


def is_known(block: int, direction: int, base: int) -> int:
    """1 where the SYN before byte ``base`` is that of the stream as it is known.

    Where that was picked up in the middle the SYN may have come late.
    """
    late = (load64(direction + R_BASE) - base) & MASK32
    if load64(direction + R_STARTED) == BY_SYN:
        return 1 if late == 0 else 0
    return 1 if load64(direction + R_STARTED) == MIDSTREAM and late <= load64(block + B_RING) else 0


def check_sequence(block: int, direction: int, tcp: int, size: int, flags: int) -> int:
    """Whether the receiver could take the packet: 0, or why it has to be dropped. Changes nothing but R_NOW."""
    consumed = load64(direction + R_CONSUMED)
    number = load32be(tcp + TCP_SEQ)
    at = offset_of(direction, number + 1 if flags & SYN else number, consumed)
    most = load64(direction + R_WINDOW_MOST)
    store64(direction + R_NOW, at)
    if at + size < load64(direction + R_IN_ACKED) - most - 1:
        return DROP_WINDOW
    if at > consumed + max(most, load64(block + B_RING)):
        return DROP_WINDOW
    if flags & RST and at not in (consumed, load64(direction + R_SEEN), load64(direction + R_IN_ACKED)):
        return DROP_RESET
    return 0


def take_sequence(direction: int, size: int, flags: int) -> int:
    """The packet is taken: what of the stream has come."""
    end = load64(direction + R_NOW) + size
    store64(direction + R_SIZE, size)
    store64(direction + R_FLAGS, flags)
    store64(direction + R_BEFORE, load64(direction + R_CONSUMED))
    if flags & FIN and load64(direction + R_FIN_IN) < 0 and end >= load64(direction + R_SEEN):
        store64(direction + R_FIN_IN, end)
    if size > 0:  # what only acknowledges may come before a FIN that was lost, with a number behind it
        store64(direction + R_SEEN, max(load64(direction + R_SEEN), end))
    store64(direction + R_LARGEST, max(load64(direction + R_LARGEST), size))
    return 0


def arrive_ack(block: int, direction: int, tcp: int, flags: int) -> int:
    """Acknowledgement and window of a packet, about the other direction: 0, or why it has to be dropped."""
    other = other_of(direction)
    raw = load32be(tcp + TCP_ACK)
    window = load16be(tcp + TCP_WINDOW)
    if flags & ACK == 0:
        if flags & SYN:
            store64(other + R_EDGE, window)
        store64(direction + R_NEWS, 1)
        return 0
    ack = raw
    narrow = window
    if load64(other + R_STARTED) != NOT_YET:
        acked = load64(other + R_OUT_ACKED)
        at = offset_of(other, raw, acked)
        if at > load64(other + R_SENT) or at < acked - load64(other + R_WINDOW_MOST):
            return DROP_ACK
        if at >= acked:
            store64(other + R_ASKED, 0)
            ack = number_of(other, map_acked(block, other, at))
            if load64(other + R_STALE) < 0:
                store64(other + R_STALE, 0)
            if flags & RST == 0:
                narrow = arrive_window(block, direction, at, window, flags)
        else:  # an old one stays old
            ack = number_of(other, load64(other + R_IN_ACKED) - (acked - at))
    elif flags & SYN:
        store64(other + R_EDGE, window)
    last = load64(direction + R_WINDOW)
    if ack == load64(direction + R_ACK):
        # To be known as a duplicate (RFC 5681, 2) it must not bring another window.
        if last > 0 and raw == load64(direction + R_RAW_ACK) and window == load64(direction + R_RAW_WINDOW):
            narrow = last
        store64(direction + R_NEWS, 1 if narrow != last else 0)
    else:
        store64(direction + R_NEWS, 1)
    store64(direction + R_RAW_ACK, raw)
    store64(direction + R_RAW_WINDOW, window)
    store64(direction + R_ACK, ack)
    store64(direction + R_WINDOW, narrow)
    return 0


def arrive_window(block: int, direction: int, at: int, window: int, flags: int) -> int:
    """Note what the sender of this packet has a window for, and return the window that the other end may see.

    That is the same, but no more than the receiver takes and half of the ring has room for (the other half is for
    what one call emits), if what comes grows as what came did. Some segments may always come: they bring out what
    waits.
    """
    other = other_of(direction)
    scale = 0 if flags & SYN else scale_of(direction)
    if scale == SCALE_UNKNOWN:
        store64(other + R_EDGE, NO_EDGE)
        store64(other + R_WINDOW_MOST, max(load64(other + R_WINDOW_MOST), window << LARGEST_SCALE))
        return window
    size = window << scale
    edge = load64(other + R_EDGE)
    store64(other + R_EDGE, at + size if edge == NO_EDGE else max(edge, at + size))
    store64(other + R_WINDOW_MOST, max(load64(other + R_WINDOW_MOST), size))
    if flags & SYN:
        return window
    consumed = load64(other + R_CONSUMED)
    end = load64(other + R_END)
    room = max(0, load64(block + B_RING) // 2 - end + load64(other + R_OUT_ACKED))
    if end > consumed:
        room = min(room, max(0, load64(other + R_EDGE) - end))
        room = room * ((consumed >> 10) + 1) // ((end >> 10) + 1)
    acked = load64(other + R_IN_ACKED)
    fits = max(0, max(consumed, acked) + room - acked) >> scale
    if end > consumed:
        fits = max(fits, min(window, (FEW_SEGMENTS >> scale) + 1))
    if fits >= window:
        return window
    count(block, C_NARROWED, 1)
    return fits
