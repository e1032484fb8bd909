"""The stash of a worker: numbers of empty frames, a few hundred, so that the mempool is rarely asked.

A packet that comes brings its frame to a position of the burst, and the empty one that lay there goes to the stash;
a packet that leaves takes its frame along, and its position gets an empty one from the stash. Where more come than
leave, or the other way round, frames go to the mempool or come from it, many at once: to the cache that the mempool
has for this thread, else to what all threads share, as rte_mempool_put_bulk and rte_mempool_get_bulk do.
"""

from __future__ import annotations

from wirebrick.packet.memory import call3, copy, load32, load64, store32, store64
from wirebrick.ports.dpdk.layout import (
    BATCH,
    CACHE_FLUSH,
    CACHE_LENGTH,
    CACHE_OBJECTS,
    ST_CACHE,
    ST_COUNT,
    ST_DEQUEUE,
    ST_ENQUEUE,
    ST_FIRST,
    ST_FRAMES,
    ST_INVERSE,
    ST_MBUFS,
    ST_MEMPOOL,
    ST_STRIDE,
)

_32_BITS = 0xFFFFFFFF


def frame_of(offset: int, inverse: int) -> int:
    """The number of a frame, by how far its mbuf is from the first one.

    ``offset`` is a multiple of 64 times an odd number: division by that is multiplication by its inverse.

    >>> frame_of(5 * 64 * 37, pow(37, -1, 1 << 32))
    5
    """
    return ((offset >> 6) * inverse) & _32_BITS


def stash_give(stash: int) -> int:
    """Give BATCH frames to the mempool; there are so many. Returns 0."""
    count = load64(stash + ST_COUNT) - BATCH
    store64(stash + ST_COUNT, count)
    first = load64(stash + ST_FIRST)
    stride = load64(stash + ST_STRIDE)
    cell = stash + ST_FRAMES + 4 * count
    for index in range(BATCH):
        store64(stash + ST_MBUFS + 8 * index, first + load32(cell + 4 * index) * stride)
    cache = load64(stash + ST_CACHE)
    if cache != 0:
        length = load32(cache + CACHE_LENGTH)
        if length + BATCH <= load32(cache + CACHE_FLUSH):
            copy(cache + CACHE_OBJECTS + 8 * length, stash + ST_MBUFS, 8 * BATCH)
            store32(cache + CACHE_LENGTH, length + BATCH)
            return 0
    call3(load64(stash + ST_ENQUEUE), load64(stash + ST_MEMPOOL), stash + ST_MBUFS, BATCH)
    return 0


def stash_take(stash: int) -> int:
    """Take BATCH frames from the mempool; returns how many: BATCH, or 0 where there aren't so many."""
    if take_mbufs(stash) == 0:
        return 0
    first = load64(stash + ST_FIRST)
    inverse = load64(stash + ST_INVERSE)
    count = load64(stash + ST_COUNT)
    cell = stash + ST_FRAMES + 4 * count
    for index in range(BATCH):
        mbuf = load64(stash + ST_MBUFS + 8 * index)
        store32(cell + 4 * index, frame_of(mbuf - first, inverse))
    store64(stash + ST_COUNT, count + BATCH)
    return BATCH


def take_mbufs(stash: int) -> int:
    """Take BATCH mbufs out of the cache or, where it has fewer, the mempool: 1, or 0 where there aren't so many."""
    cache = load64(stash + ST_CACHE)
    if cache != 0:
        length = load32(cache + CACHE_LENGTH) - BATCH
        if length >= 0:
            copy(stash + ST_MBUFS, cache + CACHE_OBJECTS + 8 * length, 8 * BATCH)
            store32(cache + CACHE_LENGTH, length)
            return 1
    failed = call3(load64(stash + ST_DEQUEUE), load64(stash + ST_MEMPOOL), stash + ST_MBUFS, BATCH)
    return 1 if failed & _32_BITS == 0 else 0
