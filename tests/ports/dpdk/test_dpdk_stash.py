"""The stash in CPython: frames are numbers, the mempool a list."""

from __future__ import annotations

import ctypes

from hypothesis import given
from hypothesis import strategies as st

from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.mempool import buffer_size
from wirebrick.ports.dpdk.stash_native import frame_of, stash_give, stash_take
from wirebrick.runtime.blocks import Blocks

FIRST, STRIDE = 1 << 40, 192 + 2176
BULK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint)


@given(st.integers(0, 65_000), st.integers(0, (1 << 26) - 1))
def test_the_number_of_a_frame(size: int, number: int) -> None:
    stride = 192 + buffer_size(size)
    assert stride // 64 % 2 == 1
    assert frame_of(number * stride, pow(stride // 64, -1, 1 << 32)) == number


@given(st.lists(st.booleans(), max_size=30), st.booleans(), st.integers(0, 12))
def test_frames_go_to_the_mempool_and_come_back(gives: list[bool], cached: bool, batches: int) -> None:
    common = [FIRST + number * STRIDE for number in range(1000, 1000 + batches * layout.BATCH)]

    def enqueue(pool: int, at: int, count: int) -> int:
        common.extend(load64(at + 8 * index) for index in range(count))
        return 0

    def dequeue(pool: int, at: int, count: int) -> int:
        if len(common) < count:
            return -105
        for index in range(count):
            store64(at + 8 * index, common.pop())
        return 0

    blocks, functions = Blocks(), (BULK(enqueue), BULK(dequeue))
    stash, cache = blocks.take(layout.STASH), blocks.take(layout.CACHE)
    store32(cache + layout.CACHE_FLUSH, layout.CACHED * 3 // 2)
    for word, value in (
        (layout.ST_CACHE, cache if cached else 0),
        (layout.ST_ENQUEUE, ctypes.cast(functions[0], ctypes.c_void_p).value or 0),
        (layout.ST_DEQUEUE, ctypes.cast(functions[1], ctypes.c_void_p).value or 0),
        (layout.ST_FIRST, FIRST),
        (layout.ST_STRIDE, STRIDE),
        (layout.ST_INVERSE, pow(STRIDE // 64, -1, 1 << 32)),
        (layout.ST_COUNT, layout.BATCH),
    ):
        store64(stash + word, value)
    for number in range(layout.BATCH):
        store32(stash + layout.ST_FRAMES + 4 * number, number)

    def everything() -> list[int]:
        own = [load32(stash + layout.ST_FRAMES + 4 * n) for n in range(load64(stash + layout.ST_COUNT))]
        length = load32(cache + layout.CACHE_LENGTH)
        held = [load64(cache + layout.CACHE_OBJECTS + 8 * index) for index in range(length)]
        return sorted(own + [(mbuf - FIRST) // STRIDE for mbuf in held + common])

    before = everything()
    for give in gives:
        count = load64(stash + layout.ST_COUNT)
        if give and count >= layout.BATCH:
            stash_give(stash)
            assert load64(stash + layout.ST_COUNT) == count - layout.BATCH
        elif not give and count <= layout.FULL:
            there = load32(cache + layout.CACHE_LENGTH) >= layout.BATCH or len(common) >= layout.BATCH
            assert stash_take(stash) == (layout.BATCH if there else 0)
        assert everything() == before
