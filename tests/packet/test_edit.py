"""Moving bytes: the functions compiled do what they do in CPython."""

from __future__ import annotations

import ctypes
import random

import pytest

from wirebrick.packet import edit
from wirebrick.packet.alone import alone

FUNCTIONS = {"open_gap": 4, "close_gap": 4, "payload_edit": 6, "copy_packet": 2}


@pytest.fixture(scope="module")
def native():
    from wirebrick.compiler.native import load_native

    addresses = load_native("wirebrick.packet.edit", FUNCTIONS)
    return {
        name: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(addresses[name])
        for name, count in FUNCTIONS.items()
    }


def state(packet):
    """Everything in the packet's memory that is no address."""
    of = packet._descriptor
    return bytes(packet), of.length, of.wire, of.frame, of.data - packet._context


def step(rng, packet, functions):
    length = len(bytes(packet))
    at, size = rng.randrange(length + 1), rng.randrange(80)
    kind = rng.choice(list(FUNCTIONS))
    arguments = [packet._context, packet._descriptor.at]
    if kind == "open_gap":
        arguments += [at, size]
    elif kind == "close_gap":
        arguments += [at, min(size, length - at)]
    elif kind == "payload_edit":
        begin, end = sorted((rng.randrange(length + 1), length - rng.randrange(min(5, length + 1))))
        arguments += [begin, end, rng.randrange(begin, end + 1), rng.randrange(-30, 200)]
    return functions[kind](*arguments)


@pytest.mark.parametrize("seed", range(40))
def test_compiled_as_interpreted(seed, native):
    data = random.Random(seed).randbytes(100)
    interpreted, compiled = alone(data), alone(data)
    plain = {name: getattr(edit, name) for name in FUNCTIONS}
    rngs = random.Random(seed), random.Random(seed)
    for _ in range(25):
        assert step(rngs[0], interpreted, plain) == step(rngs[1], compiled, native)
        a, b = state(interpreted), state(compiled)
        assert a == b


def test_gaps_and_edits_by_hand():
    packet = alone(b"abcdef")
    context, descriptor = packet._context, packet._descriptor.at
    assert edit.open_gap(context, descriptor, 2, 3) == 0
    assert bytes(packet)[:2] + bytes(packet)[5:] == b"abcdef"
    assert edit.close_gap(context, descriptor, 2, 3) == 0
    assert bytes(packet) == b"abcdef"
    assert edit.payload_edit(context, descriptor, 1, 5, 3, 2) == 0
    assert bytes(packet) == b"abc\0\0de"
    assert edit.payload_edit(context, descriptor, 1, 7, 2, -3) == 0
    assert bytes(packet) == b"abde"
    assert edit.payload_edit(context, descriptor, 2, 4, 1, 1) == -1
    assert edit.payload_edit(context, descriptor, 1, 4, 3, -2) == -1
    assert edit.payload_edit(context, descriptor, 1, 4, 3, 1 << 20) == -1
    assert edit.open_gap(context, descriptor, 0, 257) == -1
    assert bytes(packet) == b"abde"
