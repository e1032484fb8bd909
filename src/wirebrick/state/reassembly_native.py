"""Reassembly: streams of TCP and UDP in order, as windows of bytes. The part of a worker, native.

For each packet, in this order::

    while (flow := reassembly_make_room(block, key)) > 0:
        windows(flow)
    flow = reassembly_packet(block, key, tcp, data, size, missing, now)
    if flow > 0:
        windows(flow)

where windows(flow) is::

    while reassembly_ready(block, flow):
        call the user's function with what is at flow + F_DATA ... F_META
        reassembly_done(block, flow, consumed)

The packet's memory must stay until reassembly_ready gave 0: what was not consumed is copied only then, and
what is consumed at once never is. From time to time, and at the end::

    while (flow := reassembly_due(block, now)) > 0:
        windows(flow)
    while (flow := reassembly_last(block)) > 0:
        windows(flow)

``F_OFFSET`` of a window is where the one before was consumed to, plus ``F_GAP``, plus what the function was
given and left before a hole or in a full buffer.
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64
from wirebrick.state.reassembly_buffer_native import (
    FITS,
    FULL,
    ring_view,
    stream_absorb,
    stream_advance,
    stream_count,
)
from wirebrick.state.reassembly_flows_native import (
    reassembly_make_room,
    stream_drop_packet,
    stream_elapsed,
    stream_finish,
    stream_give_up,
)
from wirebrick.state.reassembly_holes_native import stream_beyond, stream_end, stream_settle, stream_skip
from wirebrick.state.reassembly_index_native import list_first, list_remove
from wirebrick.state.reassembly_layout import (
    C_BUFFER_FULL,
    C_GIVEN_UP,
    C_TIMEOUTS,
    CLOSING,
    F_BASE,
    F_CLOSED,
    F_COUNT,
    F_DATA,
    F_DIRECT,
    F_FLUSH,
    F_GAP,
    F_LAST,
    F_NEXT_SEQ,
    F_OFFSET,
    F_PACKET_DATA,
    F_PACKET_OFFSET,
    F_PACKET_SIZE,
    F_PARTIAL,
    F_REACHED,
    F_SEEN,
    F_SIZE,
    F_SKIPPED,
    F_START,
    F_STATE,
    F_TOP,
    F_USE,
    F_WAIT,
    OPEN,
    R_EMBRYOS,
    R_OPEN,
    R_SIZE,
    R_SLIDE,
    R_TIMEOUT,
    R_WAITING,
)
from wirebrick.state.reassembly_segment_native import reassembly_packet

__all__ = ["reassembly_make_room", "reassembly_packet", "stream_settle"]


def reassembly_pending(flow: int) -> int:
    """Bytes in order that were not consumed, those of the packet at hand included."""
    held = load64(flow + F_REACHED) - load64(flow + F_BASE)
    return held + load64(flow + F_PACKET_SIZE) if load64(flow + F_DIRECT) != 0 else held


def stream_offer(block: int, flow: int, data: int, size: int, closed: int, partial: int) -> int:
    """Describe a window, from F_BASE on."""
    offset = load64(flow + F_BASE)
    if closed != 0 and size == 0:  # the slide may have skipped more bytes than there were
        offset = min(offset, load64(flow + F_TOP))
    store64(flow + F_DATA, data)
    store64(flow + F_SIZE, size)
    store64(flow + F_OFFSET, offset)
    store64(flow + F_CLOSED, closed)
    store64(flow + F_GAP, load64(flow + F_SKIPPED))
    store64(flow + F_NEXT_SEQ, (load64(flow + F_START) + offset) & 0xFFFFFFFF)
    store64(flow + F_PARTIAL, partial)
    return 1


def stream_direct(block: int, flow: int) -> int:
    """1: the packet's bytes are all there is, in order, and wanted as they come: the window is in the packet."""
    size = load64(flow + F_PACKET_SIZE)
    base = load64(flow + F_BASE)
    if size == 0 or load64(block + R_SIZE) != 0 or load64(flow + F_COUNT) != 0:
        return 0
    if load64(flow + F_REACHED) != base or load64(flow + F_PACKET_OFFSET) != base:
        return 0
    store64(flow + F_DIRECT, 1)
    return stream_offer(block, flow, load64(flow + F_PACKET_DATA), size, 0, 0)


def reassembly_ready(block: int, flow: int) -> int:
    """1: the words at ``flow`` describe a window, and reassembly_done must follow; 0: there is none (now)."""
    state = load64(flow + F_STATE)
    if state == OPEN and stream_direct(block, flow) != 0:
        return 1
    if state != OPEN and state != CLOSING:
        return 0
    size = load64(block + R_SIZE)
    while True:
        stuck = stream_absorb(block, flow)
        stream_end(block, flow)
        reached = load64(flow + F_REACHED)
        held = reached - load64(flow + F_BASE)
        new = reached > load64(flow + F_SEEN)
        if size != 0 and held >= size:
            return stream_offer(block, flow, ring_view(block, flow, size), size, 0, 0)
        if size == 0 and new:
            return stream_offer(block, flow, ring_view(block, flow, held), held, 0, 0)
        target = stream_beyond(block, flow, stuck)
        closing = load64(flow + F_STATE) == CLOSING
        if new and (target > reached or (load64(flow + F_FLUSH) != 0 and not closing)):
            return stream_offer(block, flow, ring_view(block, flow, held), held, 0, 1)
        if target > reached:
            if stuck == FULL:
                stream_count(block, C_BUFFER_FULL, 1)
            stream_skip(block, flow, target)
        elif stuck != FITS:  # full of bytes that the function has seen and does not take
            stream_count(block, C_BUFFER_FULL, 1)
            stream_count(block, C_GIVEN_UP, held)
            stream_advance(block, flow, reached)
        elif closing:
            return stream_offer(block, flow, ring_view(block, flow, held), held, 1, 1)
        else:
            stream_settle(block, flow)
            return 0


def reassembly_done(block: int, flow: int, consumed: int) -> int:
    """After the user's function: ``consumed`` bytes of the window are done with.

    Negative, and 0 where windows have a size: as many as the slide says; all of a window that is smaller than
    it should be; with size 0, all. Zero with size 0: wait for more. More than there are count as all.
    """
    shown = load64(flow + F_SIZE)
    base = load64(flow + F_OFFSET)
    store64(flow + F_DATA, 0)
    if load64(flow + F_CLOSED) != 0:
        return stream_finish(block, flow)
    size = load64(block + R_SIZE)
    amount = min(consumed, shown)
    if size == 0:
        amount = shown if consumed < 0 else amount
    elif consumed <= 0:
        amount = shown if load64(flow + F_PARTIAL) != 0 else load64(block + R_SLIDE)
    if amount > 0:
        store64(flow + F_SKIPPED, 0)
    if load64(flow + F_DIRECT) != 0:
        store64(flow + F_DIRECT, 0)
        store64(flow + F_PACKET_DATA, load64(flow + F_PACKET_DATA) + amount)
        store64(flow + F_PACKET_OFFSET, base + amount)
        store64(flow + F_PACKET_SIZE, shown - amount)
        stream_advance(block, flow, base + amount)
        if amount == 0:
            stream_absorb(block, flow)
    else:
        stream_advance(block, flow, base + amount)
    seen = base + amount
    if size != 0:
        seen = max(base + shown, seen)
    elif amount == 0:
        seen = load64(flow + F_REACHED)
    store64(flow + F_SEEN, seen)
    return 0


def reassembly_due(block: int, now: int) -> int:
    """The next stream that has something to give and got nothing more for the timeout, or 0."""
    links = list_first(block, R_WAITING)
    if links == 0:
        return 0
    flow = links - F_WAIT
    if stream_elapsed(load64(flow + F_LAST), now) < load64(block + R_TIMEOUT):
        return 0
    list_remove(block, links)
    stream_count(block, C_TIMEOUTS, 1)
    stream_drop_packet(flow)
    store64(flow + F_FLUSH, 1)
    if load64(block + R_SIZE) == 0:
        store64(flow + F_SEEN, load64(flow + F_BASE))
    return flow


def reassembly_last(block: int) -> int:
    """At the end of a run: the next stream that is not closed, to be finished; or 0."""
    links = list_first(block, R_OPEN)
    if links == 0:
        links = list_first(block, R_EMBRYOS)
    return stream_give_up(links - F_USE) if links != 0 else 0
