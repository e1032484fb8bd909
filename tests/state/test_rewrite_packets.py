"""The packets that a Rewrite makes: lengths, checksums and flags by scapy; datagrams; the map; CPython and compiled."""

from __future__ import annotations

import ctypes
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewrite_box import Box, compiled, growing, in_python, replacing
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from tcp_packets import ACK, CWR, FIN, PSH, SYN, Segment, parse
from tcp_path import A4, A6, B4, B6

from wirebrick.packet.memory import load64, store64
from wirebrick.state import rewrite_map_native as native
from wirebrick.state.rewrite import Rewrite
from wirebrick.state.rewrite_layout import (
    B_PAIRS,
    DROP_ABSORBED,
    P_DIRECTIONS,
    PIECES,
    R_CONSUMED,
    R_IN_ACKED,
    R_OUT_ACKED,
    R_SENT,
)


def as_scapy_makes_it(frame: bytes) -> bytes:
    """The frame with every length and checksum computed by scapy."""
    packet = Ether(frame)
    for layer, fields in (
        (IP, ("len", "chksum")),
        (IPv6, ("plen",)),
        (TCP, ("chksum",)),
        (UDP, ("len", "chksum")),
    ):
        if layer in packet:
            for name in fields:
                delattr(packet[layer], name)
    return bytes(packet)


def opened(make, ends=(A4, B4), mss: int = 1460, **options) -> Box:
    """A box that knows a connection from port 1 of A to port 2 of B; the first bytes have numbers 101 and 201."""
    box = Box(make, compiled(), **options)
    a, b = ends
    limit = b"\x02\x04" + mss.to_bytes(2)
    box.process(Segment(a, b, 1, 2, 100, 0, SYN, options=limit).frame(), 0)
    box.process(Segment(b, a, 2, 1, 200, 101, SYN | ACK, options=limit).frame(), 1)
    box.process(Segment(a, b, 1, 2, 101, 201).frame(), 2)
    return box


@pytest.mark.parametrize("ends", [(A4, B4), (A6, B6)], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize(
    "options", [b"", bytes.fromhex("0101080a 00000001 00000002")], ids=["plain", "timestamps"]
)
@pytest.mark.parametrize("mss", [300, 1460, 8960])
def test_split_at_the_mss(ends, options, mss):
    box = opened(growing(7), ends, mss, positions=64)
    data = random.Random(1).randbytes(1001)
    flags = ACK | PSH | CWR | FIN
    frame = Segment(*ends, 1, 2, 101, 201, flags, 1000, data, options, 77).frame()
    frames = box.process(frame, 3)
    assert [as_scapy_makes_it(one) for one in frames] == frames
    made = [parse(one) for one in frames]
    most = min(mss - len(options), 1500 - (20 if ends == (A4, B4) else 40) - 20 - len(options))
    assert [len(one.payload) for one in made[:-1]] == [most] * (7007 // most)
    assert b"".join(one.payload for one in made) == bytes(byte for byte in data for _ in range(7))
    assert [one.seq for one in made] == [101 + number * most for number in range(len(made))]
    assert {(one.ack, one.window, one.options) for one in made} == {(201, 1000, options)}
    assert [one.flags for one in made] == [ACK | CWR] + [ACK] * (len(made) - 2) + [ACK | PSH | FIN]
    if ends == (A4, B4):
        assert [one.identification for one in made] == [77 + number for number in range(len(made))]
    assert box.made == len(made) - 1


def test_larger_packets_are_made_where_larger_came():
    box = opened(growing(2), mss=8960, stride=9408)
    made = box.process(Segment(A4, B4, 1, 2, 101, 201, payload=bytes(8000)).frame(), 3)
    assert [len(parse(one).payload) for one in made] == [8000, 8000]


def test_what_found_no_frame_goes_with_the_next_packet():
    box = opened(growing(4), positions=2)
    made = box.process(Segment(A4, B4, 1, 2, 101, 201, payload=b"x" * 1460).frame(), 3)
    made += box.process(Segment(A4, B4, 1, 2, 1561, 201).frame(), 4)
    assert [(one.seq, len(one.payload), one.flags) for one in map(parse, made)] == [
        (101, 1460, ACK),
        (1561, 1460, ACK),
        (3021, 1460, ACK),
        (4481, 1460, ACK | PSH),
    ]


def test_padding_of_short_frames_is_no_payload():
    box = opened(replacing(b"cat", b"leopard"))
    frame = Segment(A4, B4, 1, 2, 101, 201, payload=b"cat").frame() + bytes(3)
    made = box.process(frame, 3)
    assert [parse(one).payload for one in made] == [b"leopard"]


@pytest.mark.parametrize("ends", [(A4, B4), (A6, B6)], ids=["IPv4", "IPv6"])
def test_datagrams(ends):
    box = Box(replacing(b"cat", b"leopard" * 400), compiled())
    frame = Segment(*ends, 1, 2, 0, payload=b"a cat!", protocol=17).frame()
    frames = box.process(frame, 1)
    assert [as_scapy_makes_it(one) for one in frames] == frames
    payloads = [parse(one).payload for one in frames]
    assert b"".join(payloads) == b"a " + b"leopard" * 400 + b"!"
    most = 1472 if ends == (A4, B4) else 1452
    assert [len(part) for part in payloads] == [most, 2803 - most]


def test_datagrams_without_checksum_or_output():
    box = Box(growing(2), compiled())
    frame = bytearray(Segment(A4, B4, 1, 2, 0, payload=b"ab", protocol=17).frame())
    frame[14 + 20 + 6 : 14 + 20 + 8] = bytes(2)
    made = box.process(bytes(frame), 1)[0]
    assert made[-4:] == b"aabb"
    assert made[40:42] == bytes(2)
    silent = Box(growing(0), compiled())
    assert silent.process(Segment(A4, B4, 1, 2, 0, payload=b"ab", protocol=17).frame(), 1) == []
    assert silent.drops == {DROP_ABSORBED: 1}


def test_an_acknowledgement_is_not_lost_with_its_payload():
    box = opened(growing(0))
    box.process(Segment(B4, A4, 2, 1, 201, 101, payload=b"gone").frame(), 3)
    [made] = map(parse, box.process(Segment(A4, B4, 1, 2, 101, 201, payload=b"gone").frame(), 4))
    assert (made.seq, made.ack, made.payload) == (100, 205, b"\0")  # number 100 is that of the SYN: B has it
    assert made.flags == ACK


def test_in_cpython_and_compiled_the_same_bytes():
    rng = random.Random(3)
    frames = []
    for _ in range(250):
        a, b, ports, base, other = (
            (A4, B4, (1, 2), 100, 200) if rng.random() < 0.6 else (B4, A4, (2, 1), 200, 100)
        )
        flags = rng.choice([SYN, SYN | ACK, *[ACK] * 12, ACK | FIN])
        seq = base + (0 if flags & SYN else rng.choice([1, 4, 7, 10, 13, 40]))
        ack = other + rng.choice([1, 1, 1, 4, 7, 9, 15, 23])
        payload = rng.choice([b"", b"cat", b"cat", b"dogcat", b"ca"])
        frames.append(Segment(a, b, *ports, seq, ack, flags, 500, payload).frame())
    results, blocks = [], []
    for functions in (in_python(), compiled()):
        box = Box(replacing(b"cat", b"leopard"), functions, flows=2, buffer=1 << 14)
        results.append([box.process(frame, now) for now, frame in enumerate(frames)])
        blocks.append(ctypes.string_at(box.block, box.rewrite.block_size()))
    assert results[0] == results[1]
    assert blocks[0] == blocks[1]


COMMITS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=200)


@given(COMMITS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_map_acknowledges_nothing_early(commits, rng):
    """However pieces are put together: what the sender still misses begins where the receiver's gap does."""
    state = Rewrite(flows=1, buffer=1 << 14)
    state.allocate(1)
    block = state.blocks[0]
    direction = block + load64(block + B_PAIRS) + P_DIRECTIONS
    sums_in, sums_out = [0], [0]
    for came, went in commits:
        native.map_add(block, direction, came, went)
        sums_in.append(sums_in[-1] + came)
        sums_out.append(sums_out[-1] + went)
        store64(direction + R_SENT, sums_out[-1])
        told = load64(direction + R_IN_ACKED)
        if rng.random() < 0.3:
            acked = rng.randint(load64(direction + R_OUT_ACKED), sums_out[-1])
            now = native.map_acked(block, direction, acked)
            assert now >= told
            if acked == sums_out[-1]:
                assert now == sums_in[-1]
            if len(commits) < PIECES:  # a piece is acknowledged when all of its output is, not before
                for end_in, end_out in zip(sums_in, sums_out, strict=True):
                    assert (
                        now < end_in or acked >= end_out or end_in == sums_in[sums_out.index(end_out)] <= now
                    )
        told, acked = load64(direction + R_IN_ACKED), load64(direction + R_OUT_ACKED)
        consumed = load64(direction + R_CONSUMED)
        if told < consumed and acked < sums_out[-1]:
            begin, end = native.map_range(direction, told, min(consumed, told + 5))
            assert begin == acked < end
