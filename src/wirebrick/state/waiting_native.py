"""Packets that wait for a neighbour's MAC address: kept in slots of a fixed size, given back in their order.

One for all workers, under a lock: it is taken for packets to neighbours that aren't known alone.
"""

from __future__ import annotations

from wirebrick.packet.edit import frame_start
from wirebrick.packet.frame import D_DATA, D_EGRESS, D_INGRESS, D_LENGTH, D_WIRE, DESCRIPTOR, W_BURST, W_FRAME
from wirebrick.packet.make import make_packet
from wirebrick.packet.memory import copy, load16, load32, load64, store16, store32, store64
from wirebrick.state.lock_native import lock_acquire, lock_release

A_SLOTS = 0  # how many slots
A_SIZE = 8  # bytes of each
A_NEXT = 16  # number of the next packet that waits: their order
A_MOST = 24  # of one neighbour
A_LIFE = 32  # nanoseconds for which a packet waits
A_META = 40  # where metadata has what a packet waits for: three words
A_KEPT = 48  # packets that were taken in
A_GIVEN = 56  # given back
A_OUSTED = 64  # that made room for newer ones, or waited too long
A_BEGIN = 128

# A slot.
W_NUMBER = 0  # 0: free
W_TIME = 8
W_KEY = 16  # three words
W_LENGTH = 40
W_PORTS = 48  # ingress and egress
W_BYTES = 64

LOCK = 128
KEPT, NOT_KEPT = -1, -2
BATCH = 16  # given back at once


def waiting_keep(block: int, w: int, position: int, start: int, begin: int, meta: int, now: int) -> int:
    """Take a packet in: KEPT; NOT_KEPT where it is too large or was cut. The oldest makes room."""
    descriptor = load64(w + W_BURST) + position * DESCRIPTOR
    length = load32(descriptor + D_LENGTH)
    if length != load32(descriptor + D_WIRE) or length > load64(block + A_SIZE) - W_BYTES:
        return NOT_KEPT
    key = meta + load64(block + A_META)
    lock_acquire(block - LOCK, w)
    slot = waiting_room(block, key, now)
    number = load64(block + A_NEXT)
    store64(block + A_NEXT, number + 1)
    store64(slot + W_NUMBER, number)
    store64(slot + W_TIME, now)
    copy(slot + W_KEY, key, 24)
    store64(slot + W_LENGTH, length)
    store32(slot + W_PORTS, load32(descriptor + D_INGRESS))
    copy(slot + W_BYTES, load64(descriptor + D_DATA), length)
    store64(block + A_KEPT, load64(block + A_KEPT) + 1)
    lock_release(block - LOCK)
    return KEPT


def waiting_copy(block: int, w: int, position: int, start: int, begin: int, meta: int, now: int) -> int:
    """Take a packet's bytes in, where they fit, and let it go on."""
    waiting_keep(block, w, position, start, begin, meta, now)
    return 0


def waiting_room(block: int, key: int, now: int) -> int:
    """A slot for a packet: a free one, else the oldest; of a neighbour with as many as may be its own oldest."""
    oldest = 0
    own = 0
    mine = 0
    free = 0
    for number in range(load64(block + A_SLOTS)):
        slot = block + A_BEGIN + number * load64(block + A_SIZE)
        if load64(slot + W_NUMBER) != 0 and now - load64(slot + W_TIME) > load64(block + A_LIFE):
            store64(slot + W_NUMBER, 0)
            store64(block + A_OUSTED, load64(block + A_OUSTED) + 1)
        if load64(slot + W_NUMBER) == 0:
            free = slot
        else:
            if oldest == 0 or load64(slot + W_NUMBER) < load64(oldest + W_NUMBER):
                oldest = slot
            if same_key(slot + W_KEY, key) != 0:
                mine += 1
                if own == 0 or load64(slot + W_NUMBER) < load64(own + W_NUMBER):
                    own = slot
    if mine >= load64(block + A_MOST):
        free = own
    elif free == 0:
        free = oldest
    if load64(free + W_NUMBER) != 0:
        store64(block + A_OUSTED, load64(block + A_OUSTED) + 1)
    return free


def same_key(a: int, b: int) -> int:
    """1 where three words are the same."""
    return (
        1
        if load64(a) == load64(b) and load64(a + 8) == load64(b + 8) and load64(a + 16) == load64(b + 16)
        else 0
    )


def waiting_give(block: int, w: int, position: int, start: int, begin: int, meta: int, now: int) -> int:
    """Make the packets that waited for the neighbour in the metadata: the packet at hand becomes the first of them.

    KEPT, the first reason, where none waited.
    """
    key = meta + load64(block + A_META)
    descriptor = load64(w + W_BURST) + position * DESCRIPTOR
    made = -1
    lock_acquire(block - LOCK, w)
    for _ in range(BATCH):
        slot = waiting_first(block, key)
        if slot == 0:
            break
        at = descriptor
        if made >= 0:
            place = make_packet(w, load64(slot + W_LENGTH), now)
            if place < 0:
                break
            at = load64(w + W_BURST) + place * DESCRIPTOR
        if waiting_fill(w, at, slot) != 0:
            store64(block + A_GIVEN, load64(block + A_GIVEN) + 1)
            made += 1
        else:
            store64(block + A_OUSTED, load64(block + A_OUSTED) + 1)
        store64(slot + W_NUMBER, 0)
    lock_release(block - LOCK)
    return made if made >= 0 else KEPT


def waiting_first(block: int, key: int) -> int:
    """The slot of the packet that has waited longest for a neighbour, or 0."""
    first = 0
    for number in range(load64(block + A_SLOTS)):
        slot = block + A_BEGIN + number * load64(block + A_SIZE)
        waits = load64(slot + W_NUMBER)
        if (
            waits != 0
            and same_key(slot + W_KEY, key) != 0
            and (first == 0 or waits < load64(first + W_NUMBER))
        ):
            first = slot
    return first


def waiting_fill(w: int, descriptor: int, slot: int) -> int:
    """Put the bytes of a slot into a packet: 1, or 0 where its frame has no room (made packets always have)."""
    length = load64(slot + W_LENGTH)
    data = load64(descriptor + D_DATA)
    if data + length > frame_start(w, descriptor) + load64(w + W_FRAME):
        return 0
    copy(data, slot + W_BYTES, length)
    store32(descriptor + D_LENGTH, length)
    store32(descriptor + D_WIRE, length)
    store16(descriptor + D_INGRESS, load16(slot + W_PORTS))
    store16(descriptor + D_EGRESS, load16(slot + W_PORTS + 2))
    return 1
