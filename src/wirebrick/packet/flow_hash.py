"""Flow hash: a number that all packets of a connection have, both ways, as network cards compute it (RSS).

Run as they are in CPython and compiled: integers only. Two directions give one number, so that what must see
both (reassembly, translation, connection tracking) is in one worker. Fragments, the first included, are told
apart by addresses and protocol alone: all fragments of a datagram have the same number. So have packets
without IP: zero.

>>> import ctypes
>>> from wirebrick.headers import IPv4, UDP
>>> def number(**fields):
...     ports = bytes(UDP(src_port=fields.pop("a"), dst_port=fields.pop("b")))
...     frame = bytes(12) + b"\\x08\\x00" + bytes(IPv4(protocol=17, total_length=28, **fields)) + ports
...     memory = ctypes.create_string_buffer(frame)
...     return frame_flow_hash(ctypes.addressof(memory), len(frame))
>>> there = number(src=1, dst=2, a=5, b=6)
>>> number(src=2, dst=1, a=6, b=5) == there, number(src=2, dst=1, a=5, b=6) == there
(True, False)
>>> number(src=1, dst=2, a=5, b=6, flags=1) == number(src=1, dst=2, a=7, b=8, flags=1)
True
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load16be, load32be, load64be, shift_right, wrap64

_ETHERNET = 14
_MOST_TAGS = 8  # VLAN tags and MPLS labels looked behind
_MOST_EXTENSIONS = 8  # of an IPv6 header
_TCP, _UDP, _SCTP = 6, 17, 132

# Odd multipliers without a pattern: digits of the golden ratio and of the square root of 5.
_MIX_A = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_B = 0x3C6EF372FE94F82B


def frame_flow_hash(data: int, length: int) -> int:
    """The number of the flow of an Ethernet frame (below 2**32); 0 where there is no IP in it.

    It looks behind VLAN tags and MPLS labels.
    """
    if length < _ETHERNET:
        return 0
    end = data + length
    kind = load16be(data + 12)
    at = data + _ETHERNET
    for _ in range(_MOST_TAGS):
        if (kind == 0x8100 or kind == 0x88A8) and at + 4 <= end:
            kind = load16be(at + 2)
            at += 4
        elif (kind == 0x8847 or kind == 0x8848) and at + 4 <= end:
            if load32be(at) & 0x100 != 0:  # bottom of stack: IP of either version (RFC 3032)
                kind = 0x0800
            at += 4
    if kind != 0x0800 and kind != 0x86DD:
        return 0
    return ip_flow_hash(at, end)


def ip_flow_hash(ip: int, end: int) -> int:
    """The number of the flow of the IP packet at ``ip``, whose bytes end before ``end``; 0 where it is none."""
    if ip + 20 > end:
        return 0
    version = load8(ip) >> 4
    if version == 4:
        fragment = load16be(ip + 6) & 0x3FFF
        protocol = load8(ip + 9)
        ports = ports_word(ip + (load8(ip) & 15) * 4, end, protocol) if fragment == 0 else 0
        return both_ways(load32be(ip + 12), load32be(ip + 16), ports, protocol)
    if version == 6 and ip + 40 <= end:
        source = fold_address(ip + 8)
        target = fold_address(ip + 24)
        at = ip + 40
        kind = load8(ip + 6)
        fragment = 0
        for _ in range(_MOST_EXTENSIONS):
            # Hop-by-hop, routing, destination options; fragment (RFC 8200, 4).
            if (kind == 0 or kind == 43 or kind == 60) and at + 8 <= end:
                kind = load8(at)
                at += (load8(at + 1) + 1) * 8
            elif kind == 44 and at + 8 <= end:
                fragment |= load16be(at + 2) & 0xFFF9
                kind = load8(at)
                at += 8
        ports = ports_word(at, end, kind) if fragment == 0 else 0
        return both_ways(source, target, ports, kind)
    return 0


def ports_word(at: int, end: int, protocol: int) -> int:
    """Source port in the upper, destination port in the lower 16 bits; 0 where there are none."""
    if at + 4 > end:
        return 0
    if protocol in (_TCP, _UDP, _SCTP):
        return load32be(at)
    return 0


def fold_address(at: int) -> int:
    """An IPv6 address as one word."""
    return wrap64(load64be(at) * _MIX_B) ^ load64be(at + 8)


def both_ways(source: int, target: int, ports: int, protocol: int) -> int:
    """One number for both directions: the ends are mixed alone, then added."""
    one = mixed(source, ports >> 16)
    other = mixed(target, ports & 0xFFFF)
    word = wrap64(wrap64(one + other + protocol) * _MIX_A)
    return shift_right(word, 32)


def mixed(address: int, port: int) -> int:
    """An end of a flow as a number without a pattern."""
    word = wrap64((address ^ (port << 40)) * _MIX_A)
    word = wrap64((word ^ shift_right(word, 29)) * _MIX_B)
    return word ^ shift_right(word, 32)


def share(number: int, parts: int) -> int:
    """Which of ``parts`` equal parts a flow's number falls into.

    >>> share(0, 3), share((1 << 32) - 1, 3), share(1 << 31, 2)
    (0, 2, 1)
    """
    return (number * parts) >> 32
