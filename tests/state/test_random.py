"""Random: the generator's own reference values, shares, seeds, workers."""

from __future__ import annotations

import ctypes

import pytest

import wirebrick
from wirebrick import Array, Random, network_function
from wirebrick.errors import GraphError
from wirebrick.fields import U64
from wirebrick.state import random_native as native
from wirebrick.state.random import odds

MASK = (1 << 64) - 1


def rotate(x, by):
    return (x << by | x >> (64 - by)) & MASK


def test_it_is_xoroshiro128_plus():
    words = (ctypes.c_uint64 * 2)(0x0123456789ABCDEF, 0xFEDCBA9876543210)
    a, b = words
    for _ in range(1000):
        expected = (a + b) & MASK
        b ^= a
        a, b = rotate(a, 24) ^ b ^ (b << 16 & MASK), rotate(b, 37)
        assert native.random_next(ctypes.addressof(words)) == expected >> 32
    assert (words[0], words[1]) == (a, b)


@pytest.mark.parametrize("interpret", [True, False])
def test_numbers_are_spread_evenly(interpret):
    kept = []

    @network_function
    def dice(packets):
        random, faces, hits = Random(5), Array(U64, 6), Array(U64, 1)
        seldom = odds(0.05)

        def throw(packet):
            faces[random.below(6)] += 1
            if random.happens(seldom):
                hits[0] += 1

        wirebrick.at_end(lambda: kept.append((faces.totals(), hits.total(0))))
        return packets.map(throw)

    count = 6000
    wirebrick.run(dice, rx=f"memory:count={count},flows=8", workers=2, interpret=interpret)
    faces, hits = kept[0]
    assert sum(faces) == count
    assert all(abs(face - count / 6) < 150 for face in faces)
    assert abs(hits - count * 0.05) < 80


def test_workers_have_numbers_of_their_own():
    random = Random(3)
    random.allocate(workers=2)
    first, second = ([native.random_below(block, 1000) for _ in range(10)] for block in random.blocks)
    assert first != second


def test_certain_and_impossible():
    random = Random(9)
    random.allocate(workers=1)
    assert all(random.happens(odds(1)) for _ in range(100))
    assert not any(random.happens(odds(0)) for _ in range(100))
    assert {random.below(1) for _ in range(100)} == {0}


@pytest.mark.parametrize("seed", [-1, 1 << 63, 1.5, "x"])
def test_wrong_seeds(seed):
    with pytest.raises(GraphError, match="can't begin"):
        Random(seed)
