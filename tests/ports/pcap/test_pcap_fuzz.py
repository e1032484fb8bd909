"""Whatever the bytes: nothing outside the memory is touched, whole packets before the damage come out."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pcap_bench import Bench
from pcap_files import block, classic, enhanced, interface, obsolete, option, section, simple

from wirebrick.errors import PortError
from wirebrick.ports.pcap.reader import PcapSource

LINKS = [0, 1, 12, 101, 105, 108, 113, 228, 229, 276]
RELAXED = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CLASSIC = [(n, n, bytes([n]) * n * 5, None) for n in range(8)]
ORDERS = {b"<": "<", b">": ">"}


def blocks(rng: random.Random) -> bytes:
    """A section of everything there is."""
    order = rng.choice("<>")
    data = section(order)
    for _ in range(rng.randint(0, 4)):
        options = option(9, bytes([rng.randrange(256)]), order) + option(14, rng.randbytes(8), order)
        data += interface(rng.choice(LINKS), rng.choice([0, 20, 65535]), order, options)
    for _ in range(rng.randint(0, 8)):
        packet, number = rng.randbytes(rng.randrange(60)), rng.randrange(4)
        ticks = rng.getrandbits(64)
        data += rng.choice(
            [
                enhanced(number, ticks, packet, rng.getrandbits(32), order),
                obsolete(number, ticks, packet, order),
                simple(packet, rng.choice([None, rng.getrandbits(32)]), order),
                block(rng.getrandbits(32), packet, order),
            ]
        )
    return data


def drain(bench: Bench, data: bytes, room: int = 16) -> list[bytes]:
    """The packets of a file that may be anything, with every access checked."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            source = PcapSource(io.BytesIO(data), receive=0)
        except PortError:
            return []
        bench.guard(source, patch.setattr)
        return [packet.data for packet in bench.drain(source, room)]


def hurt(rng: random.Random, data: bytes) -> bytes:
    """Some bytes changed, taken out or put in."""
    out = bytearray(data)
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(4, len(out)) if len(out) > 4 else 0
        kind = rng.randrange(4)
        if kind == 0:
            out[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            out[at : at + 4] = rng.choice([b"\xff" * 4, bytes(4), b"\0\0\4\0", b"\x20\0\0\0", b"\0\0\0\x20"])
        elif kind == 2:
            del out[at : at + rng.randrange(9)]
        else:
            out[at:at] = rng.randbytes(rng.randrange(9))
    return bytes(out)


@pytest.fixture(scope="module")
def small() -> Bench:
    """Frames smaller than packets may be: some will have to be cut."""
    return Bench(120)


@RELAXED
@given(st.randoms(use_true_random=False))
def test_damaged_blocks(small, seed):
    rng = random.Random(seed.getrandbits(32))
    drain(small, hurt(rng, b"".join(blocks(rng) for _ in range(rng.randint(1, 3)))), rng.randint(1, 16))


@RELAXED
@given(st.randoms(use_true_random=False))
def test_damaged_records(small, seed):
    rng = random.Random(seed.getrandbits(32))
    records = [(1, 1, rng.randbytes(rng.randrange(200)), rng.getrandbits(32)) for _ in range(6)]
    data = classic(records, rng.choice("<>"), rng.choice([0xA1B2C3D4, 0xA1B2CD34]), rng.choice(LINKS))
    drain(small, hurt(rng, data), rng.randint(1, 16))


@RELAXED
@given(
    st.binary(max_size=400), st.sampled_from([classic(CLASSIC), section() + interface() + simple(b"x") * 8])
)
def test_anything_behind_good_packets(small, tail, good):
    assert len(drain(small, good + tail)) >= 8


@RELAXED
@given(st.binary(max_size=100))
def test_anything(small, data):
    drain(small, data)


def test_links_at_every_length(small):
    rng = random.Random(3)
    for link in LINKS:
        if link != 105:
            records = [(0, 0, rng.randbytes(size), None) for size in range(30)]
            assert len(drain(small, classic(records, link=link))) == 30
