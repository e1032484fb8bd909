"""The Internet checksum (RFC 1071) and its incremental update (RFC 1624), on memory.

Sums are of 16-bit words in host order: one's complement sums do not care (RFC 1071, 2.B), so no byte is swapped.
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load16, load32, store16


def fold(total: int) -> int:
    """A sum of words as one word, the carries added in.

    >>> hex(fold(0x2FFFE))
    '0x1'
    """
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)


def sum_words(at: int, size: int) -> int:
    """The sum (not folded) of ``size`` bytes as words; an odd last byte is padded with a zero behind it."""
    total = 0
    end = at + size
    while at + 8 <= end:
        total += load32(at) + load32(at + 4)
        at += 8
    while at + 2 <= end:
        total += load16(at)
        at += 2
    if at < end:
        total += load8(at)
    return total


def swap(word: int) -> int:
    """The two bytes of a word exchanged: a sum seen from an odd offset (RFC 1071, 2.B)."""
    return (word & 0xFF) << 8 | word >> 8 & 0xFF


def adjusted(checksum: int, old: int, new: int) -> int:
    """What a checksum becomes when covered words whose folded sum was ``old`` have the sum ``new``.

    RFC 1624, equation 3, HC' = ~(~HC + ~m + m'), in its shortest form: the difference, brought into range once.

    >>> hex(adjusted(0xDD2F, 0x5555, 0x3285))
    '0x0'
    """
    total = checksum + old - new
    if total < 0:
        total += 0xFFFF
    elif total >= 0xFFFF:
        total -= 0xFFFF
    return total


def adjust(at: int, old: int, new: int) -> None:
    """Update the checksum at ``at``."""
    store16(at, adjusted(load16(at), old, new))


def adjust_optional(at: int, old: int, new: int) -> int:
    """The same where zero means that there is no checksum (RFC 768); returns whether there is one."""
    checksum = load16(at)
    if checksum == 0:
        return 0
    total = adjusted(checksum, old, new)
    if total == 0:
        total = 0xFFFF
    store16(at, total)
    return 1


def transport_checksum(at: int, end: int, protocol: int) -> int:
    """Address of the checksum of the TCP, UDP or ICMPv6 header at ``at``, whose bytes end at ``end``; 0 if none.

    For a change of addresses above a transport header that is not parsed. A UDP checksum of zero is none.
    """
    if protocol == 6 and at + 18 <= end:
        return at + 16
    if protocol == 17 and at + 8 <= end and load16(at + 6) != 0:
        return at + 6
    if protocol == 58 and at + 4 <= end:
        return at + 2
    return 0
