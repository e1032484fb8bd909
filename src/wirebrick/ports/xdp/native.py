"""Receiving from AF_XDP rings and transmitting to them: frames are exchanged, no byte is copied.

Indices of the kernel's rings are 32 bits wide and wrap around. Each side reads the other's with acquire and writes
its own with release (linux/if_xdp.h; Documentation/networking/af_xdp.rst).
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    NO_PORT,
    W_BURST,
    W_FRAMES,
    W_POOL,
)
from wirebrick.packet.memory import (
    call4,
    load32,
    load32_acquire,
    load64,
    store8,
    store32,
    store32_release,
    store64,
    store64x4,
)
from wirebrick.ports.clock_native import clock
from wirebrick.ports.drop_native import drop
from wirebrick.ports.offload_native import complete_partial
from wirebrick.ports.xdp.layout import (
    E_COMPLETION,
    E_COUNT,
    E_FRAMES,
    E_LOCK,
    ETHERNET,
    FRAME_ENTRY,
    NEED_WAKEUP,
    Q_FD,
    Q_FILL,
    Q_NUMBER,
    Q_RX,
    RING_CONSUMER,
    RING_ENTRIES,
    RING_FLAGS,
    RING_MASK,
    RING_PRODUCER,
    RING_SEEN,
    RX_ENTRY,
    S_CELL,
    S_CLOCK,
    S_NEXT,
    S_OWNERS,
    S_QUEUES,
    S_RECEIVE,
    S_REPAIR,
    S_REPAIRED,
    S_SHIFT,
    S_TABLE,
    T_CUT,
    T_EMPTIES,
    T_FD,
    T_GONE,
    T_LONGEST,
    T_NO_ROOM,
    T_NUMBER,
    T_OWNERS,
    T_SEND,
    T_SHARED,
    T_SHIFT,
    T_TOO_LONG,
    T_TOO_SHORT,
    T_TX,
    T_UNSENT,
)
from wirebrick.state.lock_native import lock_acquire, lock_release

MASK32 = 0xFFFFFFFF
MSG_DONTWAIT = 0x40
_TAGS = NO_PORT << 16  # INGRESS 0, EGRESS NO_PORT; the frame's number goes into the upper half


def receive(state: int, context: int, room: int) -> int:
    """Up to ``room`` packets of the next queue that has some; how many, or 0."""
    queues = load64(state + S_QUEUES)
    turn = load64(state + S_NEXT)
    for _ in range(queues):
        queue = load64(load64(state + S_TABLE) + 8 * turn)
        turn += 1
        if turn == queues:
            turn = 0
        ready = ring_ready(queue + Q_RX, room)
        if ready > 0:
            store64(state + S_NEXT, turn)
            return take_packets(state, context, queue, min(ready, room))
        if load32(load64(queue + Q_FILL + RING_FLAGS)) & NEED_WAKEUP != 0:
            call4(load64(state + S_RECEIVE), load64(queue + Q_FD), 0, 0, MSG_DONTWAIT)
    return 0


def ring_ready(ring: int, wanted: int) -> int:
    """Entries that can be taken out of a ring that the kernel fills; it is looked at where they seem too few."""
    consumer = load32(load64(ring + RING_CONSUMER))
    ready = (load64(ring + RING_SEEN) - consumer) & MASK32
    if ready < wanted:
        seen = load32_acquire(load64(ring + RING_PRODUCER))
        store64(ring + RING_SEEN, seen)
        ready = (seen - consumer) & MASK32
    return ready


def ring_room(ring: int, wanted: int) -> int:
    """Entries that can be put into a ring that the kernel empties."""
    size = load64(ring + RING_MASK) + 1
    producer = load32(load64(ring + RING_PRODUCER))
    room = size - ((producer - load64(ring + RING_SEEN)) & MASK32)
    if room < wanted:
        seen = load32_acquire(load64(ring + RING_CONSUMER))
        store64(ring + RING_SEEN, seen)
        room = size - ((producer - seen) & MASK32)
    return room


def take_packets(state: int, context: int, queue: int, count: int) -> int:
    """Take ``count`` packets: each position gets the packet's frame and leaves its empty one to be filled."""
    shift = load64(state + S_SHIFT)
    owners = load64(state + S_OWNERS)
    number = load64(queue + Q_NUMBER)
    time = clock(load64(state + S_CLOCK), load64(state + S_CELL))
    pool = load64(context + W_POOL)
    descriptor = load64(context + W_BURST)
    cell = load64(context + W_FRAMES)
    repair = load64(state + S_REPAIR)
    entries = load64(queue + Q_RX + RING_ENTRIES)
    mask = load64(queue + Q_RX + RING_MASK)
    consumer = load32(load64(queue + Q_RX + RING_CONSUMER))
    filling = load64(queue + Q_FILL + RING_ENTRIES)
    fill_mask = load64(queue + Q_FILL + RING_MASK)
    filled = load32(load64(queue + Q_FILL + RING_PRODUCER))
    for index in range(count):
        entry = entries + ((consumer + index) & mask) * RX_ENTRY
        address = load64(entry)
        length = load32(entry + 8)
        frame = address >> shift
        empty = load32(cell)
        store32(cell, frame)
        store8(owners + frame, 0)
        store8(owners + empty, number)
        store64(filling + ((filled + index) & fill_mask) * FRAME_ENTRY, empty << shift)
        store64x4(descriptor + D_DATA, pool + address, length | (length << 32), time, _TAGS | (frame << 32))
        descriptor += DESCRIPTOR
        cell += 4
    store32_release(load64(queue + Q_FILL + RING_PRODUCER), filled + count)
    store32_release(load64(queue + Q_RX + RING_CONSUMER), consumer + count)
    if repair != 0:
        complete_checksums(state, load64(context + W_BURST), count)
    return count


def complete_checksums(state: int, descriptor: int, count: int) -> int:
    """Complete the checksums that were left to a card that isn't there; returns 0."""
    done = 0
    for _ in range(count):
        done += complete_partial(load64(descriptor + D_DATA), load32(descriptor + D_LENGTH))
        descriptor += DESCRIPTOR
    store64(state + S_REPAIRED, load64(state + S_REPAIRED) + done)
    return 0


def transmit(state: int, context: int, transmit_list: int, start: int) -> int:
    """Take all packets from list position ``start`` on: into the ring, or dropped where it has no room."""
    count = load64(transmit_list) - start
    empties = load64(state + T_EMPTIES)
    if empties == 0:
        return drop_all(state, context, transmit_list, start)
    shared = load64(state + T_SHARED)
    if shared != 0:
        lock_acquire(empties + E_LOCK, context)
    have = find_room(state, empties, count)
    if have < count:
        kick(state)
        have = find_room(state, empties, count)
    put_packets(state, context, empties, transmit_list, start, min(have, count))
    if shared != 0:
        lock_release(empties + E_LOCK)
    if load64(state + T_UNSENT) != 0:
        kick(state)
    return count


def find_room(state: int, empties: int, count: int) -> int:
    """How many packets there is room for, in the ring and in empty frames to give for them."""
    if load64(empties + E_COUNT) < count:
        reap(state, empties)
    return min(load64(empties + E_COUNT), ring_room(state + T_TX, count))


def reap(state: int, empties: int) -> int:
    """Take back the frames of what was sent; returns 0."""
    ring = empties + E_COMPLETION
    ready = ring_ready(ring, MASK32)
    entries = load64(ring + RING_ENTRIES)
    mask = load64(ring + RING_MASK)
    consumer = load32(load64(ring + RING_CONSUMER))
    shift = load64(state + T_SHIFT)
    count = load64(empties + E_COUNT)
    at = load64(empties + E_FRAMES) + 4 * count
    for index in range(ready):
        store32(at, load64(entries + ((consumer + index) & mask) * FRAME_ENTRY) >> shift)
        at += 4
    store64(empties + E_COUNT, count + ready)
    store32_release(load64(ring + RING_CONSUMER), consumer + ready)
    return 0


def put_packets(state: int, context: int, empties: int, transmit_list: int, start: int, have: int) -> int:
    """Put packets into the ring, ``have`` at most; each position gets an empty frame for its packet's. Returns 0."""
    owners = load64(state + T_OWNERS)
    number = load64(state + T_NUMBER)
    longest = load64(state + T_LONGEST)
    pool = load64(context + W_POOL)
    burst = load64(context + W_BURST)
    frames = load64(context + W_FRAMES)
    ring = state + T_TX
    entries = load64(ring + RING_ENTRIES)
    mask = load64(ring + RING_MASK)
    producer = load32(load64(ring + RING_PRODUCER))
    free = load64(empties + E_COUNT)
    stack = load64(empties + E_FRAMES)
    put = 0
    for index in range(start, load64(transmit_list)):
        position = load32(transmit_list + LIST_HEAD + 4 * index)
        descriptor = burst + position * DESCRIPTOR
        length = load32(descriptor + D_LENGTH)
        wire = load32(descriptor + D_WIRE)
        if length != wire:
            drop(state + T_CUT, wire)
        elif length > longest:
            drop(state + T_TOO_LONG, wire)
        elif length < ETHERNET:
            drop(state + T_TOO_SHORT, wire)
        elif put == have:
            drop(state + T_NO_ROOM, wire)
        else:
            frame = load32(descriptor + D_FRAME)
            entry = entries + ((producer + put) & mask) * RX_ENTRY
            store64(entry, load64(descriptor + D_DATA) - pool)
            store64(entry + 8, length)
            put += 1
            empty = load32(stack + 4 * (free - put))
            store32(frames + 4 * position, empty)
            store8(owners + frame, number)
            store8(owners + empty, 0)
    store64(empties + E_COUNT, free - put)
    store32_release(load64(ring + RING_PRODUCER), producer + put)
    store64(state + T_UNSENT, load64(state + T_UNSENT) + put)
    return 0


def drop_all(state: int, context: int, transmit_list: int, start: int) -> int:
    """Drop what was to leave by an interface that is gone; how many."""
    count = load64(transmit_list)
    for index in range(start, count):
        position = load32(transmit_list + LIST_HEAD + 4 * index)
        drop(state + T_GONE, load32(load64(context + W_BURST) + position * DESCRIPTOR + D_WIRE))
    return count - start


def kick(state: int) -> int:
    """Have the kernel send what is in the ring, if it wants to be told; returns 0."""
    if load32(load64(state + T_TX + RING_FLAGS)) & NEED_WAKEUP != 0:
        call4(load64(state + T_SEND), load64(state + T_FD), 0, 0, MSG_DONTWAIT)
    store64(state + T_UNSENT, 0)
    return 0
