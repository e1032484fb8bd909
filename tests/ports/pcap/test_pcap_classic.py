"""Classic captures: formats, damage, link types."""

from __future__ import annotations

import gzip
import io
import random
import struct

import pytest
from pcap_bench import FRAMES, Bench, Packet
from pcap_files import classic

from wirebrick.errors import PortError
from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.reader import PcapSource

NANO, MICRO, RED_HAT = 0xA1B23C4D, 0xA1B2C3D4, 0xA1B2CD34
THREE = [(1, 2, b"abc" * 20, None), (3, 999_999, b"", None), (0xFFFFFFFF, 5, b"x" * 1514, 9000)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "tick"), [(MICRO, 1000), (NANO, 1), (RED_HAT, 1000)])
def test_formats(read, order, magic, tick):
    packets, problem = read(classic(THREE, order, magic))
    assert problem is None
    assert packets == [
        Packet(b"abc" * 20, 60, 1_000_000_000 + 2 * tick),
        Packet(b"", 0, 3_000_000_000 + 999_999 * tick),
        Packet(b"x" * 1514, 9000, 0xFFFFFFFF * 1_000_000_000 + 5 * tick),
    ]
    source = PcapSource(io.BytesIO(classic(THREE, order, magic)), receive=0)
    assert source.nanoseconds == (tick == 1)
    assert source.frame_size == 65535 + 14


@pytest.mark.parametrize("snaplen", [0, 262144, 262145, 0xFFFFFFFF])
def test_frame_size_of_any_snap_length(snaplen):
    assert PcapSource(io.BytesIO(classic([], snaplen=snaplen)), receive=0).frame_size == 262144 + 14


def test_wire_length_below_captured(read):
    assert read(classic([(0, 0, b"12345", 2)]))[0] == [Packet(b"12345", 5, 0)]


def test_absurd_length_ends_it(read):
    data = classic([(0, 0, b"p" * 40, None)] * 16)
    place = len(data)
    data += struct.pack("<IIII", 0, 0, 3735928559, 60) + b"q" * 5000
    packets, problem = read(data)
    assert len(packets) == 16
    assert problem == (
        f"the given file: record 17 at byte {place} claims 3735928559 bytes: the file is damaged;"
        " 16 packets were read"
    )


def test_largest_packet(read):
    packets, problem = read(classic([(0, 0, b"p" * 262144, None)] * 9))
    assert [len(packet.data) for packet in packets] == [262144] * 9
    assert problem is None


def test_larger_than_the_frame_is_cut():
    bench = Bench(65535 + 14)
    source = PcapSource(io.BytesIO(classic([(0, 0, b"p" * 70000, None)], snaplen=96)), receive=0)
    assert bench.drain(source) == [Packet(b"p" * 65549, 70000, 0)]
    assert source.problem == "the given file: 1 packets were larger than a frame and were cut to it"


def test_cut_at_every_byte(read):
    records = [(n, n, bytes(range(n * 7)), None) for n in range(6)]
    whole = classic(records)
    ends = [len(classic(records[:n])) for n in range(len(records) + 1)]
    for size in range(24, len(whole) + 1):
        packets, problem = read(whole[:size])
        expected = sum(end <= size for end in ends) - 1
        assert [packet.data for packet in packets] == [record[2] for record in records[:expected]]
        if size in ends:
            assert problem is None
        else:
            assert problem == (
                f"the given file: the file is cut: it ends inside record {expected + 1}"
                f" at byte {ends[expected]}; {expected} packets were read"
            )


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.random = data, 0, random.Random(5)

    def readable(self) -> bool:
        return True

    def readinto(self, view) -> int:
        size = min(self.random.randint(1, 40), len(view))
        piece = self.data[self.at : self.at + size]
        view[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def test_pieces_of_any_size(bench):
    records = [(n, 0, bytes(n % 90), None) for n in range(200)]
    source = PcapSource(Trickle(classic(records)), receive=0)
    assert [packet.data for packet in bench.drain(source, 3)] == [record[2] for record in records]
    assert source.problem is None
    assert source.progress() is None


def test_records_across_chunks(bench):
    rng = random.Random(1)
    records = [(n, 0, rng.randbytes(rng.choice([0, 60, 1514, 65535])), None) for n in range(300)]
    data = classic(records)
    assert len(data) > 3 * layout.BUFFER
    source = PcapSource(io.BytesIO(data), receive=0)
    before = bench.refills
    assert [packet.data for packet in bench.drain(source)] == [record[2] for record in records]
    assert bench.refills - before < 2 * len(data) / layout.BUFFER + 3
    assert source.bytes_copied == sum(len(record[2]) for record in records)


def test_gzip(tmp_path, bench):
    rng = random.Random(2)
    records = [(n, 0, rng.randbytes(1000), None) for n in range(200)]
    packed = gzip.compress(classic(records))
    path = tmp_path / "c.pcap.gz"
    path.write_bytes(packed)
    source = PcapSource(path, receive=0)
    assert [packet.data for packet in bench.drain(source)] == [record[2] for record in records]
    assert source.progress() == (len(packed), len(packed))
    source.close()
    half = len(packed) // 2
    for damaged in (packed[:half], packed[:-8] + bytes(8)):
        source = PcapSource(io.BytesIO(damaged), receive=0)
        assert 90 <= len(bench.drain(source)) <= 200
        assert "the compressed data is cut or damaged" in source.problem


def test_progress(tmp_path, bench):
    path = tmp_path / "c.pcap"
    data = classic([(0, 0, bytes(1500), None)] * 1000)
    path.write_bytes(data)
    source = PcapSource(str(path), receive=0)
    done, total = source.progress()
    assert total == len(data)
    assert 0 < done < total
    bench.drain(source)
    assert source.progress() == (total, total)
    source.close()


def ethernet(ethertype: int, source: bytes = bytes(6)) -> bytes:
    return bytes(6) + source + ethertype.to_bytes(2, "big")


V4, V6 = b"\x45" + bytes(39), b"\x60" + bytes(59)
ADDRESS = bytes.fromhex("0200deadbeef")
COOKED = struct.pack(">HHH", 0, 1, 6) + ADDRESS + bytes(2)
COOKED2 = struct.pack(">HIHBB", 0, 3, 1, 4, 6) + ADDRESS + bytes(2)


@pytest.mark.parametrize(
    ("link", "packet", "header", "strip"),
    [
        (101, V4, ethernet(0x0800), 0),
        (12, V6, ethernet(0x86DD), 0),
        (14, V4, ethernet(0x0800), 0),
        (101, b"\x00\x11", ethernet(0xFFFF), 0),
        (101, b"", ethernet(0xFFFF), 0),
        (228, V4, ethernet(0x0800), 0),
        (228, b"\x99", ethernet(0x0800), 0),
        (229, V6, ethernet(0x86DD), 0),
        (0, b"\x02\0\0\0" + V4, ethernet(0x0800), 4),
        (0, b"\0\0\0\x02" + V4, ethernet(0x0800), 4),
        (0, b"\x1e\0\0\0" + V6, ethernet(0x86DD), 4),
        (0, b"\x18\0\0\0" + V6, ethernet(0x86DD), 4),
        (108, b"\0\0\0\x1c" + V6, ethernet(0x86DD), 4),
        (108, b"\0\0\0\x07" + V6, ethernet(0xFFFF), 4),
        (0, b"\x02\0\0\0", ethernet(0x0800), 4),
        (0, b"\x02\0", ethernet(0xFFFF), 4),
        (113, COOKED + b"\x08\x00" + V4, ethernet(0x0800, ADDRESS), 16),
        (113, COOKED + b"\x81\x00\x00\x05\x08\x00" + V4, ethernet(0x8100, ADDRESS), 16),
        (113, COOKED + b"\x00\x0c" + bytes(38), ethernet(0xFFFF, ADDRESS), 16),
        (113, struct.pack(">HHH", 0, 772, 0) + b"junkjunk\x86\xdd" + V6, ethernet(0x86DD), 16),
        (113, COOKED, ethernet(0xFFFF), 16),
        (276, b"\x86\xdd" + COOKED2 + V6, ethernet(0x86DD, ADDRESS), 20),
        (276, b"\x86\xdd" + COOKED2[:-1], ethernet(0xFFFF), 20),
    ],
)
def test_link_types(read, link, packet, header, strip):
    expected = header + packet[strip:]
    stripped = min(strip, len(packet))
    cut = classic([(0, 0, packet, len(packet) + 100)] * 2, link=link)
    assert read(cut)[0] == [Packet(expected, len(packet) + 100 - stripped + 14, 0)] * 2
    assert read(classic([(0, 0, packet, None)], link=link))[0] == [Packet(expected, len(expected), 0)]


@pytest.mark.parametrize(("wire", "field"), [(38, 38), (1500, 1500), (1535, 1535), (1536, 0xFFFF)])
@pytest.mark.parametrize("protocol", [b"\x00\x01", b"\x00\x04"])
def test_cooked_802_3_gets_its_length(read, wire, field, protocol):
    data = classic([(0, 0, COOKED + protocol + bytes(38), wire + 16)], link=113)
    assert read(data)[0] == [Packet(ethernet(field, ADDRESS) + bytes(38), wire + 14, 0)]


def test_wire_length_of_a_mapped_packet_stays_in_32_bits(read):
    assert read(classic([(0, 0, V4, 0xFFFFFFFF)], link=101))[0][0].wire == 0xFFFFFFFF


def test_frame_check_bits_beside_the_link_type(read):
    assert read(classic(THREE[:1], link=0x24000000 | 1))[0][0].data == b"abc" * 20


@pytest.mark.parametrize(
    ("link", "text"),
    [(9, "9 (PPP)"), (105, "105 (802.11)"), (127, "127 (802.11 with radiotap)"), (999, "999")],
)
def test_other_link_types_are_refused(link, text):
    with pytest.raises(PortError, match="can't be mapped to Ethernet") as caught:
        PcapSource(io.BytesIO(classic(THREE, link=link)), receive=0)
    assert f"link type {text} " in caught.value.message
    assert caught.value.cure


def test_room_is_respected(bench, read):
    data = classic([(n, 0, b"p", None) for n in range(40)])
    for room in (1, 5, FRAMES):
        assert len(read(data, room)[0]) == 40
