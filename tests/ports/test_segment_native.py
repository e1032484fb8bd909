"""Joined segments cut into frames, with scapy as the judge of every header and checksum."""

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, PadN
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Raw

from wirebrick.compiler.native import load_native
from wirebrick.ports import segment_native
from wirebrick.ports.segment_native import GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4

ARGUMENTS = {"headers_length": 3, "write_segment": 6}
macs = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def functions(name):
    address = load_native("wirebrick.ports.segment_native", ARGUMENTS)[name]
    compiled = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * ARGUMENTS[name])(address)
    return getattr(segment_native, name), compiled


def headers_length(frame, gso):
    buffer = ctypes.create_string_buffer(frame, len(frame))
    plain, compiled = functions("headers_length")
    found = plain(ctypes.addressof(buffer), len(frame), gso)
    assert compiled(ctypes.addressof(buffer), len(frame), gso) == found
    return found


def cut(frame, gso, size):
    """All its segments; plain and compiled give the same, and nothing is written behind them."""
    buffer = ctypes.create_string_buffer(frame, len(frame))
    headers = headers_length(frame, gso)
    assert headers
    frames = []
    for done in range(0, len(frame) - headers, size):
        given = []
        for function in functions("write_segment"):
            to = ctypes.create_string_buffer(b"\xa5" * 2048, 2048)
            length = function(ctypes.addressof(to), ctypes.addressof(buffer), len(frame), headers, size, done)
            assert to.raw[length:] == b"\xa5" * (2048 - length)
            given.append(to.raw[:length])
        assert given[0] == given[1]
        frames.append(given[0])
    assert buffer.raw == frame
    return frames


def made_right(frame):
    """The same packet with lengths and checksums that scapy computes."""
    packet = Ether(frame)
    for layer, fields in (
        (IP, ("len", "chksum")),
        (IPv6, ("plen",)),
        (TCP, ("chksum",)),
        (UDP, ("chksum", "len")),
    ):
        if layer in packet:
            for field in fields:
                delattr(packet[layer], field)
    return bytes(packet)


@st.composite
def joined(draw):
    """A frame as TSO makes it, its kind, and the payload of each segment."""
    packet = macs
    if draw(st.booleans()):
        packet = packet / Dot1Q(vlan=7)
    four, tcp = draw(st.booleans()), draw(st.booleans())
    if four:
        options = b"\x01" * 4 if draw(st.booleans()) else []
        packet = packet / IP(src="10.0.0.1", dst="10.0.0.2", id=draw(st.integers(0, 65535)), options=options)
    else:
        packet = packet / IPv6(src="2001:db8::1", dst="2001:db8::2")
        if draw(st.booleans()):
            packet = packet / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))])
    if tcp:
        options = [("Timestamp", (1, 2)), ("NOP", None), ("NOP", None)] if draw(st.booleans()) else []
        packet = packet / TCP(
            sport=1,
            dport=2,
            seq=draw(st.integers(0, 2**32 - 1)),
            flags=draw(st.integers(0, 511)),
            options=options,
        )
    else:
        packet = packet / UDP(sport=1, dport=2)
    packet = packet / Raw(draw(st.binary(min_size=1, max_size=3000)))
    kind = (GSO_TCPV4 if four else GSO_TCPV6) if tcp else GSO_UDP_L4
    return bytes(packet), kind | draw(st.sampled_from([0, GSO_ECN])), draw(st.integers(1, 9)) * 160


@settings(max_examples=100)
@given(joined())
def test_segments_are_what_scapy_makes(case):
    frame, gso, size = case
    whole = Ether(frame)
    frames = cut(frame, gso, size)
    packets = [Ether(part) for part in frames]
    assert b"".join(bytes(packet[Raw]) for packet in packets) == bytes(whole[Raw])
    assert all(len(packet[Raw]) == size for packet in packets[:-1])
    for number, (part, packet) in enumerate(zip(frames, packets, strict=True)):
        assert part == made_right(part)
        if IP in whole:
            assert packet[IP].id == (whole[IP].id + number) % 65536
        if TCP in whole:
            assert packet[TCP].seq == (whole[TCP].seq + number * size) % 2**32
            gone = 0 if number == len(frames) - 1 else 0x09
            gone |= 0x80 if number else 0
            assert int(packet[TCP].flags) == int(whole[TCP].flags) & ~gone
            assert packet[TCP].options == whole[TCP].options


def test_udp_without_a_checksum_has_none_in_its_parts():
    frame = bytes(macs / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(chksum=0) / Raw(bytes(3000)))
    assert [Ether(part)[UDP].chksum for part in cut(frame, GSO_UDP_L4, 1400)] == [0, 0, 0]


@pytest.mark.parametrize("gso", [GSO_TCPV6, GSO_UDP_L4, 3, 2, 77])
def test_another_kind(gso):
    assert headers_length(bytes(macs / IP() / TCP() / Raw(bytes(3000))), gso) == 0


def test_what_cant_be_cut():
    tunnel = bytes(macs / IP() / GRE() / IP() / TCP() / Raw(bytes(3000)))
    assert headers_length(tunnel, GSO_TCPV4) == 0
    assert headers_length(bytes(macs / IP() / TCP()), GSO_TCPV4) == 0
    short = bytearray(bytes(macs / IP() / TCP() / Raw(bytes(3000))))
    short[46] = 0x40
    assert headers_length(bytes(short), GSO_TCPV4) == 0
    for length in range(60):
        assert headers_length(bytes(short)[:length], GSO_TCPV4) == 0
