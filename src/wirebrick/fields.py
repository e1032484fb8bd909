"""Field types: unsigned integers of 1 to 64 bits, for headers (to the bit) and records (to the byte).

``U16`` in an annotation means a field of 16 bits; addresses are field types too, and so are ``EtherType`` and
``IPProtocol`` (numbers that say which header follows), ``Octets`` (the variable part of a header) and ``F64``
(a floating-point number, records only). A stored value that does not fit keeps its low bits, as in hardware.

>>> from wirebrick.headers import Header
>>> class Tag(Header):
...     kind: U4
...     flags: U4
...     value: U24
>>> bytes(Tag(kind=1, flags=2, value=3))
b'\\x12\\x00\\x00\\x03'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from wirebrick.addresses import IPv4Address, IPv6Address, MacAddress

__all__ = [
    "F64",
    "Bits",
    "EtherType",
    "Float",
    "IPProtocol",
    "IPv4Address",
    "IPv6Address",
    "MacAddress",
    "Octets",
    "Space",
    "Variable",
]


@dataclass(frozen=True)
class Bits:
    """How many bits a field has."""

    count: int


@dataclass(frozen=True)
class Space:
    """The registry a number is from: headers in the same registry can name each other as the next."""

    name: str


class Variable:
    """Marks the bytes between the fixed fields of a header and its end."""


class Float:
    """Marks a floating-point field."""


U1 = Annotated[int, Bits(1)]
U2 = Annotated[int, Bits(2)]
U3 = Annotated[int, Bits(3)]
U4 = Annotated[int, Bits(4)]
U5 = Annotated[int, Bits(5)]
U6 = Annotated[int, Bits(6)]
U7 = Annotated[int, Bits(7)]
U8 = Annotated[int, Bits(8)]
U9 = Annotated[int, Bits(9)]
U10 = Annotated[int, Bits(10)]
U11 = Annotated[int, Bits(11)]
U12 = Annotated[int, Bits(12)]
U13 = Annotated[int, Bits(13)]
U14 = Annotated[int, Bits(14)]
U15 = Annotated[int, Bits(15)]
U16 = Annotated[int, Bits(16)]
U17 = Annotated[int, Bits(17)]
U18 = Annotated[int, Bits(18)]
U19 = Annotated[int, Bits(19)]
U20 = Annotated[int, Bits(20)]
U21 = Annotated[int, Bits(21)]
U22 = Annotated[int, Bits(22)]
U23 = Annotated[int, Bits(23)]
U24 = Annotated[int, Bits(24)]
U25 = Annotated[int, Bits(25)]
U26 = Annotated[int, Bits(26)]
U27 = Annotated[int, Bits(27)]
U28 = Annotated[int, Bits(28)]
U29 = Annotated[int, Bits(29)]
U30 = Annotated[int, Bits(30)]
U31 = Annotated[int, Bits(31)]
U32 = Annotated[int, Bits(32)]
U33 = Annotated[int, Bits(33)]
U34 = Annotated[int, Bits(34)]
U35 = Annotated[int, Bits(35)]
U36 = Annotated[int, Bits(36)]
U37 = Annotated[int, Bits(37)]
U38 = Annotated[int, Bits(38)]
U39 = Annotated[int, Bits(39)]
U40 = Annotated[int, Bits(40)]
U41 = Annotated[int, Bits(41)]
U42 = Annotated[int, Bits(42)]
U43 = Annotated[int, Bits(43)]
U44 = Annotated[int, Bits(44)]
U45 = Annotated[int, Bits(45)]
U46 = Annotated[int, Bits(46)]
U47 = Annotated[int, Bits(47)]
U48 = Annotated[int, Bits(48)]
U49 = Annotated[int, Bits(49)]
U50 = Annotated[int, Bits(50)]
U51 = Annotated[int, Bits(51)]
U52 = Annotated[int, Bits(52)]
U53 = Annotated[int, Bits(53)]
U54 = Annotated[int, Bits(54)]
U55 = Annotated[int, Bits(55)]
U56 = Annotated[int, Bits(56)]
U57 = Annotated[int, Bits(57)]
U58 = Annotated[int, Bits(58)]
U59 = Annotated[int, Bits(59)]
U60 = Annotated[int, Bits(60)]
U61 = Annotated[int, Bits(61)]
U62 = Annotated[int, Bits(62)]
U63 = Annotated[int, Bits(63)]
U64 = Annotated[int, Bits(64)]

EtherType = Annotated[int, Bits(16), Space("ethertype")]
IPProtocol = Annotated[int, Bits(8), Space("ip")]
Octets = Annotated[bytes, Variable()]
F64 = Annotated[float, Float()]

__all__ += [f"U{count}" for count in range(1, 65)]
