"""The bytes of a stream: what is in order, and runs out of order behind it, in a ring. The first copy wins.

``F_BASE`` to ``F_REACHED`` are in order; runs lie behind, sorted, neither touching nor overlapping. A byte that
is there is never written again: what comes a second time, changed or not, is left out. There are as many
buffers as slots; a stream has one while bytes of it are kept, so that few are touched where few are needed.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, load64, store64
from wirebrick.state.reassembly_layout import (
    C_BUFFER_FULL,
    C_DUPLICATE,
    C_OUT_OF_ORDER,
    C_OVERLAPPING,
    C_TOO_MANY_HOLES,
    F_BASE,
    F_BUFFER,
    F_COUNT,
    F_HEAD,
    F_PACKET_DATA,
    F_PACKET_OFFSET,
    F_PACKET_OVERLAPS,
    F_PACKET_SIZE,
    F_REACHED,
    F_RUNS,
    F_STATE,
    MOST_RUNS,
    OPEN,
    R_BUFFER,
    R_BUFFERS,
    R_FREE_BUFFER,
    R_FRESH_BUFFERS,
    R_HOLES,
    R_SCRATCH,
    R_STRIDE,
)

FITS, FULL, TOO_MANY = 0, 1, 2  # of the packet at hand: all done, no room, no room for another run


def stream_count(block: int, counter: int, number: int) -> int:
    """Add to a counter of the block (C_...)."""
    store64(block + counter, load64(block + counter) + number)
    return 0


def count_overlap(block: int, flow: int) -> int:
    """Count the packet at hand as overlapping, once."""
    if load64(flow + F_PACKET_OVERLAPS) == 0:
        store64(flow + F_PACKET_OVERLAPS, 1)
        stream_count(block, C_OVERLAPPING, 1)
    return 0


def ring_at(block: int, flow: int, offset: int) -> int:
    """Position in the buffer of a byte of the stream, from F_BASE on and less than a buffer behind it."""
    at = load64(flow + F_HEAD) + offset - load64(flow + F_BASE)
    return at - load64(block + R_BUFFER) if at >= load64(block + R_BUFFER) else at


def ring_number(block: int, number: int) -> int:
    """Address of a buffer."""
    return block + load64(block + R_BUFFERS) + number * load64(block + R_STRIDE)


def ring_buffer(block: int, flow: int) -> int:
    """Address of the stream's buffer; one that has none gets the one that was used last."""
    number = load64(flow + F_BUFFER)
    if number != 0:
        return ring_number(block, number)
    number = load64(block + R_FREE_BUFFER)
    if number != 0:
        store64(block + R_FREE_BUFFER, load64(ring_number(block, number)))
    else:
        number = load64(block + R_FRESH_BUFFERS) + 1
        store64(block + R_FRESH_BUFFERS, number)
    store64(flow + F_BUFFER, number)
    return ring_number(block, number)


def ring_release(block: int, flow: int) -> int:
    """Give the stream's buffer back: nothing is kept in it."""
    number = load64(flow + F_BUFFER)
    if number != 0:
        store64(ring_number(block, number), load64(block + R_FREE_BUFFER))
        store64(block + R_FREE_BUFFER, number)
        store64(flow + F_BUFFER, 0)
    return 0


def ring_store(block: int, flow: int, offset: int, data: int, size: int) -> int:
    """Copy bytes into the buffer; there must be room."""
    at = ring_at(block, flow, offset)
    buffer = ring_buffer(block, flow)
    first = min(size, load64(block + R_BUFFER) - at)
    copy(buffer + at, data, first)
    if first < size:
        copy(buffer, data + first, size - first)
    return 0


def ring_view(block: int, flow: int, size: int) -> int:
    """Address of the ``size`` bytes from F_BASE on, in one piece: in the buffer, or copied to scratch memory."""
    scratch = block + load64(block + R_SCRATCH)
    if size == 0:
        return scratch
    at = load64(flow + F_HEAD)
    buffer = ring_buffer(block, flow)
    first = load64(block + R_BUFFER) - at
    if size <= first:
        return buffer + at
    copy(scratch, buffer + at, first)
    copy(scratch + first, buffer, size - first)
    return scratch


def runs_insert(block: int, flow: int, begin: int, end: int, data: int) -> int:
    """Store those bytes of ``begin`` to ``end`` that aren't there; they fit the buffer and lie behind F_BASE.

    The new run is merged with those it touches. 0: nothing was stored, as there would be too many runs.
    """
    runs = flow + F_RUNS
    number = load64(flow + F_COUNT)
    first = 0
    while first < number and load64(runs + 16 * first + 8) < begin:
        first += 1
    apart = first == number or load64(runs + 16 * first) > end
    if number == MOST_RUNS and apart and begin > load64(flow + F_REACHED):
        return 0
    low = begin
    high = end
    at = begin
    new = 0
    last = first
    while last < number and load64(runs + 16 * last) <= end:
        run = load64(runs + 16 * last)
        if at < run:
            ring_store(block, flow, at, data + at - begin, run - at)
            new += run - at
        at = max(at, load64(runs + 16 * last + 8))
        low = min(low, run)
        high = max(high, at)
        last += 1
    if at < end:
        ring_store(block, flow, at, data + at - begin, end - at)
        new += end - at
    if new == 0:
        stream_count(block, C_DUPLICATE, 1)
    elif new < end - begin:
        count_overlap(block, flow)
    # Runs first .. last-1 become one.
    copy(runs + 16 * (first + 1), runs + 16 * last, 16 * (number - last))
    store64(runs + 16 * first, low)
    store64(runs + 16 * first + 8, high)
    store64(flow + F_COUNT, number - (last - first) + 1)
    return 1


def runs_join(flow: int) -> int:
    """Runs that F_REACHED has come to are in order now."""
    runs = flow + F_RUNS
    number = load64(flow + F_COUNT)
    reached = load64(flow + F_REACHED)
    done = 0
    while done < number and load64(runs + 16 * done) <= reached:
        reached = max(reached, load64(runs + 16 * done + 8))
        done += 1
    if done > 0:
        copy(runs, runs + 16 * done, 16 * (number - done))
        store64(flow + F_COUNT, number - done)
        store64(flow + F_REACHED, reached)
    return 0


def stream_advance(block: int, flow: int, base: int) -> int:
    """Forget all bytes before offset ``base``; where they did not come yet, they never will be wanted."""
    head = load64(flow + F_HEAD) + base - load64(flow + F_BASE)
    if head >= load64(block + R_BUFFER):
        head = head % load64(block + R_BUFFER)
    store64(flow + F_BASE, base)
    if base >= load64(flow + F_REACHED):
        store64(flow + F_REACHED, base)
        runs_join(flow)
        if load64(flow + F_REACHED) == base and load64(flow + F_COUNT) == 0:
            head = 0
            ring_release(block, flow)
    store64(flow + F_HEAD, head)
    return 0


def stream_absorb(block: int, flow: int) -> int:
    """Store the rest of the packet at hand as far as it fits: FITS, FULL or TOO_MANY.

    Where holes may not be skipped, what does not fit is refused: its sender will send it again.
    """
    size = load64(flow + F_PACKET_SIZE)
    if size == 0 or load64(flow + F_STATE) != OPEN:  # what comes with a SYN is of the next incarnation
        return FITS
    reached = load64(flow + F_REACHED)
    offset = load64(flow + F_PACKET_OFFSET)
    data = load64(flow + F_PACKET_DATA)
    if offset < reached:  # a hole before it was skipped, or runs were joined
        cut = min(size, reached - offset)
        offset += cut
        data += cut
        size -= cut
    room = load64(flow + F_BASE) + load64(block + R_BUFFER) - offset
    fitting = min(size, room)
    outcome = FITS
    if fitting < size:
        outcome = FULL
        if offset > reached:
            if load64(block + R_HOLES) != 0:
                return FULL
            stream_count(block, C_BUFFER_FULL, 1)
            outcome = FITS
    if fitting > 0:
        if offset == reached and load64(flow + F_COUNT) == 0:
            ring_store(block, flow, offset, data, fitting)
            store64(flow + F_REACHED, offset + fitting)
        elif runs_insert(block, flow, offset, offset + fitting, data) != 0:
            if offset > reached:
                stream_count(block, C_OUT_OF_ORDER, 1)
            runs_join(flow)
        else:
            stream_count(block, C_TOO_MANY_HOLES, 1)
            if load64(block + R_HOLES) != 0:
                return TOO_MANY
    else:
        fitting = 0
    size -= fitting
    if outcome == FITS:
        size = 0
    store64(flow + F_PACKET_OFFSET, offset + fitting)
    store64(flow + F_PACKET_DATA, data + fitting)
    store64(flow + F_PACKET_SIZE, size)
    return outcome
