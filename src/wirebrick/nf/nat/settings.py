"""What a NAT's parameters say."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from wirebrick.errors import ParameterError
from wirebrick.state.bindings import Timeouts
from wirebrick.state.static_mappings import Static
from wirebrick.state.static_mappings_native import ANY

MOST_ADDRESSES = 4096
LONGEST = 1e6  # seconds


def external_addresses(text: str | None) -> list[int]:
    """Addresses: one, a prefix, a range, or several of them with commas or spaces between. Raises ParameterError.

    >>> [hex(address) for address in external_addresses("192.0.2.1, 198.51.100.8/30 203.0.113.4-203.0.113.5")]
    ['0xc0000201', '0xc6336408', '0xc6336409', '0xc633640a', '0xc633640b', '0xcb007104', '0xcb007105']
    >>> external_addresses("192.0.2.300")
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: nat: addresses: '192.0.2.300' is no IPv4 address, prefix or range
      help: write 192.0.2.1, 192.0.2.8/29 or 192.0.2.8-192.0.2.15
    """
    if text is None:
        raise ParameterError(
            "nat needs addresses: the external ones", cure="give addresses=203.0.113.1, or a prefix"
        )
    found: dict[int, None] = {}
    for part in text.replace(",", " ").split():
        try:
            first, dash, last = part.partition("-")
            if dash:
                low, high = (int(ipaddress.IPv4Address(end)) for end in (first, last))
            else:
                network = ipaddress.IPv4Network(part)
                low, high = int(network[0]), int(network[-1])
        except ValueError:
            raise ParameterError(
                f"nat: addresses: {part!r} is no IPv4 address, prefix or range",
                cure="write 192.0.2.1, 192.0.2.8/29 or 192.0.2.8-192.0.2.15",
            ) from None
        if high < low or high - low >= MOST_ADDRESSES:
            raise ParameterError(
                f"nat: addresses: {part} has {max(0, high - low + 1):,} addresses",
                cure=f"give 1 to {MOST_ADDRESSES:,}",
            )
        if low == 0 or high >= 0xE0000000:
            raise ParameterError(
                f"nat: addresses: {part} has addresses that are no host's", cure="give others"
            )
        found.update(dict.fromkeys(range(low, high + 1)))
    if not 1 <= len(found) <= MOST_ADDRESSES:
        raise ParameterError(
            f"nat: addresses names {len(found):,} addresses", cure=f"give 1 to {MOST_ADDRESSES:,}"
        )
    return list(found)


def port_range(text: str) -> tuple[int, int]:
    """The first and the last port, of ``"1024-65535"``. Raises ParameterError.

    >>> port_range("4096-8191")
    (4096, 8191)
    """
    first, dash, last = text.partition("-")
    try:
        low, high = int(first), int(last)
    except ValueError:
        low = high = 0
    if not dash or not 1 < low < high < 65536 or low % 2 or not high % 2:
        raise ParameterError(
            f"nat: ports can't be {text!r}",
            cure="give an even and an odd number, as 1024-65535: ports are shared out in pairs",
        )
    return low, high


def make_timeouts(**seconds: float) -> Timeouts:
    """Timeouts by class. Raises ParameterError.

    >>> make_timeouts(udp=0)
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: nat: udp can't be 0
      help: give seconds, more than 0 and at most a million
    """
    for name, value in seconds.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
            cure = "give seconds, more than 0 and at most a million"
            raise ParameterError(f"nat: {name} can't be {value!r}", cure=cure)
    return Timeouts(**seconds)


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number in a range. Raises ParameterError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        cure = f"give a whole number from {least:,} to {most:,}"
        raise ParameterError(f"nat: {name} can't be {value!r}", cure=cure)
    return value


def check_disjoint(pool: Sequence[int], static: Sequence[Static]) -> None:
    """Raise ParameterError where a whole address that is given away is also one of the pool."""
    given = set(pool)
    for one in static:
        if one.protocol == ANY and one.external in given:
            address = ipaddress.IPv4Address(one.external)
            raise ParameterError(
                f"nat: {address} belongs to a static mapping and to addresses",
                cure="leave it out of addresses: its host has all of its ports",
            )
