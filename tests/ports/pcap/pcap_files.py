"""Captures made byte by byte."""

from __future__ import annotations

import struct

Record = tuple[int, int, bytes, int | None]  # seconds, ticks, packet, length on the wire


def classic(
    records: list[Record], order: str = "<", magic: int = 0xA1B2C3D4, link: int = 1, snaplen: int = 65535
) -> bytes:
    """A classic file."""
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)
    pad = bytes(8) if magic == 0xA1B2CD34 else b""
    for seconds, ticks, packet, wire in records:
        length = len(packet) if wire is None else wire
        out += struct.pack(order + "IIII", seconds, ticks, len(packet), length) + pad + packet
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A block of a pcapng file."""
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """An option of a block."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    """A section header."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(link: int = 1, snaplen: int = 0, order: str = "<", options: bytes = b"") -> bytes:
    """An interface description."""
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(
    number: int, ticks: int, packet: bytes, wire: int | None = None, order: str = "<", options: bytes = b""
) -> bytes:
    """An enhanced packet block."""
    length = len(packet) if wire is None else wire
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), length)
    return block(6, head + packet + bytes(-len(packet) % 4) + options, order)


def obsolete(number: int, ticks: int, packet: bytes, order: str = "<") -> bytes:
    """An obsolete packet block; it tells of 7 drops."""
    low = ticks & 0xFFFFFFFF
    head = struct.pack(order + "HHIIII", number, 7, ticks >> 32, low, len(packet), len(packet))
    return block(2, head + packet, order)


def simple(packet: bytes, wire: int | None = None, order: str = "<") -> bytes:
    """A simple packet block."""
    return block(3, struct.pack(order + "I", len(packet) if wire is None else wire) + packet, order)
