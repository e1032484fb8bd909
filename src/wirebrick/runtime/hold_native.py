"""Packets that are held in a worker until their time has come, in order of time, without a copy.

A worker has a head (H_...) and a *queue* (Q_...) for each hold of the graph. A queue has a fixed number of slots: a
descriptor, and what the graph knows of the packet (its spill). Every slot owns a frame, and exchanges it with the
position of the burst that a packet comes from or goes to, as rings do.

An *entry* is a time and an order: the order of arrival, and in the lower bits the slot. An entry that is not earlier
than the last one of the row goes behind it: what is all held equally long, or spaced by a rate, costs next to nothing.
The others go into a timing wheel (``wheel_native.py``). What is taken first is the earlier one of both, of equal times
the one that came first.

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    ASIDE,
    D_FRAME,
    D_TIME,
    DESCRIPTOR,
    RX_ENTRY,
    RX_NODE,
    RX_STATE,
    W_ASIDE,
    W_ASIDE_TABLE,
    W_BURST,
    W_COUNT,
    W_COUNTERS,
    W_FRAMES,
    W_SPILL,
    W_SPILL_SIZE,
    W_USED,
)
from wirebrick.packet.memory import apart, copy, load32, load64, prefetch, store32, store64
from wirebrick.runtime.ring_native import R_SPILL, ring_publish, ring_put, ring_reserve
from wirebrick.runtime.wheel_native import (
    E_ORDER,
    E_TIME,
    ENTRY,
    SLOT_BITS,
    SLOT_MASK,
    T_HEAP,
    T_HEAPED,
    WHEEL,
    entry_before,
    wheel_put,
    wheel_take,
)

# The head: 64-bit words, by byte offset.
H_DUE = 0  # when the first packet of all queues is to go on; NEVER
H_ORDER = 8  # packets that were held so far
H_LABEL = 16  # the number under which the packet that was taken last goes on
H_COUNT = 24  # how many queues there are
H_QUEUES = 32  # their addresses

# A queue.
Q_LABEL = 0  # the number under which its packets go on
Q_CAPACITY = 8  # slots
Q_HELD = 16  # slots with a packet
Q_SLOTS = 24  # address of slot 0
Q_STRIDE = 32  # bytes from one slot to the next
Q_FREE = 40  # address of a stack of numbers (u32): the free slots are the first CAPACITY - HELD of them
Q_ROW = 48  # address of the row: a ring of entries in order of time
Q_MASK = 56  # its size, a power of two, less 1
Q_HEAD = 64  # entries taken from it
Q_TAIL = 72  # entries put into it
Q_COUNTER = 96  # number of the counter of packets held
Q_DUE = 104  # when its first packet is to go on; NEVER
Q_WHEEL = 128  # the wheel itself
QUEUE = Q_WHEEL + WHEEL  # bytes

NEVER = (1 << 63) - 1
LATEST = (1 << 62) - 1  # until which packets can be held: in the year 2116


def queue_first(queue: int) -> int:
    """Address of the first entry of a queue; 0 where it is empty."""
    head = load64(queue + Q_HEAD)
    row = 0
    if head != load64(queue + Q_TAIL):
        row = load64(queue + Q_ROW) + (head & load64(queue + Q_MASK)) * ENTRY
    if load64(queue + Q_WHEEL + T_HEAPED) == 0:
        return row
    heap = load64(queue + Q_WHEEL + T_HEAP)
    if row == 0 or entry_before(heap, row) != 0:
        return heap
    return row


def hold_queue(holds: int, number: int) -> int:
    """The queue of hold ``number`` (0, 1, ...)."""
    return load64(holds + H_QUEUES + 8 * number)


def hold_reserve(queue: int) -> int:
    """Address of a free slot for the next packet; 0 where the queue is full."""
    free = load64(queue + Q_CAPACITY) - load64(queue + Q_HELD)
    if free == 0:
        return 0
    number = load32(load64(queue + Q_FREE) + 4 * (free - 1))
    return load64(queue + Q_SLOTS) + number * load64(queue + Q_STRIDE)


def hold_put(w: int, holds: int, queue: int, slot: int, position: int, time: int) -> int:
    """Hold the packet at a position of the burst in the slot that ``hold_reserve`` gave, until ``time``; returns 0.

    The spill is written at ``slot + DESCRIPTOR``, now or before.
    """
    frame = load64(w + W_FRAMES) + 4 * position
    empty = load32(slot + D_FRAME)
    copy(slot, load64(w + W_BURST) + position * DESCRIPTOR, DESCRIPTOR)
    store32(frame, empty)
    store64(slot + D_TIME, time)
    held = load64(queue + Q_HELD)
    number = load32(load64(queue + Q_FREE) + 4 * (load64(queue + Q_CAPACITY) - held - 1))
    store64(queue + Q_HELD, held + 1)
    arrived = load64(holds + H_ORDER)
    store64(holds + H_ORDER, arrived + 1)
    order = arrived << SLOT_BITS | number
    tail = load64(queue + Q_TAIL)
    row = load64(queue + Q_ROW)
    mask = load64(queue + Q_MASK)
    if load64(queue + Q_HEAD) == tail or load64(row + ((tail - 1) & mask) * ENTRY + E_TIME) <= time:
        entry = row + (tail & mask) * ENTRY
        store64(entry + E_TIME, time)
        store64(entry + E_ORDER, order)
        store64(queue + Q_TAIL, tail + 1)
    else:
        wheel_put(queue + Q_WHEEL, time, order)
    if time < load64(queue + Q_DUE):
        store64(queue + Q_DUE, time)
        if time < load64(holds + H_DUE):
            store64(holds + H_DUE, time)
    counter = load64(w + W_COUNTERS) + 8 * load64(queue + Q_COUNTER)
    store64(counter, load64(counter) + 1)
    return 0


def hold_next(holds: int, behind: int, until: int) -> int:
    """The queue whose first packet is the next to go on, by ``until``; 0: there is none.

    ``behind``: only of holds behind this node's number.
    """
    found = 0
    first = until
    for number in range(load64(holds + H_COUNT)):
        queue = load64(holds + H_QUEUES + 8 * number)
        due = load64(queue + Q_DUE)
        if due > first or load64(queue + Q_LABEL) <= behind:
            continue
        if due < first or found == 0 or entry_before(queue_first(queue), queue_first(found)) != 0:
            found = queue
            first = due
    return found


def hold_take(w: int, holds: int, queue: int) -> int:
    """Move the first packet of a queue to the next free position of the burst, with its time; where its spill is."""
    entry = queue_first(queue)
    time = load64(entry + E_TIME)
    number = load64(entry + E_ORDER) & SLOT_MASK
    if entry == load64(queue + Q_WHEEL + T_HEAP):
        wheel_take(queue + Q_WHEEL)
    else:
        store64(queue + Q_HEAD, load64(queue + Q_HEAD) + 1)
    slot = load64(queue + Q_SLOTS) + number * load64(queue + Q_STRIDE)
    position = load64(w + W_USED)
    frame = load64(w + W_FRAMES) + 4 * position
    descriptor = load64(w + W_BURST) + position * DESCRIPTOR
    empty = load32(frame)
    copy(descriptor, slot, DESCRIPTOR)
    store64(descriptor + D_TIME, time)
    store32(frame, load32(slot + D_FRAME))
    store32(slot + D_FRAME, empty)
    store64(w + W_USED, position + 1)
    held = load64(queue + Q_HELD) - 1
    store64(queue + Q_HELD, held)
    store32(load64(queue + Q_FREE) + 4 * (load64(queue + Q_CAPACITY) - held - 1), number)
    store64(holds + H_LABEL, load64(queue + Q_LABEL))
    counter = load64(w + W_COUNTERS) + 8 * load64(queue + Q_COUNTER)
    store64(counter, load64(counter) - 1)
    follows = queue_first(queue)
    due = NEVER
    if follows != 0:
        due = load64(follows + E_TIME)
        number = load64(follows + E_ORDER) & SLOT_MASK
        prefetch(load64(load64(queue + Q_SLOTS) + number * load64(queue + Q_STRIDE)))
    store64(queue + Q_DUE, due)
    for other in range(load64(holds + H_COUNT)):
        due = min(due, load64(load64(holds + H_QUEUES + 8 * other) + Q_DUE))
    store64(holds + H_DUE, due)
    return slot + DESCRIPTOR


@apart
def hold_ready(burst: int, position: int, size: int, clock: int, alarm: int) -> int:
    """The first position from ``position`` on whose packet something may go before: it is due by ``alarm``.

    Times go up until there, from ``clock`` on.
    """
    at = burst + position * DESCRIPTOR + D_TIME
    while position < size:
        time = load64(at)
        if time < clock or time >= alarm:
            return position
        clock = time
        position += 1
        at += DESCRIPTOR
    return position


def hold_still(burst: int, position: int, ready: int, due: int) -> int:
    """What ``hold_ready`` found, if it still holds with a packet that is due by ``due``; else ``position``."""
    if position < ready and due <= load64(burst + (ready - 1) * DESCRIPTOR + D_TIME):
        return position
    return ready


def hold_last(holds: int, node: int) -> int:
    """The time of the first packet in holds before ``node`` (0: in all); -1: there is none."""
    first = -1
    for number in range(load64(holds + H_COUNT)):
        queue = load64(holds + H_QUEUES + 8 * number)
        if node == 0 or load64(queue + Q_LABEL) < node:
            due = load64(queue + Q_DUE)
            if due != NEVER and (first < 0 or due < first):
                first = due
    return first


def hold_set_aside(w: int, position: int, entry: int) -> int:
    """Put the packets from ``position`` on, which came in under ``entry``, aside: more than a burst goes before them.

    They are received again before any other packet of this stage. Returns 0.
    """
    at = load64(w + W_ASIDE_TABLE)
    wanted = max(entry, ASIDE)
    while load64(at + RX_NODE) != wanted:
        at += RX_ENTRY
    ring = load64(at + RX_STATE)
    spill = load64(ring + R_SPILL)
    count = load64(w + W_COUNT)
    for index in range(position, count):
        slot = ring_reserve(ring)
        ring_put(w, ring, slot, index)
        if spill != 0:
            copy(slot + DESCRIPTOR, load64(w + W_SPILL) + index * load64(w + W_SPILL_SIZE), spill)
    ring_publish(ring)
    store64(w + W_ASIDE, load64(w + W_ASIDE) + count - position)
    return 0
