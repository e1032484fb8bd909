"""What stays with the kernel: the program's verdict, run by the kernel itself, beside Wirebrick's own filter."""

from __future__ import annotations

import ctypes
import os
import random
import struct
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from wirebrick.errors import PortError
from wirebrick.packet import memory
from wirebrick.ports.xdp import bpf
from wirebrick.ports.xdp.program import redirect
from wirebrick.runtime.filter import Instruction, compile_filter
from wirebrick.runtime.filter import bpf as compiled

EXPRESSIONS = [
    "",
    "ip",
    "ip6",
    "arp or icmp",
    "not arp",
    "tcp port 22 or arp",
    "udp port 53 and not src port 53",
    "not (udp or tcp)",
    "icmp[icmptype] = icmp-echo or icmp[icmptype] == icmp-echoreply",
    "icmp6 and ip6[40] = 128",
    "vlan",
    "vlan 10 and ip",
    "vlan and vlan 20",
    "not vlan",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and tcp[tcpflags] & tcp-ack = 0",
    "tcp[tcpflags] == tcp-syn",
    "(((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    "tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
    "ip[2:2] > 100",
    "ip[6:2] & 0x1fff = 0 and len > 100",
    "portrange 1000-5000 and greater 128",
    "src portrange 20-100 or dst portrange 40000-65535",
    "less 64",
    "greater 200",
    "len = 60 or len <= 42",
    "ether multicast or ether broadcast",
    "ether host 02:00:00:00:00:0a",
    "ether src 02:00:00:00:00:0a and not ether dst 02:00:00:00:00:0b",
    "ether proto 0x88cc",
    "net 10.0.0.0/8 and not host 10.0.0.1",
    "src net 192.168.0.0/16 or dst host 10.0.0.2",
    "ip6 host 2001:db8::1 or ip6 net fe80::/10",
    "ip proto 47 or ip6 proto 17",
    "ip[ip[2]] * 3 % 7 > ip[0] / 2",
    "ip[ip[8] - 70] = 69",
    "ether[0] << ether[1] > ether[2] >> 1",
    "ether[14] << 31 >> 8 = 0",
    "-ether[3] = 0xffffff00 ^ ether[4]",
    "ether[len - 4] & 1 = 1",
    "ether[6:4] / 3 > 0x10000000",
    "ether[6:4] / ether[13] > ether[12:2] % ether[17]",
    "ip[0x7fffffff] = 1",
    "ether[0x3ff0] = 1",
    "mpls",
    "pppoes and ip",
    "ip multicast",
    "ip or not ip",
]
_XDP_PASS, _XDP_REDIRECT, _DEVMAP = 2, 4, 14


@pytest.fixture(scope="module")
def somewhere():
    """A map whose first entry the kernel redirects to: whatever isn't kept goes there."""
    try:
        found = bpf.create_map(_DEVMAP, 4, 4, 1)
    except OSError as error:
        pytest.skip(f"bpf(2) is not for this process: {error}")
    bpf.update_map(found, 0, (1).to_bytes(4, "little"))  # the loopback interface
    yield found
    os.close(found)


class Kept:
    """Whether the kernel keeps a frame, by the program (BPF_PROG_TEST_RUN), for a filter."""

    def __init__(self, somewhere: int, filter: list[Instruction]) -> None:
        self.program = bpf.load_xdp(redirect(somewhere, filter))

    def __call__(self, frame: bytes) -> bool:
        data = ctypes.create_string_buffer(frame, len(frame))
        attributes = ctypes.create_string_buffer(
            struct.pack("<IIIIQQII", self.program, 0, len(frame), 0, ctypes.addressof(data), 0, 1, 0), 128
        )
        number = bpf._SYSCALL[os.uname().machine]
        libc = ctypes.CDLL(None, use_errno=True)
        done = libc.syscall(ctypes.c_long(number), ctypes.c_long(10), attributes, ctypes.c_long(128))
        assert done == 0, os.strerror(ctypes.get_errno())
        (verdict,) = struct.unpack_from("<I", attributes, 4)
        assert verdict in (_XDP_PASS, _XDP_REDIRECT)
        return verdict == _XDP_PASS

    def close(self) -> None:
        os.close(self.program)


def matches(expression: str, frame: bytes) -> bool:
    """What the rest of Wirebrick says of the frame."""
    buffer = ctypes.create_string_buffer(frame, len(frame))
    return memory.call3(_function(expression), ctypes.addressof(buffer), len(frame), len(frame)) != 0


_function = cache(compile_filter)


def made_frames(count: int = 300) -> list[bytes]:
    """Frames of all kinds, some cut, some spoilt."""
    chance = random.Random(5)
    macs = ["02:00:00:00:00:0a", "02:00:00:00:00:0b", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"]
    hosts = ["10.0.0.1", "10.0.0.2", "192.168.3.4", "224.0.0.1"]
    hosts6 = ["2001:db8::1", "fe80::1", "ff02::1"]
    ports = [22, 53, 80, 443, 1000, 5000, 40000]
    frames = []
    for _ in range(count):
        packet = Ether(src=chance.choice(macs), dst=chance.choice(macs))
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            packet = packet / Dot1Q(vlan=chance.choice([10, 20, 30]))
        kind = chance.randrange(8)
        if kind == 0:
            packet = packet / ARP()
        elif kind <= 5:
            packet = packet / IP(
                src=chance.choice(hosts),
                dst=chance.choice(hosts),
                frag=chance.choice([0, 0, 0, 100]),
                options=chance.choice([[], b"\x01" * 4]),
                ttl=chance.choice([64, 80, 90]),
            )
        else:
            packet = packet / IPv6(src=chance.choice(hosts6), dst=chance.choice(hosts6))
            if chance.random() < 0.3:
                packet = packet / IPv6ExtHdrHopByHop()
        if kind:
            packet = packet / chance.choice(
                [
                    TCP(sport=chance.choice(ports), dport=chance.choice(ports), flags=chance.choice(["S", "SA", "F"])),
                    TCP(dport=80) / b"GET / HTTP/1.1",
                    UDP(sport=chance.choice(ports), dport=chance.choice(ports)),
                    ICMPv6EchoRequest() if kind > 5 else ICMP(type=chance.choice([0, 3, 8])),
                ]
            )  # fmt: skip
        frame = bytearray(bytes(packet / Raw(chance.randbytes(chance.choice([0, 4, 30, 200])))))
        if chance.random() < 0.2:
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        if chance.random() < 0.3:
            frame = frame[: chance.randrange(14, len(frame) + 1)]
        frames.append(bytes(frame))
    return frames


FRAMES = made_frames()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_kernel_keeps_what_the_filter_matches(expression, somewhere):
    kept = Kept(somewhere, compiled(expression))
    for frame in FRAMES:
        assert kept(frame) == matches(expression, frame), frame.hex()
    kept.close()


def test_the_frames_reach_both_sides_of_most_filters():
    told = {one: {matches(one, frame) for frame in FRAMES} for one in EXPRESSIONS}
    assert sum(len(found) == 2 for found in told.values()) > 0.75 * len(EXPRESSIONS)


PARTS = st.sampled_from([one for one in EXPRESSIONS if one and "vlan" not in one and "pppoes" not in one])

TOGETHER = st.sampled_from(["({}) and ({})", "({}) or not ({})", "not (({}) or ({}))"])


@settings(max_examples=40, deadline=None)
@given(PARTS, PARTS, TOGETHER, st.binary(min_size=14, max_size=200))
def test_filters_put_together(somewhere, one, other, how, junk):
    expression = how.format(one, other)
    try:
        filter = compiled(expression)
    except Exception:  # libpcap refuses what can't match
        return
    kept = Kept(somewhere, filter)
    for frame in [junk, *FRAMES[::10]]:
        assert kept(frame) == matches(expression, frame), (expression, frame.hex())
    kept.close()


def test_without_a_filter_all_go_to_the_socket(somewhere):
    kept = Kept(somewhere, [])
    assert not any(kept(frame) for frame in FRAMES[:20])
    kept.close()


@pytest.mark.parametrize("code", [0x07, 0x87])
def test_scratch_cells_and_registers(code, somewhere):
    """M[0] = frame[0]; A = 7; X = M[0]; ... : what libpcap makes only of long expressions."""
    program = [
        Instruction(0x30, 0, 0, 0),  # A = frame[0]
        Instruction(0x02, 0, 0, 3),  # M[3] = A
        Instruction(0x01, 0, 0, 9),  # X = 9
        Instruction(0x03, 0, 0, 15),  # M[15] = X
        Instruction(code, 0, 0, 0),  # X = A, or A = X
        Instruction(0x60, 0, 0, 15),  # A = M[15]
        Instruction(0x61, 0, 0, 3),  # X = M[3]
        Instruction(0x1D, 0, 1, 0),  # A == X?
        Instruction(0x16, 0, 0, 0),  # return A
        Instruction(0x06, 0, 0, 0),
    ]
    kept = Kept(somewhere, program)
    assert kept(b"\x09" + bytes(20))
    assert not kept(b"\x08" + bytes(20))
    kept.close()


def test_protochain_is_refused(somewhere):
    with pytest.raises(PortError, match="protochain"):
        redirect(somewhere, compiled("ip6 protochain 6"))


def test_a_long_filter(somewhere):
    expression = " or ".join(f"host 10.{number // 250}.{number % 250}.9" for number in range(200))
    kept = Kept(somewhere, compiled(expression))
    for number, expected in ((3, True), (199, True), (1500, False)):
        address = f"10.{number // 250}.{number % 250}.9"
        frame = bytes(
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="1.1.1.1", dst=address) / UDP()
        )
        assert kept(frame) == expected
    kept.close()


def test_a_filter_too_long_for_the_kernel_is_refused():
    program = [Instruction(0x30, 0, 0, 0), *[Instruction(0x04, 0, 0, 1)] * 40_000, Instruction(6, 0, 0, 1)]
    with pytest.raises(PortError, match="too long") as error:
        redirect(0, program)
    assert "shorter" in error.value.cure
