"""Ports of external addresses: taken and given back in constant time; run in CPython and compiled."""

from __future__ import annotations

from wirebrick.packet.memory import load16, load32, load64, shift_right, store16, store32, store64, wrap64
from wirebrick.state.bindings_layout import (
    A_DENSE,
    A_MAPPING,
    A_PLACE,
    A_SIZE,
    A_TAKEN,
    B_PARITY,
    B_PORTS,
    B_PRESERVE,
    B_RANDOM,
    B_SETS,
    B_STRIDE,
    LOW_PAIRS,
    PAIRS,
)


def ports_of(block: int, address: int, protocol: int) -> int:
    """Where the ports of an external address, by its number, and a protocol are."""
    return block + load64(block + B_PORTS) + (address * 3 + protocol) * A_SIZE


def ports_random(block: int, below: int) -> int:
    """A number from 0 to ``below`` - 1, at random (xorshift64*; Vigna, 2016)."""
    word = load64(block + B_RANDOM)
    word = word ^ shift_right(word, 12)
    word = wrap64(word ^ (word << 25))
    word = word ^ shift_right(word, 27)
    store64(block + B_RANDOM, word)
    return (shift_right(wrap64(word * 0x2545F4914F6CDD1D), 32) * below) >> 32


def ports_left(block: int, ports: int, chosen: int) -> int:
    """How many ports of a set are free. Set: bit 0 the parity, bit 1: ports below 1024."""
    return load64(block + B_SETS + 16 * (chosen >> 1) + 8) - load32(ports + A_TAKEN + 4 * chosen)


def ports_base(ports: int, chosen: int) -> int:
    """Where the array of a set is; that of places is as far behind it as A_PLACE behind A_DENSE."""
    return ports + A_DENSE + 2 * ((chosen & 1) * PAIRS + (0 if chosen >= 2 else LOW_PAIRS))


def ports_move(base: int, number: int, edge: int) -> int:
    """Exchange a number's place with that at ``edge``. Returns 0."""
    places = base + A_PLACE - A_DENSE
    place = load16(places + 2 * number) ^ number
    other = load16(base + 2 * edge) ^ edge
    store16(base + 2 * place, other ^ place)
    store16(places + 2 * other, place ^ other)
    store16(base + 2 * edge, number ^ edge)
    store16(places + 2 * number, edge ^ number)
    return 0


def ports_take_from(block: int, ports: int, chosen: int, number: int) -> int:
    """Take a free number of a set; its port."""
    left = ports_left(block, ports, chosen)
    ports_move(ports_base(ports, chosen), number, left - 1)
    taken = ports + A_TAKEN + 4 * chosen
    store32(taken, load32(taken) + 1)
    pair = load64(block + B_SETS + 16 * (chosen >> 1)) + number * load64(block + B_STRIDE)
    return pair * 2 + (chosen & 1)


def ports_number(block: int, port: int) -> int:
    """The number that a port has in its set, or -1: it is none of this worker's."""
    sets = block + B_SETS + (16 if port < 2 * LOW_PAIRS else 0)
    stride = load64(block + B_STRIDE)
    distance = (port >> 1) - load64(sets)
    if distance < 0 or distance % stride != 0:
        return -1
    number = distance // stride
    return number if number < load64(sets + 8) else -1


def ports_set(port: int) -> int:
    """The set that a port belongs to."""
    return (port & 1) | (2 if port < 2 * LOW_PAIRS else 0)


def ports_free(block: int, ports: int, port: int) -> int:
    """1 where a port is one of this worker's and free."""
    number = ports_number(block, port)
    if number < 0:
        return 0
    chosen = ports_set(port)
    base = ports_base(ports, chosen)
    place = load16(base + A_PLACE - A_DENSE + 2 * number) ^ number
    return 1 if place < ports_left(block, ports, chosen) else 0


def ports_take(block: int, ports: int, wanted: int) -> int:
    """Take a port for the inside port ``wanted``, or -1: there is none.

    The same one, where that is asked for and it is free; else one at random: of the same parity where that is asked
    for, and on the same side of 1024 as long as there are such (RFC 4787, REQ-3 and 4).
    """
    if load64(block + B_PRESERVE) != 0 and ports_free(block, ports, wanted) != 0:
        return ports_take_from(block, ports, ports_set(wanted), ports_number(block, wanted))
    low = ports_set(wanted) & 2
    for side in range(2):
        part = low ^ (2 * side)
        even = ports_left(block, ports, part)
        odd = ports_left(block, ports, part + 1)
        if load64(block + B_PARITY) != 0:
            if wanted & 1 != 0:
                even = 0
            else:
                odd = 0
        if even + odd > 0:
            chance = ports_random(block, even + odd)
            chosen = part if chance < even else part + 1
            place = chance if chance < even else chance - even
            return ports_take_from(
                block, ports, chosen, load16(ports_base(ports, chosen) + 2 * place) ^ place
            )
    return -1


def ports_give_back(block: int, ports: int, port: int) -> int:
    """A port that was taken is free again."""
    chosen = ports_set(port)
    left = ports_left(block, ports, chosen)
    ports_move(ports_base(ports, chosen), ports_number(block, port), left)
    taken = ports + A_TAKEN + 4 * chosen
    store32(taken, load32(taken) - 1)
    store32(ports + A_MAPPING + 4 * port, 0)
    return 0
