"""What a pcapng file says about its packets: section headers and interface descriptions.

Read by Python, as they are few; the packet blocks are walked by ``native.receive``.
draft-ietf-opsawg-pcapng, 4.1 and 4.2.

>>> header = bytes.fromhex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000".replace(" ", ""))
>>> byte_order(header)
'<'
>>> resolution(9), resolution(0x80 | 10)
((1, 1, 0), (1, 1, 10))
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wirebrick.ports.pcap.layout import BILLION

SECTION = b"\x0a\x0d\x0d\x0a"
SECTION_SIZE = 28  # bytes of a section header without options, at least
INTERFACE_SIZE = 20
_RESOLUTION, _OFFSET = 9, 14  # options of an interface


class Damage(Exception):
    """A block that makes no sense; its text says what is wrong with it."""


@dataclass(frozen=True)
class Interface:
    """An interface: link type, snap length (bytes, 0: none), and how its ticks become nanoseconds."""

    link: int
    snaplen: int = 0
    multiply: int = 1000
    divide: int = 1
    shift: int = 0
    offset: int = 0  # nanoseconds

    @property
    def fine(self) -> bool:
        """Whether its times are finer than a microsecond."""
        return self.multiply < 1000 if self.shift == 0 else self.shift > 20


def byte_order(block: bytes) -> str:
    """``<`` or ``>``, from the first 12 bytes of a section header. Raises Damage."""
    magic = block[8:12]
    if magic == b"\x4d\x3c\x2b\x1a":
        return "<"
    if magic == b"\x1a\x2b\x3c\x4d":
        return ">"
    raise Damage(f"a section header with byte-order magic {magic.hex(' ')}")


def check_section(block: bytes, order: str) -> None:
    """Check a whole section header. Raises Damage."""
    _check_lengths(block, order, SECTION_SIZE)
    major, minor = struct.unpack_from(order + "HH", block, 12)
    if major != 1:
        raise Damage(f"a section of version {major}.{minor}, only 1.x can be read")


def interface(block: bytes, order: str) -> Interface:
    """Read a whole interface description. Raises Damage."""
    _check_lengths(block, order, INTERFACE_SIZE)
    link, _, snaplen = struct.unpack_from(order + "HHI", block, 8)
    multiply, divide, shift, offset = 1000, 1, 0, 0
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, size = struct.unpack_from(order + "HH", block, at)
        value = block[at + 4 : at + 4 + size]
        if code == 0 or at + 4 + size > end:
            break
        if code == _RESOLUTION and size == 1:
            multiply, divide, shift = resolution(value[0])
        elif code == _OFFSET and size == 8:
            offset = _signed(struct.unpack(order + "q", value)[0] * BILLION)
        at += 4 + size + (-size % 4)
    return Interface(link, snaplen, multiply, divide, shift, offset)


def resolution(value: int) -> tuple[int, int, int]:
    """``if_tsresol`` as multiply, divide, shift: ticks of 10**-value or, from 128, 2**-(value - 128) s."""
    if value & 0x80:
        exponent = value & 0x7F
        return (1, 1, exponent) if exponent else (BILLION, 1, 0)
    if value <= 9:
        return 10 ** (9 - value), 1, 0
    return (1, 10 ** (value - 9), 0) if value <= 27 else (0, 1, 0)  # 64 bits of it are less than a nanosecond


def _check_lengths(block: bytes, order: str, least: int) -> None:
    first = struct.unpack_from(order + "I", block, 4)[0]
    last = struct.unpack_from(order + "I", block, len(block) - 4)[0]
    if first < least or first % 4:
        raise Damage(f"a block of {first} bytes")
    if first != last:
        raise Damage(f"a block of {first} bytes at its start and {last} at its end")


def _signed(value: int) -> int:
    """The low 64 bits as a signed integer."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
