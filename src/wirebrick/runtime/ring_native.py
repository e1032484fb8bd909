"""A ring: packets on their way from one worker to another, without a lock and without a copy.

One worker puts (the *producer*), one receives (the *consumer*); there is a ring for each shuffle and each pair of
workers. A slot is a descriptor and the packet's *spill*: what the graph knows of it already (where its headers
lie, its metadata). Every slot owns a frame, as every position of a burst does: a packet that is put leaves its
frame to the slot and its position takes the slot's, which is empty; where it is received the same is done the
other way round. So frames are exchanged, never allocated and never lost, and the workers of a run with rings share
one mempool. What is put is seen when it is published, a burst at a time.

The indices count up for ever (64 bits); what each side writes lies in lines of its own, and each keeps a copy of
the other side's index, so that the other's line is fetched only where the copy isn't enough (as in B-Queue and
FastForward; Lamport's ring, "Specifying Concurrent Program Modules", 1983, is the simple form).

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_FRAME,
    DESCRIPTOR,
    W_BURST,
    W_FRAMES,
    W_RING_IN,
    W_RING_OUT,
    W_RINGS,
    W_SPILL,
    W_SPILL_SIZE,
    W_WORKERS,
)
from wirebrick.packet.memory import (
    copy,
    load32,
    load64,
    load64_acquire,
    prefetch,
    store32,
    store64,
    store64_release,
)
from wirebrick.ports.base import ENDED

# The ring's head: 64-bit words, by byte offset. Written once, or at the end: both sides keep copies of the line.
R_SLOTS = 0  # address of slot 0
R_STRIDE = 8  # bytes from one slot to the next
R_MASK = 16  # slots - 1; their number is a power of two
R_SPILL = 24  # bytes of a spill
R_NODE = 32  # number of the shuffle's node
R_WAITS = 40  # 1: producers wait while it is full; 0: what finds it full is dropped
R_CLOSED = 48  # not zero: nothing more will be put
R_DEAD = 56  # not zero: nothing more will be received
# Two lines (128 bytes: processors fetch pairs of them) for each of the other parts.
R_TAIL = 128  # packets published, written by the producer
R_PUT = 256  # packets put: the producer's own
R_HEAD_SEEN = 264  # R_HEAD as the producer saw it last
R_HEAD = 384  # packets received, written by the consumer
R_TAIL_SEEN = 512  # R_TAIL as the consumer saw it last: its own
RING = 640  # bytes


def ring_of(w: int, number: int, worker: int) -> int:
    """The ring from the worker with context ``w`` to ``worker`` (one that exists), for shuffle ``number`` (0, 1, ...).

    0 where that is the worker itself.
    """
    return load64(load64(w + W_RINGS) + 8 * (number * load64(w + W_WORKERS) + worker))


def ring_reserve(ring: int) -> int:
    """Address of the slot to put the next packet into; 0 where the ring is full or its consumer is gone."""
    put = load64(ring + R_PUT)
    mask = load64(ring + R_MASK)
    if put - load64(ring + R_HEAD_SEEN) > mask:
        head = load64_acquire(ring + R_HEAD)
        store64(ring + R_HEAD_SEEN, head)
        if put - head > mask:
            return 0
    if load64(ring + R_DEAD) != 0:
        return 0
    return load64(ring + R_SLOTS) + (put & mask) * load64(ring + R_STRIDE)


def ring_put(w: int, ring: int, slot: int, position: int) -> int:
    """Put the packet at a position of the burst into the slot that ``ring_reserve`` gave; returns 0.

    The position has the slot's frame then. The spill is written at ``slot + DESCRIPTOR``, now or before.
    """
    frame = load64(w + W_FRAMES) + 4 * position
    empty = load32(slot + D_FRAME)
    copy(slot, load64(w + W_BURST) + position * DESCRIPTOR, DESCRIPTOR)
    store32(frame, empty)
    store64(ring + R_PUT, load64(ring + R_PUT) + 1)
    store64(w + W_RING_OUT, load64(w + W_RING_OUT) + 1)
    return 0


def ring_publish(ring: int) -> int:
    """Let the consumer see what was put; returns 0."""
    put = load64(ring + R_PUT)
    if put != load64(ring + R_TAIL):
        store64_release(ring + R_TAIL, put)
    return 0


def ring_held(ring: int) -> int:
    """Packets that were put and not received, where the worker itself does both."""
    return load64(ring + R_PUT) - load64(ring + R_HEAD)


def ring_has_room(ring: int, count: int) -> int:
    """Whether ``count`` packets can be put; a ring whose consumer is gone holds nobody up."""
    most = load64(ring + R_MASK) + 1 - count
    put = load64(ring + R_PUT)
    if put - load64(ring + R_HEAD_SEEN) <= most:
        return 1
    head = load64_acquire(ring + R_HEAD)
    store64(ring + R_HEAD_SEEN, head)
    if put - head <= most or load64(ring + R_DEAD) != 0:
        return 1
    return 0


def ring_receive(state: int, context: int, room: int) -> int:
    """Up to ``room`` packets of the ring ``state``, as a port's ``receive``: how many, 0 or ENDED.

    Ports they came in and leave by, and times, stay as they were; spills go where W_SPILL says.
    """
    closed = load64_acquire(state + R_CLOSED)  # before the index: what was put before it was closed is seen
    head = load64(state + R_HEAD)
    ready = load64(state + R_TAIL_SEEN) - head
    if ready < room:
        tail = load64_acquire(state + R_TAIL)
        store64(state + R_TAIL_SEEN, tail)
        ready = tail - head
    if ready == 0:
        return ENDED if closed != 0 else 0
    count = min(ready, room)
    slots = load64(state + R_SLOTS)
    stride = load64(state + R_STRIDE)
    mask = load64(state + R_MASK)
    spill = load64(state + R_SPILL)
    descriptor = load64(context + W_BURST)
    frame = load64(context + W_FRAMES)
    brought = load64(context + W_SPILL)
    step = load64(context + W_SPILL_SIZE)
    for index in range(head, head + count):
        slot = slots + (index & mask) * stride
        prefetch(load64(slot))
        empty = load32(frame)
        copy(descriptor, slot, DESCRIPTOR)
        store32(frame, load32(slot + D_FRAME))
        store32(slot + D_FRAME, empty)
        if spill != 0:
            copy(brought, slot + DESCRIPTOR, spill)
        descriptor += DESCRIPTOR
        frame += 4
        brought += step
    store64_release(state + R_HEAD, head + count)
    store64(context + W_RING_IN, load64(context + W_RING_IN) + count)
    return count
