"""pcapng captures: sections, interfaces, packet blocks, damage."""

from __future__ import annotations

import io
import struct

import pytest
from pcap_bench import Packet
from pcap_files import block, classic, enhanced, interface, obsolete, option, section, simple

from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.reader import PcapSource

SECOND = 1_000_000_000
NOW = 1_700_000_000


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_block(read, order):
    data = section(order, option(2, b"machine", order)) + interface(1, 0, order)
    data += enhanced(
        0, NOW * 10**6 + 5, b"abc", 77, order, option(1, b"comment", order) + option(0, b"", order)
    )
    data += block(4, b"names" * 3, order) + simple(b"simple", None, order)
    data += obsolete(0, NOW * 10**6 + 6, b"obsolete!", order) + block(0x80000001, b"", order)
    data += enhanced(0, 0, b"", None, order)
    packets, problem = read(data)
    assert problem is None
    assert packets == [
        Packet(b"abc", 77, NOW * SECOND + 5000),
        Packet(b"simple", 6, 0),
        Packet(b"obsolete!", 9, NOW * SECOND + 6000),
        Packet(b"", 0, 0),
    ]


def test_byte_order_changes_with_the_section(read):
    data = b""
    for count, order in enumerate("<><>"):
        data += section(order) + interface(101 if count % 2 else 1, 0, order)
        data += enhanced(0, count, b"\x45" + bytes(20), None, order)
    packets, problem = read(data)
    assert problem is None
    assert [(len(packet.data), packet.time) for packet in packets] == [
        (21, 0),
        (35, 1000),
        (21, 2000),
        (35, 3000),
    ]


@pytest.mark.parametrize(
    ("resolution", "ticks", "expected"),
    [
        (0, NOW, NOW * SECOND),
        (3, NOW * 1000 + 7, NOW * SECOND + 7_000_000),
        (6, NOW * 10**6 + 7, NOW * SECOND + 7000),
        (9, NOW * SECOND + 7, NOW * SECOND + 7),
        (10, NOW * 10**10 + 79, NOW * SECOND + 7),
        (12, 10**18 + 1999, 10**15 + 1),
        (19, (1 << 64) - 1, ((1 << 64) - 1) // 10**10),
        (27, (1 << 64) - 1, 18),
        (28, (1 << 64) - 1, 0),
        (127, (1 << 64) - 1, 0),
        (0x80, NOW, NOW * SECOND),
        (0x80 | 1, NOW * 2 + 1, NOW * SECOND + SECOND // 2),
        (0x80 | 20, (NOW << 20) + 3, NOW * SECOND + (3 * SECOND >> 20)),
        (0x80 | 32, (NOW << 32) + 0xFFFFFFFF, NOW * SECOND + 999_999_999),
        (0x80 | 33, (NOW << 33) + 5, NOW * SECOND),
        (0x80 | 40, (1234567 << 40) + (1 << 39), 1234567 * SECOND + SECOND // 2),
        (0x80 | 63, (1 << 63) + (1 << 62), SECOND * 3 // 2),
        (0x80 | 64, 1 << 63, SECOND // 2),
        (0x80 | 90, (1 << 64) - 1, ((1 << 64) - 1) * SECOND >> 90),
        (0x80 | 127, (1 << 64) - 1, 0),
    ],
)
def test_resolution(read, resolution, ticks, expected):
    options = option(9, bytes([resolution])) + option(0, b"")
    data = section() + interface(options=options) + enhanced(0, ticks, b"p")
    assert read(data)[0][0].time == expected
    fine = 10 ** (resolution) > 10**6 if resolution < 0x80 else resolution > 0x80 | 20
    assert PcapSource(io.BytesIO(data), receive=0).nanoseconds == fine


@pytest.mark.parametrize(("order", "offset"), [("<", 3600), (">", -3600), ("<", 0)])
def test_time_offset(read, order, offset):
    options = option(2, b"eth0", order) + option(14, struct.pack(order + "q", offset), order)
    data = section(order) + interface(1, 0, order, options) + enhanced(0, NOW * 10**6, b"p", None, order)
    assert read(data)[0][0].time == (NOW + offset) * SECOND


def test_options_that_make_no_sense(read):
    for options in (b"\x09\x00\xff\xff", b"\x09\x00\x02\x00ab\0\0", b"\x0e\x00\x04\x00abcd", b"\x02\x00\x01"):
        padded = options + bytes(-len(options) % 4)
        data = section() + interface(options=padded) + enhanced(0, 5, b"p")
        assert read(data) == ([Packet(b"p", 1, 5000)], None)


def test_interfaces_of_different_links(read):
    data = section() + interface(1) + interface(101) + interface(105) + interface(276) + interface(127)
    v4 = b"\x45" + bytes(19)
    for number in (0, 1, 2, 3, 1, 4):
        data += enhanced(number, number, v4)
    packets, problem = read(data)
    assert [(len(packet.data), packet.time) for packet in packets] == [
        (20, 0),
        (34, 1000),
        (14, 3000),
        (34, 1000),
    ]
    assert problem.startswith(
        "the given file: 2 packets of link type 105 (802.11), 127 (802.11 with radiotap) were skipped: only"
    )


def test_many_interfaces(read):
    data = section() + b"".join(interface(options=option(9, b"\x09")) for _ in range(1000))
    data += enhanced(999, 42, b"p") + enhanced(1000, 42, b"p")
    packets, problem = read(data)
    assert packets == [Packet(b"p", 1, 42)]
    assert "is of interface 1000, which is not described: the file is damaged; 1 packets were read" in problem


def test_interface_of_the_section_before_is_gone(read):
    packets, problem = read(
        section() + interface() + enhanced(0, 0, b"p") + section(">") + enhanced(0, 0, b"p", 1, ">")
    )
    assert len(packets) == 1
    assert "block 5 at byte" in problem
    assert "interface 0, which is not described" in problem


@pytest.mark.parametrize(
    ("snaplen", "packet", "wire", "expected"),
    [
        (4, b"abcd", 100, b"abcd"),
        (0, b"abcde", 5, b"abcde"),
        (6, b"abcdef", 9, b"abcdef"),
        (0, b"abcd", 100, b"abcd"),
    ],
)
def test_simple_packets_and_snap_length(read, snaplen, packet, wire, expected):
    data = section() + interface(1, snaplen) + simple(packet, wire)
    assert read(data)[0] == [Packet(expected, wire, 0)]


def test_large_block_is_skipped(read):
    data = section() + block(0xBAD, bytes(5 * layout.BUFFER)) + interface() + enhanced(0, 1, b"p")
    assert read(data) == ([Packet(b"p", 1, 1000)], None)
    packets, problem = read(data[: 4 * layout.BUFFER])
    assert packets == []
    assert problem == "the given file: the file is cut: it ends inside block 2; 0 packets were read"


def bad(change: bytes, at: int, tail: bytes = b"") -> bytes:
    """An enhanced block with some bytes changed."""
    good = bytearray(enhanced(0, 0, b"abcd"))
    good[at : at + len(change)] = change
    return bytes(good) + tail


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        (bad(struct.pack("<I", 5), 20), "claims 5 bytes"),
        (bad(struct.pack("<I", 0xFFFFFFFF), 20), "claims 4294967295 bytes"),
        (bad(struct.pack("<I", 7), 8), "is of interface 7, which is not described"),
        (bad(struct.pack("<I", 11), 4), "claims to be 11 bytes long"),
        (bad(struct.pack("<I", 0), 4), "claims to be 0 bytes long"),
        (bad(struct.pack("<I", 37), 4), "claims to be 37 bytes long"),
        (bad(struct.pack("<I", 28), 4), "claims to be 28 bytes long"),
        (bad(struct.pack("<I", 0xFFFFFFFC), 4), "claims to be 4294967292 bytes long"),
        (bad(struct.pack("<I", 40), 32), "claims at its end to be 40 bytes long"),
        (simple(b"")[:4] + struct.pack("<I", 12) + bytes(20), "claims to be 12 bytes long"),
        (section()[:8] + bytes(20), "is a section header with byte-order magic 00 00 00 00"),
        (interface()[:4] + struct.pack("<I", 16) + bytes(40), "is a block of 16 bytes"),
        (block(0xBAD, b"")[:4] + struct.pack("<I", 8) + bytes(20), "claims to be 8 bytes long"),
    ],
)
def test_damage(read, damaged, text):
    start = section() + interface() + enhanced(0, 0, b"good") * 2
    packets, problem = read(start + damaged + enhanced(0, 0, b"good"))
    assert [packet.data for packet in packets] == [b"good"] * 2
    assert f"block 5 at byte {len(start)} {text}: the file is damaged; 2 packets were read" in problem


def test_cut_at_every_byte(read):
    parts = [
        section(),
        interface(),
        enhanced(0, 0, b"first"),
        simple(b"2nd"),
        block(5, b"stats"),
        section(">"),
    ]
    parts += [interface(101, 0, ">"), obsolete(0, 0, b"\x45third", ">"), enhanced(0, 0, b"", None, ">")]
    data, ends = b"".join(parts), [0]
    for part in parts:
        ends.append(ends[-1] + len(part))
    for size in range(ends[1], len(data) + 1):
        packets, problem = read(data[:size])
        whole = sum(end <= size for end in ends) - 1
        assert len(packets) == sum(index in (2, 3, 7, 8) for index in range(whole))
        assert (problem is None) == (size in ends)
        if problem:
            assert "it ends inside block" in problem


def test_classic_within_blocks_is_damage(read):
    packets, problem = read(section() + classic([(0, 0, b"p", None)]))
    assert packets == []
    assert "damaged" in problem or "cut" in problem
