"""Checksums left to a card, and joined segments: completed and cut, with scapy as the judge."""

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from wirebrick.compiler.native import load_native
from wirebrick.packet.checksum import fold
from wirebrick.ports.offload_native import complete_checksum, complete_partial
from wirebrick.ports.transport_native import pseudo_sum, transport

OFFLOAD = "wirebrick.ports.offload_native"
COMPILED = {"complete_checksum": 4, "complete_partial": 2}


def compiled(name):
    address = load_native(OFFLOAD, COMPILED)[name]
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * COMPILED[name])(address)


@pytest.fixture(params=["plain", "compiled"])
def partial(request):
    return complete_partial if request.param == "plain" else compiled("complete_partial")


macs = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
tags = st.lists(st.integers(1, 4094), max_size=2)
addresses4 = st.integers(0, 2**32 - 1).map(lambda n: ".".join(map(str, n.to_bytes(4, "big"))))
ports = st.integers(0, 65535)


@st.composite
def frames(draw, extensions=True):
    """Frames with right checksums: scapy's."""
    packet = macs
    for tag in draw(tags):
        packet = packet / Dot1Q(vlan=tag)
    if draw(st.booleans()):
        packet = packet / IP(
            src=draw(addresses4), dst=draw(addresses4), options=[] if draw(st.booleans()) else b"\x01" * 4
        )
    else:
        packet = packet / IPv6(src="2001:db8::1", dst=f"2001:db8::{draw(ports):x}")
        for kind in (
            draw(st.lists(st.sampled_from([IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt]), max_size=2))
            if extensions
            else []
        ):
            packet = packet / kind(options=[PadN(optdata=bytes(4))])
    if draw(st.booleans()):
        packet = packet / TCP(sport=draw(ports), dport=draw(ports), seq=draw(st.integers(0, 2**32 - 1)))
    else:
        packet = packet / UDP(sport=draw(ports), dport=draw(ports))
    return bytes(packet / Raw(draw(st.binary(max_size=100))))


def left_to_the_card(frame):
    """The same frame with the pseudo-header's sum in place of the checksum; where it starts, and where that is."""
    buffer = bytearray(frame)
    cells = (ctypes.c_uint8 * len(buffer)).from_buffer(buffer)
    network, protocol, at, end = transport(ctypes.addressof(cells), len(buffer))
    offset = 16 if protocol == 6 else 6
    pseudo = fold(pseudo_sum(ctypes.addressof(cells), network, protocol, end - at))
    del cells
    buffer[at + offset : at + offset + 2] = pseudo.to_bytes(2, "little")
    return bytes(buffer), at, offset


def changed(function, frame, *arguments):
    buffer = ctypes.create_string_buffer(frame, len(frame))
    done = function(ctypes.addressof(buffer), len(frame), *arguments)
    return done, buffer.raw


@settings(max_examples=150)
@given(frames(), st.binary(max_size=6))
def test_scapys_checksums_come_out(frame, padding):
    left, start, offset = left_to_the_card(frame)
    for function in (complete_checksum, compiled("complete_checksum")):
        done, completed = changed(function, left, start, offset)
        assert done == 1
        assert completed == frame
    for function in (complete_partial, compiled("complete_partial")):
        done, completed = changed(function, left + padding)
        assert done == (left != frame)
        assert completed == frame + padding


@settings(max_examples=100)
@given(frames())
def test_a_right_checksum_and_a_wrong_one_stay(frame):
    for function in (complete_partial, compiled("complete_partial")):
        assert changed(function, frame) == (0, frame)
        left, start, offset = left_to_the_card(frame)
        wrong = bytearray(left)
        wrong[start + offset] ^= 0x5A
        assert changed(function, bytes(wrong)) == (0, bytes(wrong))


@settings(max_examples=150)
@given(frames(), st.integers(0, 200), st.binary(max_size=40), st.integers(0, 160))
def test_junk_is_left_alone(frame, cut, junk, at):
    """Whatever it is, a frame keeps its length, and nothing behind it is touched."""
    left, _, _ = left_to_the_card(frame)
    mangled = bytearray(left)
    mangled[at : at + len(junk)] = junk[: max(0, len(mangled) - at)]
    mangled = bytes(mangled[:cut])
    guard = b"\xa5" * 16
    for function in (complete_partial, compiled("complete_partial")):
        buffer = ctypes.create_string_buffer(mangled + guard, len(mangled) + 16)
        function(ctypes.addressof(buffer), len(mangled))
        assert buffer.raw[len(mangled) :] == guard
    assert changed(complete_partial, mangled) == changed(compiled("complete_partial"), mangled)


def test_fragments_and_packets_on_their_way_stay(partial):
    payload = UDP(sport=1, dport=2) / Raw(b"part")
    for packet in (
        macs / IP(src="10.0.0.1", dst="10.0.0.2", flags="MF") / payload,
        macs / IP(src="10.0.0.1", dst="10.0.0.2", frag=3) / payload,
        macs / IPv6() / IPv6ExtHdrFragment(m=1) / payload,
        macs / IPv6() / IPv6ExtHdrRouting(segleft=1, addresses=["2001:db8::5"]) / payload,
        Ether(type=0x0806) / Raw(bytes(28)),
    ):
        frame = bytes(packet)
        assert changed(partial, frame) == (0, frame)


def test_udp_without_a_checksum_stays(partial):
    frame = bytes(macs / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(chksum=0) / Raw(b"x"))
    assert changed(partial, frame) == (0, frame)


@pytest.mark.parametrize(("start", "offset"), [(-1, 0), (0, -1), (58, 2), (59, 0), (1 << 40, 0)])
def test_a_place_outside_the_frame(start, offset):
    for function in (complete_checksum, compiled("complete_checksum")):
        assert changed(function, bytes(range(60)), start, offset)[0] == (
            1 if start + offset + 2 <= 60 and min(start, offset) >= 0 else 0
        )
        assert changed(function, bytes(59), start, offset) == (0, bytes(59))


def test_zero_is_written_as_ones():
    done, frame = changed(complete_checksum, b"\xff\xff" + bytes(6), 0, 6)
    assert (done, frame[6:]) == (1, b"\xff\xff")
