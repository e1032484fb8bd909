"""Transmitting to a DPDK device: packets leave with their mbufs, and empty ones take their places."""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    W_BURST,
    W_FRAMES,
)
from wirebrick.packet.memory import call3, copy, load32, load64, store32, store64
from wirebrick.ports.dpdk.layout import (
    BATCH,
    F_TRANSMIT,
    F_TRANSMIT_QUEUES,
    M_DATA,
    M_FLAGS,
    M_REARM,
    M_TYPE,
    MBUF,
    REARM,
    S_CUT,
    S_LOCK,
    S_LONGEST,
    S_LOST,
    S_MBUFS,
    S_OPERATIONS,
    S_QUEUE,
    S_STASH,
    S_TOO_LONG,
    ST_COUNT,
    ST_FIRST,
    ST_FRAMES,
    ST_INVERSE,
    ST_STRIDE,
)
from wirebrick.ports.dpdk.stash_native import frame_of, stash_take
from wirebrick.state.lock_native import lock_acquire, lock_release


def transmit(state: int, context: int, list: int, start: int) -> int:
    """Send the packets from position ``start`` of the list; all are taken, those that can't be sent are dropped."""
    count = load64(list)
    lock = load64(state + S_LOCK)
    if lock != 0:
        lock_acquire(lock, context)
    index = start
    while index < count:
        size = min(count - index, BATCH)
        item = list + LIST_HEAD + 4 * index
        good = size
        if load64(state + S_LONGEST) != 0:
            good = set_aside(state, context, item, size)
            count_aside(state, context, item + 4 * good, size - good)
        send_batch(state, context, item, good)
        index += size
    if lock != 0:
        lock_release(lock)
    return count - start


def set_aside(state: int, context: int, item: int, count: int) -> int:
    """Put packets that are too long, or cut, behind the others, which stay in order; how many those are."""
    longest = load64(state + S_LONGEST)
    burst = load64(context + W_BURST)
    good = 0
    for index in range(count):
        position = load32(item + 4 * index)
        descriptor = burst + position * DESCRIPTOR
        length = load32(descriptor + D_LENGTH)
        if length <= longest and length == load32(descriptor + D_WIRE):
            if good < index:
                copy(item + 4 * good + 4, item + 4 * good, 4 * (index - good))
                store32(item + 4 * good, position)
            good += 1
    return good


def count_aside(state: int, context: int, item: int, count: int) -> int:
    """Count packets that were set aside, one by one: they are few. Returns 0."""
    burst = load64(context + W_BURST)
    for index in range(count):
        descriptor = burst + load32(item + 4 * index) * DESCRIPTOR
        cut = load32(descriptor + D_LENGTH) != load32(descriptor + D_WIRE)
        count_lost(state + (S_CUT if cut else S_TOO_LONG), context, item + 4 * index, 1)
    return 0


def send_batch(state: int, context: int, item: int, count: int) -> int:
    """Send ``count`` packets, at most BATCH, whose positions lie at ``item``. Returns 0."""
    stash = load64(state + S_STASH)
    have = load64(stash + ST_COUNT)
    if have < count:
        have += stash_take(stash)
    ready = min(have, count)
    prepare(state, context, item, ready)
    operations = load64(state + S_OPERATIONS)
    queue = load64(load64(operations + F_TRANSMIT_QUEUES) + 8 * load64(state + S_QUEUE))
    sent = 0
    while sent < ready:
        at = state + S_MBUFS + 8 * sent
        # Some drivers take a few at a time.
        took = call3(load64(operations + F_TRANSMIT), queue, at, ready - sent) & 0xFFFF
        if took == 0:
            take_back(state, sent, ready)
            ready = sent
        sent += took
    if sent < count:
        count_lost(state + S_LOST, context, item + 4 * sent, count - sent)
    return 0


def prepare(state: int, context: int, item: int, count: int) -> int:
    """Describe packets to DPDK in their mbufs; their positions get empty frames from the stash. Returns 0."""
    stash = load64(state + S_STASH)
    first = load64(stash + ST_FIRST)
    stride = load64(stash + ST_STRIDE)
    stashed = load64(stash + ST_COUNT) - count
    store64(stash + ST_COUNT, stashed)
    empty = stash + ST_FRAMES + 4 * stashed
    burst = load64(context + W_BURST)
    frames = load64(context + W_FRAMES)
    at = state + S_MBUFS
    for _ in range(count):
        position = load32(item)
        descriptor = burst + position * DESCRIPTOR
        mbuf = first + load32(descriptor + D_FRAME) * stride
        length = load32(descriptor + D_LENGTH)
        store64(mbuf + M_REARM, REARM | (load64(descriptor + D_DATA) - mbuf - MBUF))
        store64(mbuf + M_FLAGS, 0)
        store64(mbuf + M_TYPE, length << 32)
        store32(mbuf + M_DATA, length)
        store64(at, mbuf)
        store32(frames + 4 * position, load32(empty))
        item += 4
        at += 8
        empty += 4
    return 0


def take_back(state: int, begin: int, end: int) -> int:
    """Put mbufs that were not sent, number ``begin`` to ``end`` - 1, into the stash. Returns 0."""
    stash = load64(state + S_STASH)
    first = load64(stash + ST_FIRST)
    inverse = load64(stash + ST_INVERSE)
    stashed = load64(stash + ST_COUNT)
    for index in range(begin, end):
        mbuf = load64(state + S_MBUFS + 8 * index)
        store32(stash + ST_FRAMES + 4 * stashed, frame_of(mbuf - first, inverse))
        stashed += 1
    store64(stash + ST_COUNT, stashed)
    return 0


def count_lost(counter: int, context: int, item: int, count: int) -> int:
    """Count packets that are dropped, whose positions lie at ``item``: how many, and their bytes. Returns 0."""
    wire = load64(context + W_BURST) + D_WIRE
    size = 0
    for index in range(count):
        size += load32(wire + load32(item + 4 * index) * DESCRIPTOR)
    store64(counter, load64(counter) + count)
    store64(counter + 8, load64(counter + 8) + size)
    return 0
