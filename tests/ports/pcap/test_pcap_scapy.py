"""The same packets, lengths and times as scapy reads and writes."""

from __future__ import annotations

import io
import os
import random
import struct
from pathlib import Path

import pytest
from pcap_bench import Bench, Packet
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, PcapWriter, RawPcapNgReader, RawPcapReader, rdpcap, wrpcap

from wirebrick.errors import PortError
from wirebrick.ports.pcap.reader import PcapSource
from wirebrick.ports.pcap.writer import PcapSink


def captures() -> Path | None:
    """The folder of real captures: WIREBRICK_PCAPS, or shared/pcaps beside the repository."""
    named = os.environ.get("WIREBRICK_PCAPS")
    places = [Path(named)] if named else [parent / "shared" / "pcaps" for parent in Path(__file__).parents]
    return next((place for place in places if place.is_dir()), None)


FOLDER = captures()
FILES = [] if FOLDER is None else sorted(p for p in FOLDER.iterdir() if "cap" in p.suffix)
REAL = pytest.mark.parametrize(
    "path",
    FILES
    or [pytest.param(None, marks=pytest.mark.skip(reason="no folder of captures; see WIREBRICK_PCAPS"))],
    ids=lambda path: path.name if path else "none",
)


def by_scapy(path: Path) -> list[tuple[bytes, int, int, int]]:
    """Bytes, length on the wire, time and link type of each packet."""
    out = []
    reader = RawPcapReader(str(path))
    while True:
        try:
            data, meta = reader._read_packet(1 << 20)
        except EOFError:
            return out
        if isinstance(reader, RawPcapNgReader):
            ticks = ((meta.tshigh or 0) << 32) + (meta.tslow or 0)
            out.append((data, meta.wirelen, ticks * 10**9 // meta.tsresol, meta.linktype))
        else:
            if len(data) < meta.caplen:
                return out  # cut in the middle of this packet
            time = meta.sec * 10**9 + meta.usec * (1 if reader.nano else 1000)
            out.append((data, meta.wirelen, time, reader.linktype))


@REAL
def test_real_captures(bench, path):
    theirs = by_scapy(path)
    if theirs[0][3] not in (0, 1, 12, 101, 113, 228, 229, 276):
        with pytest.raises(PortError, match=r"link type .* can't be mapped"):
            PcapSource(path, receive=0)
        return
    source = PcapSource(path, receive=0)
    ours = bench.drain(source, 7)
    source.close()
    assert len(ours) == len(theirs) or source.problem
    for packet, (data, wire, time, link) in zip(ours, theirs, strict=False):
        pushed = 0 if link == 1 else 14
        assert packet == Packet(packet.data[:pushed] + data, max(wire, len(data)) + pushed, time)


def made(count: int = 50) -> list[Ether]:
    rng = random.Random(4)
    packets = []
    for number in range(count):
        packet = Ether(bytes(Ether() / IP(dst="10.0.0.1") / UDP() / rng.randbytes(rng.randrange(1400))))
        packet.time = 1_700_000_000 + number + number / (1 << 20)
        packets.append(packet)
    return packets


@pytest.mark.parametrize("endianness", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_written_by_scapy(bench, tmp_path, endianness, nano):
    path = tmp_path / "scapy.pcap"
    packets = made()
    with PcapWriter(str(path), endianness=endianness, nano=nano) as writer:
        writer.write(packets)
    assert [packet.data for packet in bench.drain(PcapSource(path, receive=0))] == list(map(bytes, packets))
    assert [row[:3] for row in by_scapy(path)] == [
        (packet.data, packet.wire, packet.time) for packet in bench.drain(PcapSource(path, receive=0))
    ]


def test_written_by_scapy_as_blocks(bench, tmp_path):
    path = tmp_path / "scapy.pcapng"
    packets = made()
    for number, packet in enumerate(packets):
        packet.sniffed_on = f"eth{number % 3}"
    with PcapNgWriter(str(path)) as writer:
        writer.write(packets)
    ours = bench.drain(PcapSource(path, receive=0))
    assert [packet.data for packet in ours] == list(map(bytes, packets))
    assert [packet.time for packet in ours] == [row[2] for row in by_scapy(path)]


@pytest.mark.parametrize("nano", [False, True])
def test_read_by_scapy(bench, tmp_path, nano):
    path = tmp_path / "ours.pcap"
    packets = [Packet(bytes(packet), len(packet) + 3, 1_700_000_000_123_456_789 + 1) for packet in made()]
    sink = PcapSink(path, nano, transmit=0)
    bench.send(sink, packets)
    sink.close()
    tick = 1 if nano else 1000
    assert [row[:3] for row in by_scapy(path)] == [
        (packet.data, packet.wire, packet.time // tick * tick) for packet in packets
    ]
    assert [bytes(packet) for packet in rdpcap(str(path))] == [packet.data for packet in packets]


def test_round_trip_of_wrpcap(bench: Bench, tmp_path):
    path = tmp_path / "scapy.pcap"
    wrpcap(str(path), made())
    stream = io.BytesIO()
    sink = PcapSink(stream, transmit=0)
    bench.send(sink, bench.drain(PcapSource(path, receive=0)))
    sink.close()
    assert stream.getvalue()[24:] == path.read_bytes()[24:]
    assert struct.unpack_from("<I", stream.getvalue(), 16) == (262144,)
