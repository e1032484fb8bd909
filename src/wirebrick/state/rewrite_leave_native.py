"""What a packet becomes: the segments that are to be sent now, or the acknowledgement that it carries, alone."""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, DESCRIPTOR, W_BURST
from wirebrick.packet.memory import load64, store8, store16be, store32be, store64
from wirebrick.state.rewrite_arrive_native import number_of
from wirebrick.state.rewrite_layout import (
    C_PROBES,
    C_RETRANSMITTED,
    C_SEGMENTS,
    C_UNPLACED,
    DROP_ABSORBED,
    DROP_FRAME,
    MIDSTREAM,
    NOT_YET,
    R_ACK,
    R_ASKED,
    R_BEFORE,
    R_CONSUMED,
    R_EDGE,
    R_END,
    R_FIN_OUT,
    R_FLAGS,
    R_HELD,
    R_IN_ACKED,
    R_LARGEST,
    R_MSS,
    R_NEWS,
    R_NOW,
    R_OUT_ACKED,
    R_REACHED,
    R_SENT,
    R_SIZE,
    R_STALE,
    R_STARTED,
    R_WINDOW,
)
from wirebrick.state.rewrite_map_native import map_place, map_range, ring_read
from wirebrick.state.rewrite_packets_native import (
    ACK,
    CWR,
    FIN,
    PSH,
    RST,
    SYN,
    TCP_ACK,
    TCP_FLAGS,
    TCP_OPTIONS,
    TCP_SEQ,
    TCP_URGENT,
    TCP_WINDOW,
    URG,
    blank_options,
    finish_tcp,
    finish_udp,
    next_packet,
    payload_room,
)
from wirebrick.state.rewrite_pairs_native import count

MTU = 1500  # bytes of an IP packet, unless the sender's are larger
MIDSTREAM_MSS = 536  # RFC 9293, 3.7.1: where no SYN was seen
LEAST_MSS = 48


def segment_most(direction: int, w: int, descriptor: int, ip_offset: int, tcp_offset: int, begin: int) -> int:
    """Bytes of payload that a segment may have: what the receiver takes, an IP packet and a frame have room for."""
    mss = load64(direction + R_MSS)
    fits = MTU - (begin - ip_offset)
    largest = load64(direction + R_LARGEST)
    if mss == 0:
        most = max(MIDSTREAM_MSS, min(largest, fits))
    else:
        most = min(mss - (begin - tcp_offset - TCP_OPTIONS), max(fits, largest))
    return min(max(most, LEAST_MSS), payload_room(w, descriptor, begin))


def put_segments(
    block: int,
    direction: int,
    w: int,
    position: int,
    ip_offset: int,
    tcp_offset: int,
    begin: int,
    out: int,
    end: int,
    done: int,
) -> tuple[int, int]:
    """Make segments of the output ``out`` .. ``end``; ``done`` are made already, the first in the packet's place.

    Returns how far it came, and how many are done.
    """
    burst = load64(w + W_BURST)
    most = segment_most(direction, w, burst + position * DESCRIPTOR, ip_offset, tcp_offset, begin)
    fin = load64(direction + R_FIN_OUT)
    data_end = min(end, fin) if fin >= 0 else end
    flags = load64(direction + R_FLAGS) & ~(FIN | PSH | URG)
    while out < end:
        at = position
        if done > 0:
            at = next_packet(w, position, ip_offset, begin, done)
            if at < 0:
                count(block, C_UNPLACED, 1)
                return out, done
            count(block, C_SEGMENTS, 1)
            flags = flags & ~CWR
        size = min(most, data_end - out)
        data = load64(burst + at * DESCRIPTOR + D_DATA)
        ring_read(block, direction, out, data + begin, size)
        store32be(data + tcp_offset + TCP_SEQ, number_of(direction, out))
        out += size
        marks = flags
        if out == fin and out < end:
            out += 1
            marks = marks | FIN
        if out == load64(direction + R_END):
            marks = marks | PSH
        store8(data + tcp_offset + TCP_FLAGS, marks)
        finish_tcp(w, burst + at * DESCRIPTOR, ip_offset, tcp_offset, begin + size)
        done += 1
    return out, done


def leave_segment(
    block: int, direction: int, w: int, position: int, ip_offset: int, tcp_offset: int, begin: int
) -> int:
    """Turn the packet into what is to be sent; how many packets were made, or why it has to be dropped."""
    descriptor = load64(w + W_BURST) + position * DESCRIPTOR
    tcp = load64(descriptor + D_DATA) + tcp_offset
    flags = load64(direction + R_FLAGS)
    if payload_room(w, descriptor, begin) < LEAST_MSS:
        return DROP_FRAME
    blank_options(tcp, begin - tcp_offset)
    if flags & ACK:
        store32be(tcp + TCP_ACK, load64(direction + R_ACK))
        store16be(tcp + TCP_WINDOW, load64(direction + R_WINDOW))
    if flags & (SYN | RST) or load64(direction + R_STARTED) == NOT_YET:
        if flags & RST and load64(direction + R_STARTED) != NOT_YET:
            store32be(tcp + TCP_SEQ, number_of(direction, reset_place(direction)))
        finish_tcp(w, descriptor, ip_offset, tcp_offset, begin)
        return 0
    store16be(tcp + TCP_URGENT, 0)
    done = 0
    now = load64(direction + R_NOW)
    end = now + load64(direction + R_SIZE)
    if now < 0 and end > now and load64(direction + R_STARTED) == MIDSTREAM:
        # Older than all that was seen: it passes as it is.
        store8(tcp + TCP_FLAGS, flags & ~(FIN | PSH | URG))
        finish_tcp(w, descriptor, ip_offset, tcp_offset, begin + min(end, 0) - now)
        done = 1
    last = end + (1 if flags & FIN else 0)
    if now < load64(direction + R_BEFORE) and last > 0:
        out, stop = map_range(direction, now, min(last, load64(direction + R_BEFORE)))
        if out < stop:
            reached, done = put_segments(
                block, direction, w, position, ip_offset, tcp_offset, begin, out, stop, done
            )
            count(block, C_RETRANSMITTED, reached - out)
    sent = load64(direction + R_SENT)
    if done == 0 and asks_again(direction) != 0:
        out = load64(direction + R_OUT_ACKED)
        stop = min(sent, out + segment_most(direction, w, descriptor, ip_offset, tcp_offset, begin))
        out, done = put_segments(block, direction, w, position, ip_offset, tcp_offset, begin, out, stop, done)
        count(block, C_RETRANSMITTED, out - load64(direction + R_OUT_ACKED))
    limit = min(load64(direction + R_END), max(sent, load64(direction + R_EDGE)))
    if sent < limit:
        sent, done = put_segments(
            block, direction, w, position, ip_offset, tcp_offset, begin, sent, limit, done
        )
        store64(direction + R_SENT, sent)
    if done > 0:
        return done - 1
    return leave_empty(block, direction, w, descriptor, ip_offset, tcp_offset, begin)


def asks_again(direction: int) -> int:
    """1 for a keep-alive or window probe of a sender that has nothing to repeat, while output may have been lost.

    So it is where input was acknowledged before what it became was: bytes that a function waited with.
    """
    now = load64(direction + R_NOW)
    if load64(direction + R_SIZE) > 0 or now >= load64(direction + R_IN_ACKED):
        return 0
    if load64(direction + R_IN_ACKED) < load64(direction + R_CONSUMED):
        return 0
    return 1 if load64(direction + R_SENT) > load64(direction + R_OUT_ACKED) else 0


def reset_place(direction: int) -> int:
    """Where in the output a reset stands: where the receiver expects the next byte, if it was right for the input."""
    now = load64(direction + R_NOW)
    acked = load64(direction + R_IN_ACKED)
    if now >= load64(direction + R_CONSUMED):
        return load64(direction + R_SENT) + now - load64(direction + R_CONSUMED)
    if now <= acked:
        return load64(direction + R_OUT_ACKED) - (acked - now)
    return min(load64(direction + R_SENT), map_place(direction, now, 0))


def wants_answer(direction: int) -> int:
    """1 where the receiver has to be asked what it has: no data will bring the sender the acknowledgement it waits for.

    Out of order and again: as the receiver would answer these at once (RFC 5681, 3.2). In order: where what it became
    is nothing, or waits for the window, while nothing is on its way that will be answered: one answer is for all that
    came before it, and a second would be taken for a duplicate.
    """
    now = load64(direction + R_NOW)
    last = now + load64(direction + R_SIZE) + (1 if load64(direction + R_FLAGS) & FIN else 0)
    if now == last:
        return 1 if now < load64(direction + R_IN_ACKED) else 0  # a keep-alive
    if last <= load64(direction + R_BEFORE) or now < load64(direction + R_IN_ACKED):
        return 1
    if now > max(load64(direction + R_CONSUMED), load64(direction + R_REACHED)):
        return 1
    if load64(direction + R_SENT) > load64(direction + R_OUT_ACKED) or load64(direction + R_ASKED) != 0:
        return 0
    if load64(direction + R_END) > load64(direction + R_SENT):
        return 1
    had = max(load64(direction + R_CONSUMED), load64(direction + R_HELD))
    return 1 if had > load64(direction + R_IN_ACKED) else 0


def leave_empty(
    block: int, direction: int, w: int, descriptor: int, ip_offset: int, tcp_offset: int, begin: int
) -> int:
    """There is nothing to send: 0 for a packet that only acknowledges, or asks; or DROP_ABSORBED.

    Asking is repeating the last byte (or the FIN) that the receiver acknowledged, or, where none was, a keep-alive
    (RFC 9293, 3.8.4): the receiver has to answer, so that the sender learns what is acknowledged, and loses no time
    where duplicate acknowledgements would tell it of a loss. Without its payload a packet that says nothing new would
    be such a duplicate itself, about the other direction: it goes.
    """
    data = load64(descriptor + D_DATA)
    had_bytes = load64(direction + R_SIZE) > 0 or load64(direction + R_FLAGS) & FIN != 0
    number = load64(direction + R_SENT)
    flags = load64(direction + R_FLAGS) & ~(FIN | PSH | URG)
    size = 0
    if wants_answer(direction) != 0:
        count(block, C_PROBES, 1)
        store64(direction + R_ASKED, 1)
        number = load64(direction + R_OUT_ACKED) - 1
        if had_bytes and 0 <= number == load64(direction + R_FIN_OUT):
            flags = flags | FIN
        elif had_bytes and load64(direction + R_STALE) >= 0:
            size = 1
            store8(data + begin, load64(direction + R_STALE))
    elif had_bytes and load64(direction + R_NEWS) == 0:
        return DROP_ABSORBED
    store32be(data + tcp_offset + TCP_SEQ, number_of(direction, number))
    store8(data + tcp_offset + TCP_FLAGS, flags)
    finish_tcp(w, descriptor, ip_offset, tcp_offset, begin + size)
    return 0


def leave_datagram(
    block: int, direction: int, w: int, position: int, ip_offset: int, udp_offset: int, begin: int
) -> int:
    """The same for a UDP datagram: what was emitted is its payload, and of as many more as that takes."""
    burst = load64(w + W_BURST)
    end = load64(direction + R_END)
    size = load64(direction + R_SIZE)
    if end == 0 and size > 0:
        return DROP_ABSORBED
    room = payload_room(w, burst + position * DESCRIPTOR, begin)
    most = min(max(MTU - (begin - ip_offset), size), room)
    if most < LEAST_MSS:
        return DROP_FRAME
    out = 0
    done = 0
    while out < end or done == 0:
        at = position
        if done > 0:
            at = next_packet(w, position, ip_offset, begin, done)
            if at < 0:
                count(block, C_UNPLACED, 1)
                return done - 1
            count(block, C_SEGMENTS, 1)
        part = min(most, end - out)
        descriptor = burst + at * DESCRIPTOR
        ring_read(block, direction, out, load64(descriptor + D_DATA) + begin, part)
        finish_udp(w, descriptor, ip_offset, udp_offset, begin + part)
        out += part
        done += 1
    return done - 1
