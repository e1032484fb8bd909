"""Packets that are too long are set aside: the others stay in order, and the list keeps all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wirebrick.packet.frame import D_LENGTH, DESCRIPTOR, W_BURST
from wirebrick.packet.memory import load32, store32, store64
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.transmit_native import set_aside
from wirebrick.runtime.blocks import Blocks


@given(st.lists(st.integers(1, 20), max_size=40), st.integers(1, 20))
def test_set_aside(lengths: list[int], longest: int) -> None:
    blocks = Blocks()
    state, context, item = (blocks.take(512) for _ in range(3))
    burst = blocks.take(DESCRIPTOR * 40)
    store64(context + W_BURST, burst)
    store64(state + layout.S_LONGEST, longest)
    for position, length in enumerate(lengths):
        store32(burst + DESCRIPTOR * position + D_LENGTH, length)
        store32(item + 4 * position, position)
    good = set_aside(state, context, item, len(lengths))
    listed = [load32(item + 4 * index) for index in range(len(lengths))]
    assert listed[:good] == [position for position, length in enumerate(lengths) if length <= longest]
    assert sorted(listed) == list(range(len(lengths)))
