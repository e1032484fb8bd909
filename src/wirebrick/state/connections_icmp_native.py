"""ICMP and ICMPv6 messages (RFC 792, RFC 4443): which are queries, which are errors, and where an error's quote is.

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load16be

HEADER = 8
LEAST_QUOTED = 8  # bytes of what is behind the quoted IP header (RFC 792)
IPV4_HEADER, IPV6_HEADER = 20, 40
MOST_EXTENSIONS = 8

ECHO_REPLY, ECHO, TIMESTAMP, TIMESTAMP_REPLY, INFORMATION, INFORMATION_REPLY = 0, 8, 13, 14, 15, 16
MASK, MASK_REPLY = 17, 18
UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM = 3, 4, 5, 11, 12
ECHO_V6, ECHO_REPLY_V6 = 128, 129
INFORMATIONAL_V6 = 128  # types below are errors


def query_of(v6: bool, kind: int) -> int:
    """The type of the query that a message of type ``kind`` is, or replies to; 0 where it is neither."""
    if v6:
        return ECHO_V6 if kind in (ECHO_V6, ECHO_REPLY_V6) else 0
    if kind in (ECHO_REPLY, ECHO):
        return ECHO
    if TIMESTAMP <= kind <= MASK_REPLY:
        return kind if kind & 1 != 0 else kind - 1
    return 0


def is_error(v6: bool, kind: int) -> bool:
    """Whether a message quotes the packet that caused it."""
    if v6:
        return 0 < kind < INFORMATIONAL_V6
    return UNREACHABLE <= kind <= REDIRECT or kind in (TIME_EXCEEDED, PARAMETER_PROBLEM)


def quoted_v4(ip: int, end: int) -> int:
    """Where the quoted packet goes on behind its IPv4 header; 0 where it can't be told what it was."""
    if ip + IPV4_HEADER > end:
        return 0
    size = (load8(ip) & 15) * 4
    whole = load8(ip) >> 4 == 4 and size >= IPV4_HEADER and load16be(ip + 6) & 0x1FFF == 0
    return ip + size if whole and ip + size + LEAST_QUOTED <= end else 0


def quoted_v6(ip: int, end: int) -> tuple[int, int]:
    """The same behind an IPv6 header and its extension headers; and the protocol there."""
    if ip + IPV6_HEADER > end or load8(ip) >> 4 != 6:
        return 0, 0
    kind = load8(ip + 6)
    at = ip + IPV6_HEADER
    for _ in range(MOST_EXTENSIONS):
        if at + LEAST_QUOTED > end:
            return 0, 0
        if kind == 0 or kind == 43 or kind == 60:
            kind = load8(at)
            at += (load8(at + 1) + 1) * 8
        elif kind == 44:
            if load16be(at + 2) & 0xFFF8 != 0:
                return 0, 0
            kind = load8(at)
            at += 8
        else:
            return at, kind
    return 0, 0
