"""Addresses from one prefix to another (RFC 6296, 3), for user functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wirebrick.addresses import IPv6Address, IPv6Network
from wirebrick.nf.nptv6.pairs import ONES, Pair, Step
from wirebrick.state.array import Array
from wirebrick.state.lpm import LongestPrefixMatch

NOWHERE = IPv6Address(0)  # for an address of a pair that has none on the other side
NO_SUBNET = 1 << 16  # the number of those that the longer of the two prefixes leaves out

Mapped = Callable[[int], int]


class Side:
    """The prefixes of one side, and the way over to the other one.

    ``prefixes.lookup(address)`` is negative where an address belongs to none; ``mapped(address)`` is its address on
    the other side, NOWHERE, or itself where it belongs to none. Both are for user functions.
    """

    def __init__(self, pairs: Sequence[Pair], *, out: bool) -> None:
        steps = Array(Step, values=[pair.step(out=out) for pair in pairs])
        prefixes = LongestPrefixMatch(_numbered(pairs, out))

        def mapped(address: int) -> int:
            number = prefixes.lookup(address)
            if number < 0:
                return address
            if number >= NO_SUBNET:
                return NOWHERE
            step = steps[number]
            add: int = step.add
            moved: int = address ^ step.change
            # Of sums modulo 0xFFFF none is 0xFFFF (RFC 6296, 3.2), so the way back takes the same word.
            if step.long == 0:
                word = address >> 64 & ONES
                if word == ONES:
                    return NOWHERE
                return moved ^ (NOWHERE | (word ^ (word + add) % ONES)) << 64
            word = address >> 48 & ONES
            if word != ONES:
                return moved ^ (NOWHERE | (word ^ (word + add) % ONES)) << 48
            word = address >> 32 & ONES
            if word != ONES:
                return moved ^ (NOWHERE | (word ^ (word + add) % ONES)) << 32
            word = address >> 16 & ONES
            if word != ONES:
                return moved ^ (NOWHERE | (word ^ (word + add) % ONES)) << 16
            word = address & ONES
            if word != ONES:
                return moved ^ (NOWHERE | (word ^ (word + add) % ONES))
            return NOWHERE

        self.prefixes = prefixes
        self.mapped: Mapped = mapped


def _numbered(pairs: Sequence[Pair], inside: bool) -> list[tuple[IPv6Network, int]]:
    """The prefixes of one side with their numbers."""
    found = []
    for number, pair in enumerate(pairs):
        given = pair.inside if inside else pair.outside
        if given.length < pair.length:
            found.append((given, NO_SUBNET))
        found.append((IPv6Network(f"{given.address}/{pair.length}"), number))
    return found
