"""Sets of addresses and ports, native: whether one is in, by halving."""

from __future__ import annotations

from wirebrick.nf.ids.layout import A_RANGES, A_V4, A_V6, PORTS, TURN
from wirebrick.packet.memory import load64


def ids_address_in(at: int, version: int, high: int, low: int) -> int:
    """1 where an address is in the set at an address of memory."""
    if version == 4:
        return ids_range_in(at + A_RANGES, load64(at + A_V4), low)
    ranges = at + A_RANGES + 16 * load64(at + A_V4)
    first = 0
    behind = load64(at + A_V6)
    high = high ^ TURN
    low = low ^ TURN
    while first < behind:
        middle = (first + behind) >> 1
        entry = ranges + 32 * middle
        if high < load64(entry) or (high == load64(entry) and low < load64(entry + 8)):
            behind = middle
        elif high > load64(entry + 16) or (high == load64(entry + 16) and low > load64(entry + 24)):
            first = middle + 1
        else:
            return 1
    return 0


def ids_range_in(ranges: int, count: int, number: int) -> int:
    """1 where a number is in one of ``count`` ranges, pairs of words in order."""
    first = 0
    while first < count:
        middle = (first + count) >> 1
        entry = ranges + 16 * middle
        if number < load64(entry):
            count = middle
        elif number > load64(entry + 8):
            first = middle + 1
        else:
            return 1
    return 0


def ids_port_in(at: int, port: int) -> int:
    """1 where a port is in the set; -1 is in none."""
    return ids_range_in(at + PORTS, load64(at), port)
