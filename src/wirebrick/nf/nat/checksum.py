"""Checksums of what NAT rewrites by hand: packets quoted in ICMP errors, and first fragments."""

from __future__ import annotations

from wirebrick.nf.checksum import difference, followed_by, followed_udp_by, word_difference
from wirebrick.packet.packet import Packet

TCP, UDP, ICMP = 6, 17, 1


def followed(checksum: int, old: int, new: int) -> int:
    """What a checksum becomes when covered words change from ``old`` to ``new``, 48 bits: an address and a port, say.

    >>> hex(followed(0xDD2F, 0x5555, 0x3285))
    '0x0'
    """
    return followed_by(checksum, _difference48(old, new))


def followed_udp(checksum: int, old: int, new: int) -> int:
    """The same of UDP.

    >>> followed_udp(0, 1, 2), hex(followed_udp(0xDD2F, 0x5555, 0x3285))
    (0, '0xffff')
    """
    return followed_udp_by(checksum, _difference48(old, new))


def _difference48(old: int, new: int) -> int:
    return difference(old >> 16, new >> 16) + word_difference(old & 0xFFFF, new & 0xFFFF)


def checksum_at(protocol: int) -> int:
    """Where the checksum stands in a transport header."""
    return 16 if protocol == TCP else 6 if protocol == UDP else 2


def follow_payload(packet: Packet, begin: int, protocol: int, old: int, new: int) -> None:
    """Let a transport checksum in the payload follow; ``begin`` is where its header begins.

    Nothing is done where the bytes end before it, and with UDP's zero, which means "none" (RFC 768).
    """
    at = begin + checksum_at(protocol)
    if at + 2 > len(packet.payload):
        return
    checksum = packet.payload.u16(at)
    checksum = followed_udp(checksum, old, new) if protocol == UDP else followed(checksum, old, new)
    packet.payload.put_u16(at, checksum)


def icmp_sum_is_right(packet: Packet) -> bool:
    """Whether the checksum of an ICMP message (parsed) is right, as far as all its bytes are here."""
    icmp, payload = packet.header, packet.payload
    size = len(payload)
    total = (icmp.type << 8 | icmp.code) + icmp.checksum + icmp.identifier + icmp.sequence
    for at in range(0, size - 1, 2):
        total += payload.u16(at)
    if size & 1 != 0:
        total += payload.u8(size - 1) << 8
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return bool(total == 0xFFFF)
