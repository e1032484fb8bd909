"""A packet comes: which stream it belongs to, where in it, and whether it may.

RFC 9293, 3.10.7 says what a receiver takes; this looks on from between the ends, so it can't know what
the receiver saw. A segment belongs to the stream if it begins at most a buffer ahead of what is expected.
RFC 5961 tells why RST must be in the window. Four segments in a row outside of it that continue each other are
believed: then more was lost than the buffer holds, or the sender began anew unseen.
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load32be, load64, store64
from wirebrick.state.reassembly_buffer_native import count_overlap, stream_count
from wirebrick.state.reassembly_flows_native import (
    stream_begin,
    stream_elapsed,
    stream_hatch,
    stream_take,
    stream_use,
)
from wirebrick.state.reassembly_index_native import list_remove, stream_find, stream_hash
from wirebrick.state.reassembly_layout import (
    AFTER_RESTART,
    C_AFTER_CLOSE,
    C_BAD_FLAGS,
    C_BAD_RESET,
    C_DUPLICATE,
    C_MIDSTREAM,
    C_NO_ROOM,
    C_OLD,
    C_OUT_OF_WINDOW,
    C_RESTARTED,
    CLOSING,
    F_AFTER,
    F_BASE,
    F_FIN,
    F_LAST,
    F_MIDSTREAM,
    F_NEW_START,
    F_PACKET_DATA,
    F_PACKET_OFFSET,
    F_PACKET_OVERLAPS,
    F_PACKET_SIZE,
    F_PACKET_WHOLE,
    F_REACHED,
    F_START,
    F_STATE,
    F_STRAY_SEQ,
    F_STRAYS,
    F_TOP,
    F_USE,
    F_USED,
    PAST,
    R_BUFFER,
    R_COUNTERS,
    R_HOLES,
    R_MEMORY,
)

FIN, SYN, RST = 1, 2, 4
MASK32 = (1 << 32) - 1
BELIEVED = 4  # segments outside of the window that continue each other
MOST_WINDOW = 1 << 30  # bytes: nothing farther behind can be a retransmission (RFC 7323, 2.3)


def stream_refuse(block: int, counter: int) -> int:
    """Count a packet that brings nothing; its reason: the number of the counter, from 1, negative."""
    stream_count(block, counter, 1)
    return -((counter - R_COUNTERS) // 8 + 1)


def stream_distance(a: int, b: int) -> int:
    """From sequence number ``b`` to ``a``, -2**31 .. 2**31-1."""
    return (((a - b) & MASK32) ^ (1 << 31)) - (1 << 31)


def stream_offset(flow: int, seq: int) -> int:
    """The offset in the stream that is nearest to what is expected and has this sequence number."""
    reached = load64(flow + F_REACHED)
    return reached + stream_distance(seq, load64(flow + F_START) + reached)


def stream_hold(flow: int, offset: int, data: int, size: int, whole: int) -> int:
    """Let reassembly_ready have the bytes of this packet; ``whole``: where it ends if some were cut off, or 0."""
    store64(flow + F_PACKET_DATA, data)
    store64(flow + F_PACKET_SIZE, size)
    store64(flow + F_PACKET_OFFSET, offset)
    store64(flow + F_PACKET_WHOLE, whole)
    store64(flow + F_PACKET_OVERLAPS, 0)
    return flow


def stream_restart(block: int, flow: int, start: int, data: int, size: int, missing: int, now: int) -> int:
    """The stream ends; another one begins in its place, with this packet."""
    stream_count(block, C_RESTARTED, 1)
    store64(flow + F_NEW_START, start)
    store64(flow + F_AFTER, AFTER_RESTART)
    store64(flow + F_STATE, CLOSING)
    store64(flow + F_LAST, now)
    store64(flow + F_USED, now)
    whole = size + missing if missing > 0 and load64(block + R_HOLES) != 0 else 0
    return stream_hold(flow, 0, data, size, whole)


def stream_reset(block: int, flow: int, seq: int) -> int:
    """RST: ends the stream if it is in the window."""
    if flow == 0 or load64(flow + F_STATE) == PAST:
        return 0
    offset = stream_offset(flow, seq)
    reached = load64(flow + F_REACHED)
    if offset < min(reached, load64(flow + F_TOP)) or offset > reached + load64(block + R_BUFFER):
        return stream_refuse(block, C_BAD_RESET)
    stream_hold(flow, 0, 0, 0, 0)
    store64(flow + F_STATE, CLOSING)
    return flow


def stream_stray(block: int, flow: int, seq: int, length: int) -> int:
    """How many segments outside of the window, the last at ``seq``, continued each other; then it begins anew."""
    strays = load64(flow + F_STRAYS) + 1 if load64(flow + F_STRAY_SEQ) == seq else 1
    store64(flow + F_STRAY_SEQ, (seq + length) & MASK32)
    store64(flow + F_STRAYS, strays % BELIEVED)
    return strays


def reassembly_datagram(block: int, key: int, data: int, size: int, missing: int, now: int) -> int:
    """A datagram: its bytes follow those of the one before."""
    if size + missing == 0:
        return 0
    hashed = stream_hash(block, key)
    flow = stream_find(block, key, hashed)
    if flow == 0:
        flow = stream_take(block, key, hashed, now)
        if flow == 0:
            return stream_refuse(block, C_NO_ROOM)
        stream_begin(block, flow, 0, 0)
    stream_hatch(block, flow)
    stream_use(block, flow, now)
    offset = load64(flow + F_REACHED)
    whole = offset + size + missing
    store64(flow + F_TOP, max(load64(flow + F_TOP), whole))
    store64(flow + F_LAST, now)
    return stream_hold(flow, offset, data, size, whole if missing > 0 and load64(block + R_HOLES) != 0 else 0)


def reassembly_packet(block: int, key: int, tcp: int, data: int, size: int, missing: int, now: int) -> int:
    """A packet of flow ``key`` comes: ``size`` bytes of payload at ``data``, ``missing`` more not captured.

    ``tcp`` is the address of its TCP header; 0: a datagram, whose bytes follow those of the one before. ``now``
    is its time, in nanoseconds. The result is the address of its stream, which reassembly_ready is to be asked
    about until it has no window, while the packet's bytes stay where they are; 0: there is nothing to do; or a
    reason why the packet brings nothing, negative: -1 is the first of COUNTERS.
    """
    if tcp == 0:
        return reassembly_datagram(block, key, data, size, missing, now)
    flags = load8(tcp + 13)
    seq = load32be(tcp + 4)
    hashed = stream_hash(block, key)
    flow = stream_find(block, key, hashed)
    if flags & RST != 0:
        return stream_reset(block, flow, seq)
    syn = 0
    if flags & SYN != 0:
        if flags & FIN != 0:
            return stream_refuse(block, C_BAD_FLAGS)
        syn = 1
    first = (seq + syn) & MASK32
    past = flow != 0 and load64(flow + F_STATE) == PAST
    remembered = past and stream_elapsed(load64(flow + F_USED), now) < load64(block + R_MEMORY)
    if remembered and (syn == 0 or load64(flow + F_START) == first):
        return stream_refuse(block, C_AFTER_CLOSE) if syn + size + missing > 0 else 0
    if flow == 0 or past:
        if syn + size + missing == 0:
            return 0
        if past:
            list_remove(block, flow + F_USE)
        else:
            flow = stream_take(block, key, hashed, now)
            if flow == 0:
                return stream_refuse(block, C_NO_ROOM)
        stream_begin(block, flow, first, 1 - syn)
        store64(flow + F_USED, now)
        store64(flow + F_LAST, now)
        if syn == 0:
            stream_count(block, C_MIDSTREAM, 1)
    elif syn != 0 and load64(flow + F_START) != first:
        # The SYN of a stream that was picked up in the middle may come after its data.
        late = stream_distance(load64(flow + F_START), first)
        if load64(flow + F_MIDSTREAM) == 0 or late < 0 or late > load64(block + R_BUFFER):
            return stream_restart(block, flow, first, data, size, missing, now)
    return reassembly_segment(block, flow, first, data, size, missing, flags & FIN, now)


def reassembly_segment(
    block: int, flow: int, first: int, data: int, size: int, missing: int, fin: int, now: int
) -> int:
    """A segment of a live stream, its first byte with sequence number ``first``; see reassembly_packet."""
    if load64(flow + F_STATE) == CLOSING:  # its last windows could not be given yet
        return stream_hold(flow, 0, 0, 0, 0)
    reached = load64(flow + F_REACHED)
    offset = stream_offset(flow, first)
    whole = offset + size + missing
    if offset > reached + load64(block + R_BUFFER) or whole < reached - MOST_WINDOW:
        if size + missing == 0:
            return 0
        reason = stream_refuse(block, C_OUT_OF_WINDOW)
        if stream_stray(block, flow, first, size + missing) < BELIEVED or load64(block + R_HOLES) == 0:
            return reason
        if offset < reached:
            return stream_restart(block, flow, first, data, size, missing, now)
    store64(flow + F_STRAYS, 0)
    stream_use(block, flow, now)
    end = load64(flow + F_FIN)
    if end >= 0 and whole > end:
        stream_count(block, C_AFTER_CLOSE, 1)
        whole = end
        size = max(0, min(size, end - offset))
        missing = max(0, end - offset - size)
    elif end < 0 and fin != 0:
        if whole >= load64(flow + F_TOP):
            store64(flow + F_FIN, whole)
            store64(flow + F_LAST, now)
        else:
            stream_count(block, C_BAD_FLAGS, 1)
            fin = 0
    if size + missing == 0 and fin == 0:
        return 0  # what only acknowledges may be numbered behind a FIN that was lost
    store64(flow + F_TOP, max(load64(flow + F_TOP), whole))
    if size + missing == 0:
        return stream_hold(flow, 0, 0, 0, 0)
    if whole <= reached:
        reason = stream_refuse(block, C_OLD if whole <= load64(flow + F_BASE) else C_DUPLICATE)
        return stream_hold(flow, 0, 0, 0, 0) if fin != 0 else reason
    stream_hatch(block, flow)
    store64(flow + F_LAST, now)
    stream_hold(flow, offset, data, size, whole if missing > 0 and load64(block + R_HOLES) != 0 else 0)
    if offset < reached:
        cut = min(size, reached - offset)
        count_overlap(block, flow)
        store64(flow + F_PACKET_DATA, data + cut)
        store64(flow + F_PACKET_SIZE, size - cut)
        store64(flow + F_PACKET_OFFSET, reached)
    return flow
