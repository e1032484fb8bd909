"""Checksums that a sender left to its network card, completed: for ports that get packets before any card does.

A kernel that leaves a checksum to the card stores the pseudo-header's sum in its place, and says where the sum
is to begin (``csum_start``) and where it belongs (``csum_offset``); see Linux, Documentation/networking/
checksum-offloads.rst. Plain code, also compiled.
"""

from __future__ import annotations

from wirebrick.packet.checksum import fold, sum_words
from wirebrick.packet.memory import load16, store16
from wirebrick.ports.transport_native import TCP, UDP, pseudo_sum, transport


def complete_checksum(data: int, length: int, start: int, offset: int) -> int:
    """Sum the frame from ``start`` on, and store the checksum ``offset`` bytes behind it.

    Returns 1, or 0 where its place isn't in the frame (nothing is changed then).
    """
    if start < 0 or offset < 0 or start + offset + 2 > length:
        return 0
    checksum = fold(sum_words(data + start, length - start)) ^ 0xFFFF
    if checksum == 0:
        checksum = 0xFFFF  # the same number; in UDP 0 would mean that there is none (RFC 768)
    store16(data + start + offset, checksum)
    return 1


def complete_partial(data: int, length: int) -> int:
    """Complete the checksum of a TCP or UDP segment that holds just its pseudo-header's sum, without being right.

    For ports that aren't told which frames these are (XDP on a veth device). A frame that is meant to be like this
    (one in 65,536 of those with a wrong checksum) is repaired by mistake. Returns 1 where it did, else 0.
    """
    network, protocol, at, end = transport(data, length)
    field = 0
    if protocol == TCP and at + 20 <= end:
        field = at + 16
    if protocol == UDP and at + 8 <= end:
        field = at + 6
    if field == 0:
        return 0
    pseudo = fold(pseudo_sum(data, network, protocol, end - at))
    if load16(data + field) != pseudo:
        return 0
    total = fold(sum_words(data + at, end - at))
    if fold(total + pseudo) == 0xFFFF:
        return 0
    return complete_checksum(data, end, at, field - at)
