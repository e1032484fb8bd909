"""IPv4 addresses in IPv6 addresses, and the other way round (RFC 6052, RFC 7757)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirebrick.addresses import IPv4Network, IPv6Address, IPv6Network
from wirebrick.errors import ParameterError
from wirebrick.fields import U32
from wirebrick.fields import IPv6Address as Address
from wirebrick.state.array import Array
from wirebrick.state.lpm import LongestPrefixMatch
from wirebrick.state.record import Record

WELL_KNOWN = IPv6Network("64:ff9b::/96")
LENGTHS = (32, 40, 48, 56, 64, 96)
MOST = 65536
NONE = -1
ZERO = IPv6Address(0)
NOT_GLOBAL = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)


class Entry(Record):
    """A pair of an explicit mapping: where both networks begin, and the bits that are the host's in both."""

    v6: Address
    v4: U32
    host: U32


@dataclass(frozen=True)
class Mapping:
    """User functions: ``to_v6(address)`` is ZERO, ``to_v4(address)`` is NONE where there is no such address."""

    to_v6: Callable[[int], Any]
    to_v4: Callable[[int], int]


def parse_prefix(prefix: IPv6Network) -> IPv6Network:
    """The prefix, where it is one that RFC 6052, 2.2, has. Raises ParameterError.

    >>> parse_prefix(IPv6Network("2001:db8::/50"))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: nat64: prefix can't be 2001:db8::/50
      help: give one of 32, 40, 48, 56, 64 or 96 bits, whose bits 64 to 71 are zero
    """
    if prefix.length not in LENGTHS or prefix.address >> 56 & 0xFF:
        raise ParameterError(
            f"nat64: prefix can't be {prefix}",
            cure="give one of 32, 40, 48, 56, 64 or 96 bits, whose bits 64 to 71 are zero",
        )
    return prefix


def parse_mappings(text: str | None) -> list[tuple[IPv4Network, IPv6Network]]:
    """Explicit mappings, ``V4=V6`` with commas or spaces between. Raises ParameterError.

    >>> parse_mappings("192.0.2.0/24=2001:db8:aaaa::/120")
    [(IPv4Network('192.0.2.0/24'), IPv6Network('2001:db8:aaaa::/120'))]
    """
    found = []
    for part in (text or "").replace(",", " ").split():
        low, equals, high = part.partition("=")
        try:
            pair = IPv4Network(low), IPv6Network(high)
        except ValueError as error:
            raise ParameterError(
                f"nat64: mappings: {part!r} is no pair of networks ({error})",
                cure="write V4=V6, as 192.0.2.1=2001:db8::1 or 192.0.2.0/24=2001:db8::/120",
            ) from None
        if not equals or 32 - pair[0].length != 128 - pair[1].length:
            raise ParameterError(
                f"nat64: mappings: {part}: the networks are not of one size",
                cure="write V4=V6, as 192.0.2.1=2001:db8::1 or 192.0.2.0/24=2001:db8::/120",
            )
        found.append(pair)
    if len(found) > MOST:
        raise ParameterError(f"nat64: mappings has {len(found):,} pairs", cure=f"give at most {MOST:,}")
    for side in (0, 1):
        ordered = sorted((pair[side] for pair in found), key=lambda one: (one.address, one.length))
        for one, after in itertools.pairwise(ordered):
            if after.address in one:
                raise ParameterError(
                    f"nat64: mappings: {one} and {after} overlap", cure="give each address one counterpart"
                )
    return found


def make_mapping(prefix: IPv6Network, pairs: list[tuple[IPv4Network, IPv6Network]]) -> Mapping:
    """The user functions. Explicit mappings come first (RFC 7757, 3.3)."""
    explicit = len(pairs) > 0
    first = pairs or [(IPv4Network("0.0.0.0/32"), IPv6Network("::/128"))]
    entries = Array(
        Entry,
        values=[
            Entry(v6=high.address, v4=low.address, host=(1 << 32 - low.length) - 1) for low, high in first
        ],
    )
    v4 = LongestPrefixMatch([(low, number) for number, (low, _) in enumerate(pairs)])
    v6 = LongestPrefixMatch([(high, number) for number, (_, high) in enumerate(pairs)])
    base, length, mask = prefix.address, prefix.length, IPv6Address(prefix.mask)
    well_known = prefix == WELL_KNOWN
    reserved = LongestPrefixMatch([(network, 0) for network in NOT_GLOBAL])

    def to_v6(address: int) -> Any:
        if explicit:
            number = v4.lookup(address)
            if number >= 0:
                entry = entries[number]
                return entry.v6 | address & entry.host
        if well_known and reserved.lookup(address) >= 0:
            return ZERO
        if length == 32:
            return base | (ZERO | address) << 64
        if length == 40:
            return base | (ZERO | address >> 8) << 64 | (ZERO | address & 0xFF) << 48
        if length == 48:
            return base | (ZERO | address >> 16) << 64 | (ZERO | address & 0xFFFF) << 40
        if length == 56:
            return base | (ZERO | address >> 24) << 64 | (ZERO | address & 0xFFFFFF) << 32
        if length == 64:
            return base | (ZERO | address) << 24
        return base | address

    def embedded(address: int) -> int:
        if length == 32:
            return address >> 64 & 0xFFFFFFFF
        if length == 40:
            return (address >> 64 & 0xFFFFFF) << 8 | address >> 48 & 0xFF
        if length == 48:
            return (address >> 64 & 0xFFFF) << 16 | address >> 40 & 0xFFFF
        if length == 56:
            return (address >> 64 & 0xFF) << 24 | address >> 32 & 0xFFFFFF
        if length == 64:
            return address >> 24 & 0xFFFFFFFF
        return address & 0xFFFFFFFF

    def to_v4(address: int) -> int:
        if explicit:
            number = v6.lookup(address)
            if number >= 0:
                entry = entries[number]
                return int(entry.v4 | address & 0xFFFFFFFF & entry.host)
        if address & mask != base:
            return NONE
        found = embedded(address)
        if (
            found == 0
            or found >= 0xE0000000
            or found >> 24 == 127
            or (well_known and reserved.lookup(found) >= 0)
        ):
            return NONE
        return found

    return Mapping(to_v6, to_v4)
