"""Cutting a segment of up to 64 KB, as kernels join them (GSO, GRO), into frames that fit a wire.

What a network card does for its kernel: each frame gets the headers of the whole, with the sequence number, flags,
lengths and checksums of its part; see Linux, Documentation/networking/segmentation-offloads.rst. Plain code, also
compiled.
"""

from __future__ import annotations

from wirebrick.packet.checksum import fold, sum_words
from wirebrick.packet.memory import (
    copy,
    load8,
    load16,
    load16be,
    load32be,
    store8,
    store16,
    store16be,
    store32be,
)
from wirebrick.ports.transport_native import TCP, UDP, pseudo_sum, transport

# Kinds of joined frames, as virtio numbers them (struct virtio_net_hdr, gso_type).
GSO_NONE = 0
GSO_TCPV4 = 1
GSO_TCPV6 = 4
GSO_UDP_L4 = 5
GSO_ECN = 0x80  # a flag: the first segment has CWR set

FIN_PSH = 0x09
CWR = 0x80


def headers_length(data: int, length: int, gso: int) -> int:
    """Bytes of headers that each segment gets, through TCP or UDP; 0 where it isn't of the kind ``gso``.

    Tunnels are none: their outer headers would need their own lengths and checksums.
    """
    kind = gso & (GSO_ECN ^ 0xFF)
    network, protocol, at, end = transport(data, length)
    version = load8(data + network) >> 4
    size = 0
    wanted = GSO_TCPV4 if version == 4 else GSO_TCPV6
    if protocol == TCP and kind == wanted and at + 20 <= end:
        size = (load8(data + at + 12) >> 4) * 4
        if size < 20:
            return 0
    if protocol == UDP and kind == GSO_UDP_L4:
        size = 8
    if size == 0 or at + size >= end or end != length:  # joined frames have no padding
        return 0
    return at + size


def write_segment(to: int, data: int, length: int, headers: int, size: int, done: int) -> int:
    """Write to ``to`` the segment that follows the first ``done`` bytes of payload; the length of its frame.

    ``headers``: what ``headers_length`` said; ``size``: bytes of payload of each segment, the last has what is
    left. ``done`` is a multiple of ``size``.
    """
    network, protocol, at, end = transport(data, length)
    part = min(size, end - headers - done)
    copy(to, data, headers)
    copy(to + headers, data + headers + done, part)
    frame = headers + part
    header = to + network
    if load8(header) >> 4 == 4:
        store16be(header + 2, frame - network)
        store16be(header + 4, load16be(header + 4) + done // size)
        store16(header + 10, 0)
        store16(header + 10, fold(sum_words(header, at - network)) ^ 0xFFFF)
    else:
        store16be(header + 4, frame - network - 40)
    last = 1 if headers + done + part == end else 0
    field = to + at + 16
    if protocol == TCP:
        store32be(to + at + 4, load32be(to + at + 4) + done)
        flags = load8(to + at + 13)
        if last == 0:
            flags &= 0xFF ^ FIN_PSH
        if done > 0:
            flags &= 0xFF ^ CWR
        store8(to + at + 13, flags)
    else:
        field = to + at + 6
        store16be(to + at + 4, frame - at)
        if load16(field) == 0:  # the sender wants none (RFC 768)
            return frame
    store16(field, 0)
    checksum = fold(sum_words(to + at, frame - at) + pseudo_sum(to, network, protocol, frame - at)) ^ 0xFFFF
    if checksum == 0:
        checksum = 0xFFFF
    store16(field, checksum)
    return frame
