"""The compiled functions do what they do in CPython."""

from __future__ import annotations

import io
import random

import pytest
from pcap_bench import Bench, Packet
from pcap_files import classic
from test_pcap_fuzz import LINKS, blocks, hurt

from wirebrick.errors import PortError
from wirebrick.packet.memory import call3, call4
from wirebrick.ports.pcap.reader import PcapSource
from wirebrick.ports.pcap.writer import PcapSink


@pytest.fixture(scope="module")
def compiled() -> Bench:
    """A bench that calls machine code."""
    bench = Bench(120)
    receive, transmit = (PcapSource(io.BytesIO(classic([]))).receive, PcapSink(io.BytesIO()).transmit)
    bench.receive = lambda state, context, room: call3(receive, state, context, room)
    bench.transmit = lambda state, context, list, start: call4(transmit, state, context, list, start)
    return bench


def result(bench: Bench, data: bytes, room: int) -> tuple[list[Packet], str | None]:
    try:
        source = PcapSource(io.BytesIO(data), receive=0)
    except PortError as error:
        return [], error.message
    return bench.drain(source, room), source.problem


def test_any_file(compiled):
    plain = Bench(120)
    for seed in range(600):
        rng = random.Random(seed)
        if seed % 2:
            records = [(1, 1, rng.randbytes(rng.randrange(200)), rng.getrandbits(32)) for _ in range(20)]
            magic = rng.choice([0xA1B2C3D4, 0xA1B2CD34, 0xA1B23C4D])
            data = classic(records, rng.choice("<>"), magic, rng.choice(LINKS))
        else:
            data = b"".join(blocks(rng) for _ in range(rng.randint(1, 4)))
        data = hurt(rng, data) if seed % 3 == 0 else data
        room = rng.randint(1, 16)
        assert result(compiled, data, room) == result(plain, data, room)


@pytest.mark.parametrize("nano", [False, True])
def test_writing(compiled, nano):
    plain, rng = Bench(120), random.Random(6)
    packets = [
        Packet(rng.randbytes(rng.randrange(120)), rng.getrandbits(32), rng.getrandbits(64) - (1 << 63))
        for _ in range(500)
    ]
    files = []
    for bench in (compiled, plain):
        stream = io.BytesIO()
        sink = PcapSink(stream, nano, transmit=0)
        bench.send(sink, packets)
        sink.close()
        files.append(stream.getvalue())
    assert files[0] == files[1]
