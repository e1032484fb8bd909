"""Building made packets, many at once: rows of bytes, one packet a row, headers and checksums in place."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from wirebrick.ports.memory.flows import (
    DRAW_FIELDS,
    DRAW_PAYLOAD,
    DRAW_SEQUENCE,
    ICMP,
    L4_SIZES,
    TCP,
    UDP,
    Integers,
    Words,
    draw,
    sources,
)
from wirebrick.ports.memory.traffic import LARGEST, Traffic

Bytes = npt.NDArray[np.uint8]
Halves = npt.NDArray[np.uint16]  # in network order

# Locally administered addresses, of no one's hardware.
_MACS = bytes.fromhex("020000000002 020000000001")
_TEXT = np.frombuffer(b"Packets made by Wirebrick carry this text over and over. ", np.uint8)


def packets(
    traffic: Traffic,
    protocol: int,
    ipv6: bool,
    flows: Integers,
    numbers: Integers,
    lengths: Integers,
    width: int,
) -> Bytes:
    """Packets of one protocol and IP version: row i is flow ``flows[i]``, ``lengths[i]`` bytes, then zeros.

    ``numbers`` are the packets' own numbers (for their payload); ``width`` is even and at least the longest
    length.

    >>> rows = packets(Traffic(), UDP, False, *[np.array([n], np.int64) for n in (0, 0, 42)], 64)
    >>> rows.shape, rows[0, 12:14].tobytes().hex(), rows[0, 22]
    ((1, 64), '0800', np.uint8(64))
    """
    rows = _payloads(traffic, numbers, lengths, width)
    l3 = traffic.l3_at
    l4 = l3 + (40 if ipv6 else 20)
    head = _constant_headers(traffic, protocol, ipv6)
    rows[:, : len(head)] = np.frombuffer(head, np.uint8)
    halves = rows.view(">u2")

    fields = draw(traffic.seed, DRAW_FIELDS, flows)
    source, destination = (
        sources(traffic, flows),
        1 + _bits(fields, 0, 17) % (traffic.servers or (1 << 17) - 2),
    )
    if ipv6:
        _put16(halves, l3 + 4, lengths - l4)
        _put32(halves, l3 + 20, source)
        _put32(halves, l3 + 36, destination)
        pseudo = _sum(halves, l3 + 8, l4)
    else:
        _put16(halves, l3 + 2, lengths - l3)
        _put16(halves, l3 + 4, _bits(fields, 17, 16))
        _put32(halves, l3 + 12, source | 10 << 24)
        _put32(halves, l3 + 16, destination + (198 << 24 | 18 << 16))
        _put16(halves, l3 + 10, _checksum(_sum(halves, l3, l4)))
        pseudo = _sum(halves, l3 + 12, l4)
    _put_l4(traffic, protocol, halves[:, l4 // 2 :], flows, lengths - l4, fields)

    # Zeros add nothing: then the headers are enough.
    total = _sum(halves, l4, len(head) if traffic.payload == "zero" else width)
    if protocol != ICMP or ipv6:
        total += pseudo + (58 if protocol == ICMP else protocol) + (lengths - l4)
    checksum = _checksum(total)
    if protocol == UDP:
        checksum[checksum == 0] = 0xFFFF  # 0 would mean that there is none (RFC 768)
    _put16(halves, l4 + {TCP: 16, UDP: 6, ICMP: 2}[protocol], checksum)
    return rows


def _constant_headers(traffic: Traffic, protocol: int, ipv6: bool) -> bytes:
    """All headers, with zeros for what differs from packet to packet."""
    tag = struct.pack("!HH", 0x8100, traffic.vlan) if traffic.vlan else b""
    head = _MACS + tag + struct.pack("!H", 0x86DD if ipv6 else 0x0800)
    if ipv6:
        number = 58 if protocol == ICMP else protocol
        head += struct.pack("!IHBB", 6 << 28, 0, number, traffic.ttl)
        head += bytes.fromhex("20010db8") + bytes(12) + bytes.fromhex("20010002") + bytes(12)
    else:
        head += struct.pack("!BBHHHBBH8x", 0x45, 0, 0, 0, 0x4000, traffic.ttl, protocol, 0)  # don't fragment
    if protocol == TCP:
        return head + struct.pack("!HHIIBBHHH", 0, 0, 0, 0, 5 << 4, 0x10, 0xFFFF, 0, 0)  # ACK
    if protocol == ICMP:
        return head + struct.pack("!BBHHH", 128 if ipv6 else 8, 0, 0, 0, 1)  # echo request
    return head + bytes(L4_SIZES[UDP])


def _put_l4(
    traffic: Traffic, protocol: int, halves: Halves, flows: Integers, lengths: Integers, fields: Words
) -> None:
    """Ports and what else differs behind the IP header; ``halves`` and ``lengths`` start there."""
    if protocol == ICMP:
        _put16(halves, 4, _bits(fields, 33, 16))  # the echo's identifier
        return
    _put16(halves, 0, 32768 + _bits(fields, 33, 15))
    server = _bits(fields, 0, 17) % traffic.servers if traffic.servers else _bits(fields, 48, 14)
    _put16(halves, 2, 16384 + server)
    if protocol == UDP:
        _put16(halves, 4, lengths)
    else:
        sequence = draw(traffic.seed, DRAW_SEQUENCE, flows)
        _put32(halves, 4, _bits(sequence, 0, 32))
        _put32(halves, 8, _bits(sequence, 32, 32))


def _payloads(traffic: Traffic, numbers: Integers, lengths: Integers, width: int) -> Bytes:
    """Rows filled with payload up to their lengths; headers are then written over it."""
    rows: Bytes
    if traffic.payload == "zero":
        return np.zeros((len(lengths), width), np.uint8)
    if traffic.payload == "text":
        rows = np.tile(np.resize(_TEXT, width), (len(lengths), 1))
    else:
        cells = numbers[:, None] * (LARGEST // 8) + np.arange(-(-width // 8))
        # In a fixed byte order, whatever the machine's.
        random = draw(traffic.seed, DRAW_PAYLOAD, cells).astype("<u8")
        rows = np.ascontiguousarray(random.view(np.uint8)[:, :width])
    rows[np.arange(width) >= lengths[:, None]] = 0
    return rows


def _bits(words: Words, start: int, count: int) -> Integers:
    """``count`` bits of each word, from bit ``start``."""
    return ((words >> np.uint64(start)) & np.uint64((1 << count) - 1)).astype(np.int64)


def _put16(halves: Halves, at: int, values: Integers) -> None:
    halves[:, at // 2] = values


def _put32(halves: Halves, at: int, values: Integers) -> None:
    halves[:, at // 2] = values >> 16
    halves[:, at // 2 + 1] = values & 0xFFFF


def _sum(halves: Halves, start: int, stop: int) -> Integers:
    """The sum of each row's 16-bit words from byte ``start`` to ``stop``."""
    if stop - start > 40:
        wide: Integers = halves[:, start // 2 : stop // 2].sum(axis=1, dtype=np.int64)
        return wide
    # Column by column is three times faster where there are few: numpy's cost is per row.
    total = np.zeros(len(halves), np.int64)
    for column in range(start // 2, stop // 2):
        total += halves[:, column]
    return total


def _checksum(total: Integers) -> Integers:
    """The Internet checksum (RFC 1071) of a sum of 16-bit words."""
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
