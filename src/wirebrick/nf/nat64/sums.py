"""Checksums of what is translated by hand."""

from __future__ import annotations

from typing import Any

from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom

TCP, UDP = 6, 17


def words_of(address: int) -> int:
    """The sum of the eight words of an IPv6 address (or of the two of an IPv4 address).

    >>> hex(words_of(0x2001_0DB8_0000_0000_0000_0000_0000_0001))
    '0x2dba'
    """
    high, low = address >> 64 & 0xFFFFFFFFFFFFFFFF, address & 0xFFFFFFFFFFFFFFFF
    total = (high >> 48) + (high >> 32 & 0xFFFF) + (high >> 16 & 0xFFFF) + (high & 0xFFFF)
    return total + (low >> 48) + (low >> 32 & 0xFFFF) + (low >> 16 & 0xFFFF) + (low & 0xFFFF)


def folded(total: int) -> int:
    """A sum of words as one word."""
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)


def changed(checksum: int, minus: int, plus: int) -> int:
    """What a checksum becomes when words with the sum ``minus`` give way to others (RFC 1624, equation 3).

    >>> hex(changed(0xDD2F, 0x5555, 0x3285))
    '0x0'
    """
    return folded((checksum ^ 0xFFFF) + plus + 64 * 0xFFFF - minus) ^ 0xFFFF


@seldom
def sum_of(packet: Packet, begin: int, end: int) -> int:
    """The folded sum of a part of the payload."""
    payload: Any = packet.payload
    total = 0
    for at in range(begin, end - 1, 2):
        total += payload.u16(at)
    if (end - begin) & 1 == 1:
        total += payload.u8(end - 1) << 8
    return folded(total)


def follow(packet: Packet, at: int, protocol: int, minus: int, plus: int) -> None:
    """Let the checksum of the TCP or UDP header at ``at`` follow, where its bytes are there."""
    payload = packet.payload
    place = at + 16 if protocol == TCP else at + 6
    if (protocol != TCP and protocol != UDP) or place + 2 > len(payload):
        return
    checksum = payload.u16(place)
    if protocol == UDP:
        if checksum != 0:
            found = changed(checksum, minus, plus)
            payload.put_u16(place, found if found != 0 else 0xFFFF)
        return
    payload.put_u16(place, changed(checksum, minus, plus))
