"""Which input became which output, for a direction of a Rewrite; and the ring that keeps the output.

The map is a row of *pieces*, each so many bytes in and so many out. Where the two are equal, bytes stand for each
other one by one, and pieces that follow each other become one. Where they are not, a piece is divided in proportion:
after 3/10 of its output is acknowledged, 3/10 of its input is, and a retransmission of its second half brings the
second half of its output. Nothing is acknowledged early by that: the last byte of a piece waits for all of it, and
a retransmission of what the sender still misses always begins with what the receiver still misses. So any two
pieces that follow each other may be put together, too, and a map of bounded size never overflows.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, load8, load64, store64
from wirebrick.state.rewrite_layout import (
    B_RING,
    C_SHRUNK,
    PIECE,
    PIECES,
    R_CONSUMED,
    R_EMIT,
    R_END,
    R_HELD,
    R_IN_ACKED,
    R_MAP,
    R_MAP_IN,
    R_MAP_OUT,
    R_OUT_ACKED,
    R_PIECE,
    R_PIECES,
    R_RING,
    R_SENT,
    R_STALE,
)
from wirebrick.state.rewrite_pairs_native import count


def piece_at(direction: int, index: int) -> int:
    """Address of a piece; 0 is the first that is not acknowledged."""
    return direction + R_MAP + ((load64(direction + R_PIECE) + index) & (PIECES - 1)) * PIECE


def map_add(block: int, direction: int, came: int, went: int) -> int:
    """``came`` bytes of input more were consumed, and became the ``went`` bytes of output at the end."""
    store64(direction + R_CONSUMED, load64(direction + R_CONSUMED) + came)
    store64(direction + R_END, load64(direction + R_END) + went)
    if came == 0 and went == 0:
        return 0
    pieces = load64(direction + R_PIECES)
    if pieces > 0:
        last = piece_at(direction, pieces - 1)
        last_in = load64(last)
        last_out = load64(last + 8)
        # Output without input belongs to the input that comes next.
        merges = last_in == 0 or (last_out == 0 and went == 0) or (last_in == last_out and came == went)
        if merges or pieces == PIECES:
            if not merges:
                count(block, C_SHRUNK, 1)
            store64(last, last_in + came)
            store64(last + 8, last_out + went)
            return 0
    store64(direction + R_PIECES, pieces + 1)
    last = piece_at(direction, pieces)
    store64(last, came)
    store64(last + 8, went)
    return 0


def map_release(direction: int, to: int) -> int:
    """Drop the pieces whose output ends at or before ``to``; the input (its end) that is acknowledged by that."""
    pieces = load64(direction + R_PIECES)
    begin = load64(direction + R_MAP_IN)
    out = load64(direction + R_MAP_OUT)
    while pieces > 0:
        piece = piece_at(direction, 0)
        came = load64(piece)
        went = load64(piece + 8)
        if out + went > to:
            part = to - out
            if came != went:
                return begin + came * part // went
            store64(piece, came - part)
            store64(piece + 8, went - part)
            store64(direction + R_MAP_IN, begin + part)
            store64(direction + R_MAP_OUT, to)
            return begin + part
        begin += came
        out += went
        pieces -= 1
        store64(direction + R_PIECE, load64(direction + R_PIECE) + 1)
        store64(direction + R_PIECES, pieces)
        store64(direction + R_MAP_IN, begin)
        store64(direction + R_MAP_OUT, out)
    return begin


def map_acked(block: int, direction: int, to: int) -> int:
    """The receiver has the output up to ``to``, which lies from R_OUT_ACKED to R_SENT. Returns R_IN_ACKED."""
    if to > load64(direction + R_OUT_ACKED):
        store64(direction + R_STALE, load8(ring_at(block, direction, to - 1)))
        store64(direction + R_OUT_ACKED, to)
    acked = max(load64(direction + R_IN_ACKED), map_release(direction, to))
    if to == load64(direction + R_END):
        # What the function waits with is kept here: its sender must go on, to bring what it waits for.
        acked = max(acked, load64(direction + R_HELD))
    store64(direction + R_IN_ACKED, acked)
    return acked


def map_range(direction: int, begin: int, end: int) -> tuple[int, int]:
    """The output (begin, end) that input from ``begin`` to ``end`` became, as far as it was sent and not acknowledged.

    Where ``begin`` is what the sender has to send again first, it is what the receiver misses first.
    """
    acked = load64(direction + R_OUT_ACKED)
    sent = load64(direction + R_SENT)
    last = map_place(direction, end, 1)
    if begin <= load64(direction + R_IN_ACKED):
        return acked, min(sent, max(last, acked + end - begin))
    return max(acked, map_place(direction, begin, 0)), min(sent, last)


def map_place(direction: int, at: int, up: int) -> int:
    """Where input number ``at`` lies in the output, rounded down, or up."""
    came = load64(direction + R_MAP_IN)
    out = load64(direction + R_MAP_OUT)
    if at >= load64(direction + R_CONSUMED):
        return load64(direction + R_END)
    for index in range(load64(direction + R_PIECES)):
        piece = piece_at(direction, index)
        into = at - came
        if into <= 0:
            return out
        size = load64(piece)
        went = load64(piece + 8)
        if into < size:
            if size == went:
                return out + into
            return out + (into * went + up * (size - 1)) // size
        came += size
        out += went
    return out


def ring_at(block: int, direction: int, offset: int) -> int:
    """Address of a byte of output."""
    return block + load64(direction + R_RING) + (offset & (load64(block + B_RING) - 1))


def ring_space(block: int, direction: int) -> int:
    """Bytes of output that there is room for; one more is kept for the FIN."""
    return load64(block + B_RING) - 1 - load64(direction + R_EMIT) + load64(direction + R_OUT_ACKED)


def ring_write(block: int, direction: int, offset: int, source: int, size: int) -> int:
    """Copy ``size`` bytes into the ring."""
    first = min(size, load64(block + B_RING) - (offset & (load64(block + B_RING) - 1)))
    copy(ring_at(block, direction, offset), source, first)
    copy(ring_at(block, direction, offset + first), source + first, size - first)
    return 0


def ring_read(block: int, direction: int, offset: int, to: int, size: int) -> int:
    """Copy ``size`` bytes out of the ring."""
    first = min(size, load64(block + B_RING) - (offset & (load64(block + B_RING) - 1)))
    copy(to, ring_at(block, direction, offset), first)
    copy(to + first, ring_at(block, direction, offset + first), size - first)
    return 0
