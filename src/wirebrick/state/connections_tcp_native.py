"""TCP connections: states, and which segments belong to one.

A segment belongs to its connection if its bytes fit the window that the other end gave, or had been sent before, and if
it acknowledges what was sent: G. van Rooij, *Real stateful TCP packet filtering in IP Filter* (2000), with window
scaling (RFC 7323, 2). Of a RST only the very next sequence number ends a connection (RFC 5961, 3.2). A SYN of a
connection that is open changes nothing, and passes: its receiver answers with an ACK that the sender may need to see
(RFC 5961, 4.2).

Sequence numbers are compared modulo 2**32 (RFC 9293, 3.4). Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    apart,
    inlined,
    load8,
    load16,
    load16be,
    load32,
    load32be,
    store8,
    store16,
    store32,
)
from wirebrick.seldom import seldom
from wirebrick.state.connections_layout import (
    ACKED_ANSWERS,
    ACKED_BEGAN,
    CLOSING,
    E_ACKED,
    E_EDGE,
    E_END,
    ESTABLISHED,
    FIN_ANSWERS,
    FIN_BEGAN,
    HALF,
    INVALID,
    LIBERAL,
    NEW,
    NO_SCALE,
    OUT_OF_WINDOW,
    PASS,
    RESET,
    SIDE,
    SYN,
    SYN_ACK,
    TIME_WAIT,
    V_BOTH,
    V_MARKS,
    V_SCALES,
    V_SIDES,
    V_STATE,
    V_WINDOWS,
)

T_SEQ, T_ACK, T_OFFSET, T_FLAGS, T_WINDOW, TCP_HEADER = 4, 8, 12, 13, 14, 20

FLAG_FIN, FLAG_SYN, FLAG_RST, FLAG_ACK, FLAG_URG = 1, 2, 4, 16, 32
CONSIDERED = FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK | FLAG_URG
# A bit for each combination of these flags that makes sense; a segment without ACK is a SYN or a RST.
SENSIBLE = (
    1 << FLAG_SYN
    | 1 << (FLAG_SYN | FLAG_URG)
    | 1 << (FLAG_SYN | FLAG_ACK)
    | 1 << FLAG_RST
    | 1 << (FLAG_RST | FLAG_ACK)
    | 1 << FLAG_ACK
    | 1 << (FLAG_ACK | FLAG_URG)
    | 1 << (FLAG_FIN | FLAG_ACK)
    | 1 << (FLAG_FIN | FLAG_ACK | FLAG_URG)
)
LEAST_ACK_WINDOW = 66000  # an ACK may be so old: a bit more than the largest window without scaling
WINDOW_SCALE, END_OF_OPTIONS, NO_OPERATION = 3, 0, 1
LARGEST_SCALE = 14


def distance(later: int, earlier: int) -> int:
    """How far a sequence number is behind another one, -2**31 to 2**31 - 1."""
    return ((later - earlier + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def is_sensible(flags: int) -> int:
    """1 if a segment may have these flags together."""
    return (SENSIBLE >> (flags & CONSIDERED)) & 1


def window_scale(tcp: int, size: int) -> int:
    """The window scale that a SYN offers in its header of ``size`` bytes; NO_SCALE where it offers none."""
    at = TCP_HEADER
    while at < size:
        kind = load8(tcp + at)
        if kind == END_OF_OPTIONS:
            return NO_SCALE
        if kind == NO_OPERATION:
            at += 1
            continue
        if at + 1 >= size:
            return NO_SCALE
        length = load8(tcp + at + 1)
        if length < 2 or at + length > size:
            return NO_SCALE
        if kind == WINDOW_SCALE and length == 3:
            return min(LARGEST_SCALE, load8(tcp + at + 2))
        at += length
    return NO_SCALE


def segment_end(tcp: int, data: int) -> int:
    """The sequence number behind a segment with so many bytes of data."""
    flags = load8(tcp + T_FLAGS)
    return (load32be(tcp + T_SEQ) + data + (flags & FLAG_FIN) + (flags >> 1 & 1)) & 0xFFFFFFFF


def side_begin(side: int, seq: int, end: int, edge: int) -> int:
    """Who sends its first segment: ``seq`` stands for what isn't acknowledged."""
    store32(side + E_END, end)
    store32(side + E_ACKED, seq)
    store32(side + E_EDGE, edge)
    return 0


def tcp_begin(value: int, tcp: int, size: int, data: int, loose: int) -> int:
    """Make the value of the connection that a segment begins; NEW, or INVALID where it can't begin one."""
    flags = load8(tcp + T_FLAGS) & (FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK)
    end = segment_end(tcp, data)
    window = max(1, load16be(tcp + T_WINDOW))
    if flags == FLAG_SYN:
        store8(value + V_STATE, SYN)
        store8(value + V_SCALES, window_scale(tcp, size) | NO_SCALE << 4)
        side_begin(value + V_SIDES, load32be(tcp + T_SEQ), end, end)
    elif flags == FLAG_ACK and loose != 0:
        store8(value + V_STATE, ESTABLISHED)
        store8(value + V_MARKS, LIBERAL)
        store8(value + V_SCALES, NO_SCALE | NO_SCALE << 4)
        side_begin(value + V_SIDES, load32be(tcp + T_SEQ), end, end)
        ack = load32be(tcp + T_ACK)
        side_begin(value + V_SIDES + SIDE, ack, ack, (ack + window) & 0xFFFFFFFF)
    else:
        return INVALID
    store16(value + V_WINDOWS, window)
    return NEW


@apart
def tcp_segment(value: int, answers: int, tcp: int, size: int, data: int, more: int) -> int:
    """A segment of a connection; ``answers``: 1 if it comes from the end that didn't begin. What becomes of it.

    NEW: the connection is over, and the segment begins another one. ``size``: bytes of the header. ``more``: fragments
    follow, so it has more than ``data`` bytes: taken to be all that the window lets it send.
    """
    state = load8(value + V_STATE)
    flags = load8(tcp + T_FLAGS)
    if state == SYN:
        return segment_of_syn(value, answers, tcp, size, data)
    if flags & (FLAG_SYN | FLAG_ACK) == FLAG_SYN:
        if state >= TIME_WAIT:
            return NEW
        return PASS if answers == 0 else INVALID
    if flags & FLAG_SYN != 0 and answers == 0 and (state != SYN_ACK or load8(value + V_BOTH) == 0):
        return INVALID
    marks = load8(value + V_MARKS)
    if load16(value + V_WINDOWS + 2) == 0 and marks & LIBERAL == 0:
        return INVALID  # reset before there was an answer
    own = value + V_SIDES + SIDE * answers
    other = value + V_SIDES + SIDE - SIDE * answers
    if more != 0:
        data = max(data, distance(load32(own + E_EDGE), load32be(tcp + T_SEQ)))
    end = segment_end(tcp, data)
    window = load16be(tcp + T_WINDOW)
    if flags & FLAG_SYN == 0:
        window <<= scale_of(value, answers)
    has_ack = flags & FLAG_ACK
    ack = load32be(tcp + T_ACK) if has_ack != 0 else load32(other + E_END)
    if marks & LIBERAL == 0 and not fits(value, answers, own, other, load32be(tcp + T_SEQ), end, ack):
        return OUT_OF_WINDOW
    if flags & FLAG_RST != 0:
        return reset(value, own, state, marks, load32be(tcp + T_SEQ))
    if marks & (ACKED_BEGAN << (1 - answers)) == 0:
        if marks & LIBERAL == 0 and distance(ack, load32(other + E_ACKED)) < 1:
            return INVALID  # the SYN isn't acknowledged
        marks |= ACKED_BEGAN << (1 - answers)
    if flags & FLAG_SYN != 0:
        if state != SYN_ACK:
            return PASS
    else:
        widen(value, answers, load16be(tcp + T_WINDOW))
    advance(own, other, end, ack, window)
    if flags & FLAG_FIN != 0:
        marks |= FIN_BEGAN << answers
    store8(value + V_STATE, next_state(value, state, marks, answers))
    if load8(value + V_STATE) >= ESTABLISHED and (state == SYN_ACK or answers != 0):
        marks &= ~HALF
    store8(value + V_MARKS, marks)
    return PASS


@inlined
def tcp_plain(value: int, answers: int, tcp: int, data: int) -> int:
    """Short for ``tcp_segment``: of a whole segment with ACK, without SYN, FIN and RST, of an ESTABLISHED connection.

    1: it passes. 0: that isn't known, and nothing has changed.
    """
    marks = load8(value + V_MARKS)
    if marks & (ACKED_BEGAN << (1 - answers)) == 0:
        return 0
    own = value + V_SIDES + SIDE * answers
    other = value + V_SIDES + SIDE - SIDE * answers
    seq = load32be(tcp + T_SEQ)
    end = (seq + data) & 0xFFFFFFFF
    ack = load32be(tcp + T_ACK)
    if marks & LIBERAL == 0 and not fits(value, answers, own, other, seq, end, ack):
        return 0
    window = load16be(tcp + T_WINDOW)
    widen(value, answers, window)
    advance(own, other, end, ack, window << scale_of(value, answers))
    if marks & HALF != 0 and answers != 0:
        store8(value + V_MARKS, marks & ~HALF)
    return 1


@seldom
def segment_of_syn(value: int, answers: int, tcp: int, size: int, data: int) -> int:
    """A segment of a connection of which only a SYN was seen."""
    flags = load8(tcp + T_FLAGS) & (FLAG_FIN | FLAG_SYN | FLAG_RST | FLAG_ACK)
    seq = load32be(tcp + T_SEQ)
    ack = load32be(tcp + T_ACK)
    began = value + V_SIDES
    if answers == 0:
        if flags == FLAG_SYN:
            # Once more; or the client began anew, with another initial sequence number.
            marks = load8(value + V_MARKS)
            tcp_begin(value, tcp, size, data, 0)
            store8(value + V_MARKS, marks)
            return PASS
        # It resets what it began itself, or the older connection that the server spoke of.
        older = load8(value + V_MARKS) & ACKED_ANSWERS != 0 and seq == load32(began + SIDE + E_ACKED)
        if flags != FLAG_RST or (seq != load32(began + E_END) and not older):
            return INVALID
        store8(value + V_STATE, RESET)
        return PASS
    acknowledges = (
        flags & FLAG_ACK != 0
        and distance(ack, load32(began + E_ACKED)) >= 1
        and distance(load32(began + E_END), ack) >= 0
    )
    if flags & FLAG_RST != 0:
        if acknowledges:
            store8(value + V_STATE, RESET)
        return PASS if acknowledges else INVALID
    if flags & FLAG_SYN == 0:
        # The server has an older connection of these ends: its ACK makes the client reset that.
        if flags != FLAG_ACK or data != 0:
            return INVALID
        store8(value + V_MARKS, load8(value + V_MARKS) | ACKED_ANSWERS)
        store32(began + SIDE + E_ACKED, ack)
        return PASS
    if flags & FLAG_ACK != 0 and not acknowledges:
        return INVALID
    store8(value + V_STATE, SYN_ACK)
    end = segment_end(tcp, data)
    window = max(1, load16be(tcp + T_WINDOW))
    first = load16(value + V_WINDOWS)
    side_begin(began + SIDE, seq, end, (end + first) & 0xFFFFFFFF)
    marks = load8(value + V_MARKS) & ~ACKED_ANSWERS
    if flags & FLAG_ACK != 0:
        marks |= ACKED_BEGAN
        store32(began + E_ACKED, ack)
    else:
        store8(value + V_BOTH, 1)
    store8(value + V_MARKS, marks)
    store32(began + E_EDGE, (load32(began + E_END) + window) & 0xFFFFFFFF)
    scale = load8(value + V_SCALES) & 15
    other_scale = window_scale(tcp, size)
    store8(value + V_SCALES, scale | other_scale << 4)
    if scale == NO_SCALE or other_scale == NO_SCALE:
        scale = 0
        other_scale = 0
    # Windows of SYNs aren't scaled; from here on they are kept in steps.
    store16(value + V_WINDOWS, (first + (1 << scale) - 1) >> scale)
    store16(value + V_WINDOWS + 2, (window + (1 << other_scale) - 1) >> other_scale)
    return PASS


def scale_of(value: int, answers: int) -> int:
    """The scale of the windows of an end, which is used where both offered one."""
    scales = load8(value + V_SCALES)
    scale = (scales >> 4 * answers) & 15
    if scale == NO_SCALE or (scales >> 4 - 4 * answers) & 15 == NO_SCALE:
        return 0
    return scale


def largest_window(value: int, answers: int) -> int:
    """The largest window that an end gave, in bytes."""
    return load16(value + V_WINDOWS + 2 * answers) << scale_of(value, answers)


def fits(value: int, answers: int, own: int, other: int, seq: int, end: int, ack: int) -> bool:
    """Whether a segment is in the window, or was before, and acknowledges what was sent."""
    return (
        distance(load32(own + E_EDGE), seq) >= 0
        and distance(end, load32(own + E_END)) >= -largest_window(value, 1 - answers)
        and distance(load32(other + E_END), ack) >= 0
        and distance(load32(other + E_END), ack) <= max(LEAST_ACK_WINDOW, largest_window(value, answers))
    )


@seldom
def reset(value: int, own: int, state: int, marks: int, seq: int) -> int:
    """A RST whose sequence number is in the window, or was."""
    if marks & LIBERAL == 0:
        behind = distance(seq, load32(own + E_ACKED))
        if behind < 0:
            return OUT_OF_WINDOW
        if (state in (ESTABLISHED, CLOSING)) and behind != 0 and distance(seq, load32(own + E_END)) != 0:
            return PASS  # its receiver asks back, and what answers then is the right one
    store8(value + V_STATE, RESET)
    return PASS


def widen(value: int, answers: int, window: int) -> int:
    """An end gives a window, in steps of its scale."""
    at = value + V_WINDOWS + 2 * answers
    if window > load16(at):
        store16(at, window)
    return 0


def advance(own: int, other: int, end: int, ack: int, window: int) -> int:
    """What was sent, acknowledged, and allowed to be sent."""
    if distance(end, load32(own + E_END)) > 0:
        store32(own + E_END, end)
    if distance(ack, load32(other + E_ACKED)) > 0:
        store32(other + E_ACKED, ack)
    edge = (ack + max(1, window)) & 0xFFFFFFFF  # a window of 0 is probed with a byte
    if distance(edge, load32(other + E_EDGE)) > 0:
        store32(other + E_EDGE, edge)
    return 0


def next_state(value: int, state: int, marks: int, answers: int) -> int:
    """The state behind a segment that isn't a RST."""
    both = ACKED_BEGAN | ACKED_BEGAN << 1
    if state == SYN_ACK and marks & both == both:
        state = ESTABLISHED
    if state == ESTABLISHED and marks & (FIN_BEGAN | FIN_ANSWERS) != 0:
        state = CLOSING
    if state == CLOSING and marks & (FIN_BEGAN | FIN_ANSWERS) == FIN_BEGAN | FIN_ANSWERS:
        began = value + V_SIDES
        if load32(began + E_ACKED) == load32(began + E_END) and load32(began + SIDE + E_ACKED) == load32(
            began + SIDE + E_END
        ):
            state = TIME_WAIT
    return state
