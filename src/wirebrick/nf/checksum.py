"""Checksums that NFs update by hand, where several words change together: by what the sum of all of them gains."""

from __future__ import annotations


def difference(old: int, new: int) -> int:
    """What the sum of 16-bit words gains where 32 bits change from ``old`` to ``new``: from 0 to below 2**18.

    2**32 - 1 is a multiple of 2**16 - 1, so it counts as zero, and 2**16 as 1.

    >>> hex(difference(0x0001_0002, 0x0001_0004))
    '0x10001'
    """
    change = new - old + 0xFFFFFFFF
    return (change & 0xFFFF) + (change >> 16)


def word_difference(old: int, new: int) -> int:
    """The same of one word: from 0 to below 2**17."""
    return 0xFFFF - old + new


def followed_by(checksum: int, change: int) -> int:
    """What a checksum becomes where the sum of covered words changes so (RFC 1624, equation 3); below 2**20.

    >>> hex(followed_by(0xDD2F, difference(0x5555, 0x3285)))
    '0x0'
    """
    total = (checksum ^ 0xFFFF) + change
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def followed_udp_by(checksum: int, change: int) -> int:
    """The same of UDP, whose zero means that there is none, and stays (RFC 768)."""
    if checksum == 0:
        return 0
    found = followed_by(checksum, change)
    return found if found != 0 else 0xFFFF
