"""Pairs of an inside and an outside prefix, and what one becomes the other by (RFC 6296, 3)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from wirebrick.addresses import IPv6Network
from wirebrick.errors import ParameterError
from wirebrick.fields import U8, U16, IPv6Address
from wirebrick.state.record import Record

MOST = 1024
LONGEST = 64
SUBNET = 48  # bits before the word that takes the adjustment, where no prefix is longer
ONES = 0xFFFF
NO_HOSTS = [IPv6Network(text) for text in ("::/64", "fe80::/10", "ff00::/8")]


class Step(Record):
    """What is done with an address of a pair, one way or the other."""

    change: IPv6Address  # the bits of the prefix that change
    add: U16  # to one of its words, modulo 0xFFFF
    long: U8  # 1: to a word of the interface identifier, 0: to the subnet's


@dataclass(frozen=True)
class Pair:
    """An inside and an outside prefix."""

    inside: IPv6Network
    outside: IPv6Network

    @property
    def length(self) -> int:
        """Bits that are exchanged: the shorter prefix counts as the longer one with zeros behind it."""
        return max(self.inside.length, self.outside.length)

    @property
    def adjustment(self) -> int:
        """What is added to a word when an address leaves, so that no checksum changes (RFC 6296, 3.1).

        >>> pair = Pair(IPv6Network("fd01:203:405::/48"), IPv6Network("2001:db8:1::/48"))
        >>> hex(pair.adjustment)
        '0xd54f'
        """
        return (_sum(self.inside) - _sum(self.outside)) % ONES

    def step(self, *, out: bool) -> Step:
        """What is done with an address that leaves, or that comes in."""
        return Step(
            change=IPv6Address(self.inside.address ^ self.outside.address),
            add=self.adjustment if out else -self.adjustment % ONES,
            long=int(self.length > SUBNET),
        )


def parse_pairs(text: str | None) -> list[Pair]:
    """Pairs, ``INSIDE=OUTSIDE`` with commas or spaces between. Raises ParameterError.

    >>> parse_pairs("fd01:203:405::/48=2001:db8:1::/48")
    [Pair(inside=IPv6Network('fd01:203:405::/48'), outside=IPv6Network('2001:db8:1::/48'))]
    >>> parse_pairs("fd01::/48=fd01::/56")
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: nptv6: prefixes: fd01::/48 and fd01::/56 overlap
      help: give prefixes that have no address in common, on both sides and in all pairs
    """
    parts = (text or "").replace(",", " ").split()
    if not parts:
        raise ParameterError(
            "nptv6 needs prefixes: what is inside, and what it is outside",
            cure='give prefixes="fd01:203:405::/48=2001:db8:1::/48"',
        )
    if len(parts) > MOST:
        raise ParameterError(f"nptv6: prefixes has {len(parts):,} pairs", cure=f"give 1 to {MOST:,}")
    pairs = [_pair(part) for part in parts]
    ordered = sorted(
        (network for pair in pairs for network in (pair.inside, pair.outside)),
        key=lambda network: (network.address, network.length),
    )
    for one, next_one in itertools.pairwise(ordered):
        if next_one.address in one:
            raise ParameterError(
                f"nptv6: prefixes: {one} and {next_one} overlap",
                cure="give prefixes that have no address in common, on both sides and in all pairs",
            )
    return pairs


def _pair(text: str) -> Pair:
    inside, equals, outside = text.partition("=")
    if not equals:
        raise ParameterError(
            f"nptv6: prefixes: {text!r} is no pair of prefixes",
            cure="write INSIDE=OUTSIDE, as fd01:203:405::/48=2001:db8:1::/48",
        )
    return Pair(_prefix(inside), _prefix(outside))


def _prefix(text: str) -> IPv6Network:
    try:
        network = IPv6Network(text)
    except ValueError as error:
        raise ParameterError(
            f"nptv6: prefixes: {text!r} is no IPv6 prefix ({error})", cure="write fd01:203:405::/48"
        ) from None
    if not 1 <= network.length <= LONGEST:
        raise ParameterError(
            f"nptv6: prefixes: {text} has {network.length} bits",
            cure=f"give prefixes of 1 to {LONGEST}; of a longer one no word could take the adjustment",
        )
    for other in NO_HOSTS:
        if other.address in network or network.address in other:
            raise ParameterError(
                f"nptv6: prefixes: {text} has addresses of {other}, which are never translated",
                cure="give prefixes of global or unique local addresses",
            )
    return network


def _sum(network: IPv6Network) -> int:
    """The sum of the words of a prefix."""
    return sum(network.address >> shift & ONES for shift in range(64, 128, 16))
