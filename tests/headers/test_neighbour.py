"""The target of neighbour solicitations and advertisements."""

from __future__ import annotations

from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, IPv6

import wirebrick
from wirebrick.headers import ICMPv6, NeighbourTarget, golden
from wirebrick.headers import IPv6 as IPv6Header


def test_golden() -> None:
    golden(NeighbourTarget(target="2001:db8::9"), bytes.fromhex("20010db8000000000000000000000009"))


def test_it_follows_the_messages_that_have_one() -> None:
    @wirebrick.network_function
    def targets(packets):
        stack = packets.parse(wirebrick.headers.Ethernet).parse(IPv6Header).parse(ICMPv6)
        return stack.parse(NeighbourTarget, otherwise="drop")

    head = bytes(12) + b"\x86\xdd"
    frames = [
        head + bytes(IPv6() / ICMPv6ND_NS(tgt="fe80::1")),
        head + bytes(IPv6() / ICMPv6ND_NA(tgt="fe80::1")),
    ]
    other = bytearray(frames[0])
    other[54] = 134
    cut = bytearray(frames[0][:70])
    cut[18:20] = (16).to_bytes(2, "big")
    result = wirebrick.run(targets, rx=[*frames, bytes(other), bytes(cut)])
    assert result.packets == frames
    assert result.drops == {"targets.neighbourtarget_absent": 1, "targets.neighbourtarget_truncated": 1}
