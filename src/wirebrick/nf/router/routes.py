"""Routes as text: prefixes, gateways and what they mean; the file of ``routes=``."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wirebrick.addresses import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from wirebrick.errors import ParameterError, Place
from wirebrick.state.fib import Hop, Route
from wirebrick.state.fib_native import BLACKHOLE, PROHIBIT, UNREACHABLE, VIA
from wirebrick.state.lpm_routes import Key

ACTIONS = {"blackhole": BLACKHOLE, "unreachable": UNREACHABLE, "prohibited": PROHIBIT}
MOST_WEIGHT = 256
_LINK_LOCAL = 0xFE80 >> 6  # the first 10 bits

_LENGTHS = {str(length): (1 << 32 - length) - 1 for length in range(33)}  # and the bits behind the prefix

Either = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Addressed:
    """An address of an interface, and how long the prefix of its network is."""

    address: Either
    length: int

    @classmethod
    def parse(cls, text: str) -> Addressed:
        """Read one. Raises ValueError.

        >>> Addressed.parse("192.0.2.1/24")
        Addressed(address=IPv4Address('192.0.2.1'), length=24)
        """
        first, _, last = text.partition("/")
        address = parse_address(first)
        length = int(last) if last.isdecimal() else -1
        if not 1 <= length <= address.bits:
            raise ValueError(f"{text!r} is no address with the length of its prefix")
        top = int(address) >> address.bits - 8
        if int(address) == 0 or top in ((0, 127, *range(224, 256)) if address.bits == 32 else (255,)):
            raise ValueError(f"{address} can't be an interface's address")
        return cls(address, length)

    def holds(self, address: Either) -> bool:
        """Whether an address is in its network."""
        same = address.bits == self.address.bits
        return same and (int(address) ^ int(self.address)) >> self.address.bits - self.length == 0


def parse_address(text: Any) -> Either:
    """An address of either kind. Raises ValueError."""
    try:
        return IPv6Address(str(text)) if ":" in str(text) else IPv4Address(str(text))
    except ValueError:
        raise ValueError(f"{text!r} is no address") from None


class Gateways:
    """Finds out through which interface a gateway is reached: that in whose network it is."""

    def __init__(self, interfaces: Sequence[tuple[str, tuple[Addressed, ...]]]) -> None:
        self._interfaces = interfaces
        self._known: dict[tuple[Any, Any], tuple[int, Either]] = {}

    def hops(self, gateways: Sequence[Any], weights: Any, port: Any) -> tuple[Hop, ...]:
        """Next hops. Raises ValueError for a gateway that no interface reaches, and for wrong weights."""
        if not isinstance(weights, list) or len(weights) != len(gateways):
            raise ValueError(f"{len(gateways)} gateways need as many weights")
        if not gateways:
            raise ValueError("via names no gateway")
        for weight in weights:
            if type(weight) is not int or not 1 <= weight <= MOST_WEIGHT:
                raise ValueError(f"a weight is a whole number from 1 to {MOST_WEIGHT}, not {weight!r}")
        found = [Hop(*self.find(one, port), weight) for one, weight in zip(gateways, weights, strict=True)]
        if len({hop.gateway.bits for hop in found if hop.gateway is not None}) > 1:
            raise ValueError("the gateways of a route are of one IP version")
        return tuple(found)

    def find(self, text: Any, port: Any) -> tuple[int, Either]:
        """The link and the address of a gateway. Raises ValueError."""
        if (text, port) not in self._known:
            self._known[text, port] = self._find(parse_address(text), port)
        return self._known[text, port]

    def _find(self, address: Either, port: Any) -> tuple[int, Either]:
        links = [number for number, (name, _) in enumerate(self._interfaces) if port in (None, name)]
        if port is not None and not links:
            raise ValueError(f"there is no interface {port!r}")
        if address.bits == 128 and int(address) >> 118 == _LINK_LOCAL:
            if len(links) > 1:
                raise ValueError(f"{address} is on every link: name the interface")
            return links[0], address
        for number in links:
            for own in self._interfaces[number][1]:
                if own.address == address:
                    raise ValueError(f"{address} is the router itself")
        for number in links:
            if any(own.holds(address) for own in self._interfaces[number][1]):
                return number, address
        raise ValueError(f"{address} is in the network of no interface")

    def prefixes(self, text: Any, hops: tuple[Hop, ...] | None) -> list[Key]:
        """A prefix, or what "default" means for these hops. Raises ValueError."""
        versions = {4 if hop.gateway is not None and hop.gateway.bits == 32 else 6 for hop in hops or ()}
        if text == "default":
            return [Key(version, 0, 0) for version in versions or (4, 6)]
        key = parse_prefix(text)
        if versions and key.version not in versions:
            raise ValueError(f"{text} and its gateways are of different IP versions")
        return [key]


def parse_prefix(text: Any) -> Key:
    """A prefix. Raises ValueError.

    >>> parse_prefix("10.0.0.0/8")
    Key(version=4, length=8, start=167772160)
    """
    if not isinstance(text, str) or "/" not in text:
        raise ValueError(f"{text!r} is no prefix, such as 10.0.0.0/8")
    if ":" not in text:  # the short way, for files of a million of them
        first, _, last = text.partition("/")
        with contextlib.suppress(OSError):
            start = int.from_bytes(socket.inet_pton(socket.AF_INET, first), "big")
            if last in _LENGTHS and start & _LENGTHS[last] == 0:
                return Key(4, int(last), start)
    network: IPv4Network | IPv6Network = IPv6Network(text) if ":" in text else IPv4Network(text)
    if isinstance(network, IPv6Network) and network.length >= 96 and int(network.address) >> 32 == 0:
        raise ValueError(f"{text} lies in ::/96, which RFC 4291 gives to nobody")
    return Key(4 if isinstance(network, IPv4Network) else 6, network.length, int(network.address))


def read_routes(path: Path, gateways: Gateways) -> Iterator[Route]:
    """The routes of a file, one a line. Raises ParameterError with the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ParameterError(
            f"{path} can't be read: {reason}", cure="give the path of a file of routes"
        ) from None
    seen: dict[Key, int] = {}
    ways: dict[str, tuple[Route, ...]] = {}  # by what stands behind the prefix: for most lines known already
    for number, line in enumerate(text.splitlines(), 1):
        prefix, *rest = line.partition("#")[0].split(None, 1) or ("",)
        if not prefix:
            continue
        try:
            for route in _routes(prefix, rest[0].rstrip() if rest else "", gateways, ways):
                if route.key in seen:
                    raise ValueError(f"line {seen[route.key]} has a route to {prefix} already")
                seen[route.key] = number
                yield route
        except ValueError as error:
            cure = "write PREFIX via GATEWAY [dev PORT] [weight N] [via ...], or PREFIX blackhole"
            raise ParameterError(str(error), place=Place(str(path), number), cure=cure) from None


def _routes(
    prefix: str, rest: str, gateways: Gateways, ways: dict[str, tuple[Route, ...]]
) -> Sequence[Route]:
    """The routes of a line. Raises ValueError."""
    known = ways.get(rest)
    if known is None or prefix == "default":
        found = _route(prefix, rest.split(), gateways)
        ways[rest] = tuple(found)
        return found
    key = parse_prefix(prefix)
    of = known[0]
    if of.hops and (key.version == 4) != (of.key.version == 4):
        raise ValueError(f"{prefix} and its gateways are of different IP versions")
    return (Route(key, of.kind, of.hops),)


def _route(prefix: str, rest: list[str], gateways: Gateways) -> list[Route]:
    if len(rest) == 1 and rest[0] in ACTIONS:
        return [Route(key, ACTIONS[rest[0]]) for key in gateways.prefixes(prefix, None)]
    hops: list[Hop] = []
    while rest:
        if rest[0] != "via" or len(rest) < 2:
            raise ValueError(f"can't read {' '.join(rest)!r}")
        gateway, rest = rest[1], rest[2:]
        port, weight = None, 1
        while len(rest) >= 2 and rest[0] in ("dev", "weight"):
            if rest[0] == "dev":
                port = rest[1]
            else:
                weight = int(rest[1]) if rest[1].isdecimal() else 0
            rest = rest[2:]
        hops += gateways.hops([gateway], [weight], port)
    if not hops:
        raise ValueError(f"{prefix} leads nowhere")
    if len({hop.gateway.bits for hop in hops if hop.gateway is not None}) > 1:
        raise ValueError("the gateways of a route are of one IP version")
    return [Route(key, VIA, tuple(hops)) for key in gateways.prefixes(prefix, tuple(hops))]
