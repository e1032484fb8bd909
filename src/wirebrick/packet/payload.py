"""Payload: the bytes behind the last parsed header, which can also grow and shrink."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from wirebrick.packet.octets import Octets

if TYPE_CHECKING:
    from wirebrick.packet.packet import Packet


class Payload(Octets):
    """``packet.payload``: as far as it was captured; see ``Octets`` for reads and stores.

    ``resize``, ``insert`` and ``delete`` move bytes in place; length fields and checksums of the parsed
    headers follow, and padding behind the payload goes. A range outside the payload raises IndexError; a
    packet that was cut when captured, or a frame without room, is a fault (``fault_room``).

    >>> from wirebrick.headers import Ethernet
    >>> from wirebrick.packet.alone import alone
    >>> packet = alone(bytes(14) + b"wire", Ethernet)
    >>> packet.payload.insert(0, 2)
    >>> packet.payload.put_u16(0, 0x6869)
    >>> packet.payload.resize(4)
    >>> packet.payload, packet.length
    (Octets(b'hiwi'), 18)
    """

    def __init__(self, packet: Packet) -> None:
        self._packet = packet
        begin, end = packet._payload_range()
        super().__init__(packet._descriptor.data + begin, end - begin, packet.write_payload)

    def resize(self, size: int) -> None:
        """Make it ``size`` bytes: cut at the end, or filled up with zeros there."""
        size = operator.index(size)
        if size < 0:
            raise IndexError(f"a payload of {size} bytes")
        self._edit(min(size, self._size), size - self._size)

    def insert(self, at: int, size: int) -> None:
        """Insert ``size`` zero bytes before offset ``at`` (0 .. len)."""
        at, size = operator.index(at), operator.index(size)
        if not 0 <= at <= self._size or size < 0:
            raise IndexError(f"{size} byte(s) inserted at {at} of {self._size}")
        self._edit(at, size)

    def delete(self, at: int, size: int) -> None:
        """Take ``size`` bytes out from offset ``at`` (0 .. len) on."""
        at, size = operator.index(at), operator.index(size)
        if at < 0 or size < 0 or at + size > self._size:
            raise IndexError(f"{size} byte(s) deleted at {at} of {self._size}")
        self._edit(at, -size)

    def _edit(self, at: int, delta: int) -> None:
        self._packet._edit_payload(at, delta)
        self._size += delta
