"""Packets that are too long, or cut, are set aside: the others stay in order, and the list keeps all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wirebrick.packet.frame import D_LENGTH, D_WIRE, DESCRIPTOR, W_BURST
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.transmit_native import count_aside, set_aside
from wirebrick.runtime.blocks import Blocks


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from([0, 0, 5])), max_size=40), st.integers(1, 20))
def test_set_aside(packets: list[tuple[int, int]], longest: int) -> None:
    """Each is so long, and so many bytes were cut off."""
    blocks = Blocks()
    state, context, item = (blocks.take(512) for _ in range(3))
    burst = blocks.take(DESCRIPTOR * 40)
    store64(context + W_BURST, burst)
    store64(state + layout.S_LONGEST, longest)
    for position, (length, cut) in enumerate(packets):
        store32(burst + DESCRIPTOR * position + D_LENGTH, length)
        store32(burst + DESCRIPTOR * position + D_WIRE, length + cut)
        store32(item + 4 * position, position)
    good = set_aside(state, context, item, len(packets))
    listed = [load32(item + 4 * index) for index in range(len(packets))]
    assert listed[:good] == [n for n, (length, cut) in enumerate(packets) if length <= longest and not cut]
    assert sorted(listed) == list(range(len(packets)))
    count_aside(state, context, item + 4 * good, len(packets) - good)
    cuts = [length + cut for length, cut in packets if cut]
    assert [load64(state + layout.S_CUT + at) for at in (0, 8)] == [len(cuts), sum(cuts)]
    long = [length for length, cut in packets if length > longest and not cut]
    assert [load64(state + layout.S_TOO_LONG + at) for at in (0, 8)] == [len(long), sum(long)]
