"""Addresses: integers that print and parse as people write them.

>>> IPv4Address("192.0.2.1"), MacAddress("02:00:00:00:00:0a"), IPv6Address("2001:db8::1")
(IPv4Address('192.0.2.1'), MacAddress('02:00:00:00:00:0a'), IPv6Address('2001:db8::1'))
>>> IPv4Address("192.0.2.1") == 0xC0000201, str(IPv4Address(0x7F000001))
(True, '127.0.0.1')
>>> network = IPv4Network("10.0.0.0/8")
>>> IPv4Address("10.1.2.3") in network
True
"""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar, Self

_MAC = re.compile(r"[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}")


class Address(int):
    """Base of the address types: an unsigned integer of ``bits`` bits. Raises ValueError for what doesn't fit."""

    bits: ClassVar[int] = 0

    def __new__(cls, value: int | str | bytes = 0) -> Self:
        """Make one from its text, its bytes in network order, or a number."""
        number = cls._parse(value) if isinstance(value, str) else value
        if isinstance(number, bytes):
            if len(number) * 8 != cls.bits:
                raise ValueError(f"{cls.__name__} has {cls.bits // 8} bytes, not {len(number)}")
            number = int.from_bytes(number, "big")
        if not 0 <= number < 1 << cls.bits:
            raise ValueError(f"{number} does not fit the {cls.bits} bits of {cls.__name__}")
        return super().__new__(cls, number)

    @staticmethod
    def _parse(text: str) -> int:
        raise ValueError(text)

    @property
    def packed(self) -> bytes:
        """The bytes in network order."""
        return int(self).to_bytes(self.bits // 8, "big")

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"


class MacAddress(Address):
    """An IEEE 802 address of 48 bits.

    >>> MacAddress("aa-bb-cc-dd-ee-ff")
    MacAddress('aa:bb:cc:dd:ee:ff')
    """

    bits = 48

    @staticmethod
    def _parse(text: str) -> int:
        if not _MAC.fullmatch(text):
            raise ValueError(f"{text!r} is not a MAC address such as 02:00:00:00:00:01")
        return int(text.replace(":", "").replace("-", ""), 16)

    def __str__(self) -> str:
        """Six hexadecimal pairs."""
        return ":".join(f"{byte:02x}" for byte in self.packed)


class IPv4Address(Address):
    """An IPv4 address (RFC 791)."""

    bits = 32

    @staticmethod
    def _parse(text: str) -> int:
        return int(ipaddress.IPv4Address(text))

    def __str__(self) -> str:
        """Dotted decimal."""
        return ".".join(str(byte) for byte in self.packed)


class IPv6Address(Address):
    """An IPv6 address (RFC 4291), printed as RFC 5952 says."""

    bits = 128

    @staticmethod
    def _parse(text: str) -> int:
        return int(ipaddress.IPv6Address(text))

    def __str__(self) -> str:
        """Groups of hexadecimal digits, the longest run of zeros left out."""
        return str(ipaddress.IPv6Address(int(self)))


class Network:
    """A prefix: the addresses that agree in the first ``length`` bits. Test membership with ``in``."""

    address_type: ClassVar[type[Address]] = Address

    def __init__(self, text: str) -> None:
        prefix, _, length = text.partition("/")
        bits = self.address_type.bits
        self.address = self.address_type(prefix)
        self.length = int(length) if length else bits
        if not 0 <= self.length <= bits:
            raise ValueError(f"a prefix of {self.address_type.__name__} has 0 to {bits} bits, not {length}")
        self.mask = ((1 << self.length) - 1) << (bits - self.length)
        if int(self.address) & ~self.mask:
            right = self.address_type(int(self.address) & self.mask)
            raise ValueError(f"{text} has bits behind the prefix: write {right}/{self.length}")

    def __contains__(self, address: int) -> bool:
        """Whether the address lies in it."""
        return address & self.mask == self.address

    def __str__(self) -> str:
        """Prefix/length."""
        return f"{self.address}/{self.length}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __eq__(self, other: object) -> bool:
        """Equal when type, address and length are."""
        return type(other) is type(self) and str(other) == str(self)

    def __hash__(self) -> int:
        """By its text."""
        return hash(str(self))


class IPv4Network(Network):
    """An IPv4 prefix, such as 10.0.0.0/8."""

    address_type = IPv4Address


class IPv6Network(Network):
    """An IPv6 prefix, such as 2001:db8::/32."""

    address_type = IPv6Address
