"""DSCP: the names of code points (RFC 2474, 2597, 3246, 5865, 8622), and writing them into IP headers."""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.packet.packet import Packet
from wirebrick.ports.suggest import did_you_mean

NAMES: dict[str, int] = {
    "be": 0,
    "le": 1,
    **{f"cs{number}": 8 * number for number in range(8)},
    **{f"af{number}{drop}": 8 * number + 2 * drop for number in range(1, 5) for drop in range(1, 4)},
    "va": 44,
    "ef": 46,
}


def code_point(nf: str, name: str, value: str) -> int:
    """A code point by its name or number. Raises ParameterError.

    >>> code_point("policer", "red", "af12"), code_point("policer", "red", "63")
    (12, 63)
    """
    if value.isdecimal() and int(value) < 64:
        return int(value)
    if value.lower() in NAMES:
        return NAMES[value.lower()]
    raise ParameterError(
        f"{nf}: {name}={value!r} is no DSCP", cure=f"{did_you_mean(value, NAMES)}, or a number from 0 to 63"
    )


def mark_v4(packet: Packet, value: int) -> None:
    """Write a code point into an IPv4 header; its ECN bits stay."""
    packet.header.dscp = value


def mark_v6(packet: Packet, value: int) -> None:
    """Write a code point into an IPv6 header; its ECN bits stay."""
    packet.header.traffic_class = packet.header.traffic_class & 3 | value << 2
