"""Filters against libpcap itself (pcap_offline_filter) and against tcpdump."""

from __future__ import annotations

import ctypes
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from wirebrick.errors import ParameterError
from wirebrick.packet import memory
from wirebrick.runtime import filter as module
from wirebrick.runtime.filter import Instruction, _Program, bpf, compile_filter
from wirebrick.runtime.filter_native import filter_source

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"

EXPRESSIONS = [
    "",
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp port 53",
    "tcp port 80 or tcp port 443",
    "not (udp or tcp)",
    "icmp or icmp6",
    "vlan and ip",
    "vlan 10",
    "ip[6:2] & 0x1fff = 0 and len > 100",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and tcp[tcpflags] & tcp-ack = 0",
    "(((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    "portrange 1000-5000 and greater 128",
    "less 64",
    "ether multicast or ether broadcast",
    "net 10.0.0.0/8 and not host 10.0.0.1",
    "ip6 protochain 6",
    "ip protochain 17",
    "ip[ip[2]] * 3 % 7 > ip[0] / 2",
    "ether[0] << ether[1] > ether[2] >> 1",
    "-ether[3] = 0xffffff00 ^ ether[4]",
    "ether[len - 4] & 1 = 1",
    "ip proto 47 or ip proto 50",
    "mpls",
    "ip[0x7fffffff] = 1",
    "ether[6:4] / 3 > 0x10000000",
]


class _Header(ctypes.Structure):
    _fields_ = (
        ("seconds", ctypes.c_long),
        ("micros", ctypes.c_long),
        ("cap", ctypes.c_uint),
        ("len", ctypes.c_uint),
    )


class Oracle:
    """libpcap's own interpreter of BPF."""

    def __init__(self, expression: str) -> None:
        self.library = module._libpcap()
        self.library.pcap_offline_filter.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p]
        self.program = _Program()
        handle = self.library.pcap_open_dead(1, 262144)
        done = self.library.pcap_compile(
            handle, ctypes.byref(self.program), expression.encode(), 1, 0xFFFFFFFF
        )
        assert done == 0

    def __call__(self, frame: bytes, wire: int) -> int:
        header = _Header(0, 0, len(frame), wire)
        buffer = ctypes.create_string_buffer(frame, max(1, len(frame)))
        return int(
            self.library.pcap_offline_filter(ctypes.byref(self.program), ctypes.byref(header), buffer) != 0
        )


def interpreted(expression: str):
    space: dict = {}
    exec(filter_source(bpf(expression)), space)

    def matches(frame: bytes, wire: int) -> int:
        buffer = ctypes.create_string_buffer(frame, max(1, len(frame)))
        return space["matches"](ctypes.addressof(buffer), len(frame), wire)

    return matches


def native(expression: str):
    function = compile_filter(expression)

    def matches(frame: bytes, wire: int) -> int:
        buffer = ctypes.create_string_buffer(frame, max(1, len(frame)))
        return memory.call3(function, ctypes.addressof(buffer), len(frame), wire)

    return matches


def capture_frames() -> list[tuple[bytes, int]]:
    data = CAPTURE.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, frames = 24, []
    while at < len(data):
        _, _, size, wire = struct.unpack_from(order + "IIII", data, at)
        frames.append((data[at + 16 : at + 16 + size], wire))
        at += 16 + size
    return frames


def random_frames(count: int) -> list[tuple[bytes, int]]:
    """Frames that look like IP far enough to get into a filter's branches, cut anywhere."""
    chance = random.Random(7)
    frames = []
    for _ in range(count):
        frame = bytearray(chance.randbytes(chance.randrange(0, 120)))
        for at, choices in (
            (12, b"\x08\x86\x81\x88"),
            (13, b"\x00\xdd\x06\x47"),
            (14, b"\x45\x60\x4f"),
            (23, b"\x01\x06\x11\x33"),
            (20, b"\x00\x06\x33\x2c\x3c"),
            (21, b"\x00"),
            (54, b"\x06\x00\x33"),
        ):
            if len(frame) > at and chance.random() < 0.8:
                frame[at] = chance.choice(choices)
        frames.append((bytes(frame), len(frame) + chance.choice([0, 0, 1, 900])))
    return frames


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("make", [interpreted, native])
def test_agrees_with_libpcap(expression: str, make) -> None:
    oracle, matches = Oracle(expression), make(expression)
    for frame, wire in capture_frames()[:400] + random_frames(1500):
        assert matches(frame, wire) == oracle(frame, wire), (frame.hex(), wire)


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="no tcpdump")
@pytest.mark.parametrize(
    "expression", ["tcp port 80", "udp", "vlan", "ip6", "arp or icmp", "len > 1000", "greater 60 and ip"]
)
def test_finds_what_tcpdump_finds(expression: str) -> None:
    told = subprocess.run(
        ["tcpdump", "-nn", "-t", "-r", str(CAPTURE), "-w", "-", expression], capture_output=True, check=True
    ).stdout
    matches = interpreted(expression)
    mine = [frame for frame, wire in capture_frames() if matches(frame, wire)]
    at, theirs = 24, []
    while at < len(told):
        size = struct.unpack_from("<I", told, at + 8)[0]
        theirs.append(told[at + 16 : at + 16 + size])
        at += 16 + size
    assert mine == theirs
    assert mine


@pytest.mark.parametrize("expression", ["ip and and", "port port", "host", "tcp port 99999", "(ip"])
def test_a_mistake_is_told_in_libpcaps_words(expression: str) -> None:
    with pytest.raises(ParameterError) as error:
        bpf(expression)
    assert expression in error.value.message
    assert "is not right: " in error.value.message
    assert "pcap-filter" in error.value.cure


def test_without_libpcap_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    module._libpcap.cache_clear()

    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(module.ctypes, "CDLL", absent)
    with pytest.raises(ParameterError, match="libpcap") as error:
        bpf("ip")
    assert "apt-get install libpcap0.8" in error.value.cure
    module._libpcap.cache_clear()


def test_a_packet_too_short_for_a_load_does_not_match() -> None:
    matches = interpreted("ip")
    assert [matches(bytes(12) + b"\x08\x00"[:cut], 14) for cut in range(3)] == [0, 0, 1]


@pytest.mark.parametrize(("operation", "expected"), [(0x3C, 1), (0x9C, 0)])
def test_division_by_x(operation: int, expected: int) -> None:
    """200 / len and 200 % len are 2 and 0 for 100 bytes; for a length of 0 nothing matches (bpf(4))."""
    program = [
        (0x00, 200),
        (0x81, 0),
        (operation, 0),
        (0x16, 0),
    ]  # A = 200; X = len; A / X or A % X; return A
    space: dict = {}
    exec(filter_source([Instruction(code, 0, 0, k) for code, k in program]), space)
    assert [space["matches"](0, 0, wire) for wire in (100, 0)] == [expected, 0]
