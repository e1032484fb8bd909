"""Connections against a plain model, on random TCP segments at the edges of what is allowed."""

from __future__ import annotations

import random

from connections_driver import judge, made
from connections_model import Model, Segment
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

ENDS = (("10.0.0.1", 4000), ("192.0.2.1", 80))
ENDS6 = (("2001:db8::1", 4000), ("2001:db8::2", 80))
FLAGS = ["A"] * 8 + ["S", "SA", "FA", "FA", "R", "RA", "", "SF", "AU", "F"]


def random_segment(rng: random.Random, model: Model, side: int) -> Segment:
    """One that is likely to be near something: the next in order, or at an edge."""
    me, other = model.ends[side], model.ends[1 - side]
    flags = rng.choice(FLAGS)
    if not model.state or (model.state == "syn" and rng.random() < 0.7):
        flags = "S" if not model.state or side == model.began else "SA"
    seqs = [me.sent] * 4 + [me.may, me.heard, me.sent - 1, me.first, me.sent - other.window]
    acks = [other.sent] * 4 + [other.heard, other.first, other.first + 1, other.sent - max(66000, me.window)]
    near = rng.choice([0] * 8 + [1, -1, 2, 100])
    seq = rng.choice(seqs) + near if me.sent else rng.choice([5, 2**32 - 3, 2**31, rng.randrange(2**32)])
    ack = rng.choice(acks) + rng.choice([0] * 8 + [1, -1, 5000])
    return Segment(
        flags,
        seq % 2**32,
        ack % 2**32,
        rng.choice([0, 1, 500, 64240, 65535]),
        rng.choice([0, 0, 1, 1000]),
        rng.choice([None, 0, 7, 14, 15]) if "S" in flags else None,
    )


def packet(side: int, one: Segment, v6: bool):
    (src, sport), (dst, dport) = (ENDS6 if v6 else ENDS)[:: 1 if side == 0 else -1]
    options = [] if one.scale is None else [("NOP", None), ("WScale", one.scale)]
    tcp = TCP(
        sport=sport,
        dport=dport,
        flags=one.flags,
        seq=one.seq,
        ack=one.ack,
        window=one.window,
        options=options,
    )
    return (IPv6 if v6 else IP)(src=src, dst=dst) / tcp / bytes(one.data)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_random_segments(seed, v6):
    rng = random.Random(seed)
    connections, model = made(), Model()
    for _ in range(40):
        side = rng.randrange(2)
        one = random_segment(rng, model, side)
        before = str(model)
        assert judge(connections, packet(side, one, v6)) == model.segment(side, one), (before, side, one)
    assert [found.state for found in connections.items()] == ([model.state] if model.state else [])


def test_random_segments_come_far():
    """The test above can fail: its segments reach every state, and every verdict."""
    seen = set()
    for seed in range(60):
        rng, model = random.Random(seed), Model()
        for _ in range(40):
            side = rng.randrange(2)
            one = random_segment(rng, model, side)
            seen |= {model.segment(side, one), model.state}
    states = {"syn", "syn-ack", "established", "closing", "time-wait", "reset"}
    assert seen >= {*states, "pass", "new", "invalid", "window"}
