"""What tells made flows apart: for each flow's number its addresses, protocol, IP version and packet sizes.

Everything is computed from the flow's number and the seed alone (no generator that is stepped), so that a
flow looks the same whichever worker makes it and however many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from wirebrick.ports.memory.traffic import Traffic

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]

TCP, UDP, ICMP = 6, 17, 1  # as in IPv4's protocol field; with IPv6, ICMP stands for ICMPv6
L4_SIZES = {TCP: 20, UDP: 8, ICMP: 8}

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # fractional part of the golden ratio, times 2**64
_SQRT2 = 0x6A09E667F3BCC909  # and those of the square roots of 2 and 3
_SQRT3 = 0xBB67AE8584CAA73B

# Streams of numbers drawn for a flow (or template), independent of each other.
DRAW_FIELDS, DRAW_SEQUENCE, DRAW_SIZE, DRAW_PAYLOAD, _DRAW_START = range(5)


def scramble(values: Words) -> Words:
    """Mix 64-bit numbers thoroughly and reversibly: the output function of SplitMix64 (Steele et al., 2014).

    >>> hex(int(scramble(np.array([0x9E3779B97F4A7C15], np.uint64))[0]))
    '0xe220a8397b1dcdaf'
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def draw(seed: int, stream: int, numbers: Integers) -> Words:
    """One 64-bit random number for each of ``numbers``, the same for equal seed, stream and number."""
    start = scramble(np.array([(seed * 8 + stream) & _MASK], np.uint64)) * np.uint64(_GOLDEN)
    return scramble(start + numbers.astype(np.uint64) * np.uint64(_GOLDEN))


def _even(seed: int, step: int, numbers: Integers) -> npt.NDArray[np.float64]:
    """Numbers in 0 .. 1, spread evenly (a Weyl sequence): any run of flows has close to the exact shares."""
    start = draw(seed, _DRAW_START, np.array([step & 0xFFFF]))
    turns: Words = start + numbers.astype(np.uint64) * np.uint64(step)
    return (turns >> np.uint64(11)).astype(np.float64) * 2.0**-53


def kinds(traffic: Traffic, flows: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """The protocol (TCP, UDP or ICMP) of each flow, and whether it is IPv6."""
    weights = np.array([weight for _, weight in traffic.mix], np.float64)
    names = np.array([protocol for protocol, _ in traffic.mix], np.int64)
    edges = np.cumsum(weights / weights.sum())[:-1]
    protocols = names[np.searchsorted(edges, _even(traffic.seed, _GOLDEN, flows), side="right")]
    return protocols, _even(traffic.seed, _SQRT2, flows) < traffic.ipv6


def headers_size(traffic: Traffic, protocols: Integers, ipv6: npt.NDArray[np.bool_]) -> Integers:
    """Bytes of all headers of each flow's packets."""
    l4 = np.where(protocols == TCP, L4_SIZES[TCP], L4_SIZES[UDP])  # ICMP's is as long as UDP's
    return np.where(ipv6, 40, 20) + l4 + traffic.l3_at


def sources(traffic: Traffic, flows: Integers) -> Integers:
    """Host part of the source address: 1 .. 2**23, another one for each flow, in an order that looks random.

    Multiplying by an odd number permutes the numbers modulo a power of two, so no two flows are alike.
    """
    start = int(draw(traffic.seed, _DRAW_START, np.array([0]))[0]) & 0x7FFFFF
    return ((flows * 0x5851F5 + start) & 0x7FFFFF) + 1


def sizes(traffic: Traffic, flows: Integers, rounds: Integers) -> Integers:
    """The size asked of each packet: of flow ``flows`` in round ``rounds`` (headers may need more)."""
    if isinstance(traffic.sizes, tuple):
        low, high = traffic.sizes
        numbers = draw(traffic.seed, DRAW_SIZE, rounds * traffic.flows + flows)
        above: Integers = (numbers % np.uint64(high - low + 1)).astype(np.int64)
        return above + low
    # A list is a pattern (IMIX), shuffled by the seed; each flow goes through it from another start.
    order = np.argsort(draw(traffic.seed, DRAW_SIZE, np.arange(len(traffic.sizes))), kind="stable")
    pattern: Integers = np.array(traffic.sizes, np.int64)[order]
    starts = (_even(traffic.seed, _SQRT3, flows) * len(order)).astype(np.int64)
    picked: Integers = pattern[(starts + rounds) % len(order)]
    return picked
