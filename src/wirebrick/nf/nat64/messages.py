"""Types and codes of ICMP and ICMPv6, for user functions (RFC 7915, 4.2 and 5.2).

What a message becomes is one number: type, code, and what is in the four bytes behind the checksum.
"""

from __future__ import annotations

NONE = -1
MTU, POINTER, KEEP = 1, 2, 0  # what the four bytes are
PLATEAUS = (32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68)  # RFC 1191, 7.1, below 65535
ECHO, ECHO_REPLY, ECHO6, ECHO_REPLY6 = 8, 0, 128, 129


def query_to_v6(kind: int) -> int:
    """The type of an echo, or NONE."""
    if kind == ECHO:
        return ECHO6
    return ECHO_REPLY6 if kind == ECHO_REPLY else NONE


def query_to_v4(kind: int) -> int:
    """The type of an echo, or NONE."""
    if kind == ECHO6:
        return ECHO
    return ECHO_REPLY if kind == ECHO_REPLY6 else NONE


def error_to_v6(kind: int, code: int) -> int:
    """Type, code and kind of the rest, each a byte, or NONE.

    >>> hex(error_to_v6(3, 4)), hex(error_to_v6(3, 3)), error_to_v6(5, 0)
    ('0x20001', '0x10400', -1)
    """
    if kind == 3:
        if code in (0, 1, 5, 6, 7, 8, 11, 12):
            return 1 << 16
        if code == 2:
            return 4 << 16 | 1 << 8 | POINTER
        if code == 3:
            return 1 << 16 | 4 << 8
        if code == 4:
            return 2 << 16 | MTU
        if code in (9, 10, 13, 15):
            return 1 << 16 | 1 << 8
        return NONE
    if kind == 11 and code <= 1:
        return 3 << 16 | code << 8
    if kind == 12 and code in (0, 2):
        return 4 << 16 | POINTER
    return NONE


def error_to_v4(kind: int, code: int) -> int:
    """Type, code and kind of the rest, each a byte, or NONE.

    >>> hex(error_to_v4(2, 0)), hex(error_to_v4(1, 4)), error_to_v4(4, 2)
    ('0x30401', '0x30300', -1)
    """
    if kind == 1:
        if code in (0, 2, 3):
            return 3 << 16 | 1 << 8
        if code == 1:
            return 3 << 16 | 10 << 8
        return 3 << 16 | 3 << 8 if code == 4 else NONE
    if kind == 2:
        return 3 << 16 | 4 << 8 | MTU
    if kind == 3 and code <= 1:
        return 11 << 16 | code << 8
    if kind == 4 and code == 0:
        return 12 << 16 | POINTER
    return 3 << 16 | 2 << 8 if kind == 4 and code == 1 else NONE


def pointer_to_v6(pointer: int) -> int:
    """Where the field of an IPv4 header is in an IPv6 header, or NONE (RFC 7915, figure 3).

    >>> [pointer_to_v6(at) for at in (0, 1, 2, 6, 8, 9, 10, 12, 19, 20)]
    [0, 1, 4, -1, 7, 6, -1, 8, 24, -1]
    """
    if pointer < 2:
        return pointer
    if pointer < 4:
        return 4
    if pointer in (8, 9):
        return 7 if pointer == 8 else 6
    if 12 <= pointer < 20:
        return 8 if pointer < 16 else 24
    return NONE


def pointer_to_v4(pointer: int) -> int:
    """Where the field of an IPv6 header is in an IPv4 header, or NONE (RFC 7915, figure 6).

    >>> [pointer_to_v4(at) for at in (0, 1, 2, 4, 6, 7, 8, 23, 39, 40)]
    [0, 1, -1, 2, 9, 8, 12, 12, 16, -1]
    """
    if pointer < 2:
        return pointer
    if pointer in (4, 5):
        return 2
    if pointer in (6, 7):
        return 9 if pointer == 6 else 8
    if 8 <= pointer < 40:
        return 12 if pointer < 24 else 16
    return NONE


def plateau(length: int) -> int:
    """The likely MTU where a router has told none: the next one below the packet's length (RFC 1191, 5).

    >>> plateau(1500), plateau(60)
    (1492, 68)
    """
    for mtu in PLATEAUS:
        if mtu < length:
            return mtu
    return 68
