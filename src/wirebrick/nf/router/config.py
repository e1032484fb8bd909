"""The router's configuration: a TOML file of interfaces and routes.

::

    [[interface]]
    port = "in"                                  # the port of the run that it is
    mac = "02:00:00:00:00:01"
    addresses = ["192.0.2.254/24", "2001:db8:1::fe/64"]
    mtu = 1500                                   # largest IP packet that leaves there; 1500
    neighbours = {"192.0.2.1" = "02:00:00:00:00:05"}   # that need not be asked; others are
    source = "any"                               # what sources may come in: "any"; "routed" (loose), "back" (strict)

    [[route]]
    to = "default"                               # or a prefix; "default" is both 0.0.0.0/0 and ::/0, as via says
    via = "198.51.100.1"                         # a neighbour, or several: ["198.51.100.1", "198.51.100.2"]
    weights = [1, 3]                             # with several: how much of the flows each gets; all the same
    interface = "out"                            # its port, where the gateway's address does not tell (fe80::...)

    [[route]]
    to = "10.0.0.0/8"
    action = "blackhole"                         # dropped; "unreachable", "prohibited": with an ICMP error

The file of ``routes=`` has more routes, one a line: ``PREFIX via GATEWAY [via GATEWAY ...]``, where a gateway may be
followed by ``dev PORT`` and ``weight N``, or ``PREFIX blackhole``, ``unreachable`` or ``prohibited``. ``#`` begins a
comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from wirebrick.addresses import (
    IPv4Address,
    IPv6Address,
    MacAddress,
)
from wirebrick.errors import ParameterError, Place
from wirebrick.nf.router.routes import ACTIONS, Addressed, Either, Gateways, parse_address, read_routes
from wirebrick.state.fib import Hop, Route
from wirebrick.state.fib_native import BROADCAST, CONNECTED, LOCAL, MOST_LINKS, VIA
from wirebrick.state.lpm_routes import Key
from wirebrick.toml_file import TomlFile

SOURCES = ("any", "routed", "back")
LEAST_MTU, LEAST_MTU6, MOST_MTU = 68, 1280, 65535
_KEYS = ("port", "mac", "addresses", "mtu", "source", "neighbours")
_ROUTE_KEYS = ("to", "via", "weights", "interface", "action")


@dataclass(frozen=True)
class Interface:
    """An interface: the port that it is, and what it is called on its link."""

    port: str
    mac: MacAddress
    addresses: tuple[Addressed, ...]
    mtu: int = 1500
    source: str = "any"
    neighbours: tuple[tuple[Either, MacAddress], ...] = ()

    @property
    def first4(self) -> int:
        """Its first IPv4 address, or 0."""
        return next((int(at.address) for at in self.addresses if isinstance(at.address, IPv4Address)), 0)

    @property
    def first6(self) -> int:
        """Its first IPv6 address, or that of its link."""
        return next(
            (int(at.address) for at in self.addresses if isinstance(at.address, IPv6Address)), self.link_local
        )

    @property
    def link_local(self) -> int:
        """The address that it has on its link by its MAC address (RFC 4291, appendix A)."""
        mac = int(self.mac)
        upper, lower = mac >> 24, mac & 0xFFFFFF
        return 0xFE80 << 112 | (upper ^ 0x020000) << 40 | 0xFFFE << 24 | lower


@dataclass(frozen=True)
class Config:
    """What the file says: interfaces, and all routes, those to the interfaces' own networks included."""

    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]


def read_config(path: Path, routes: Path | None = None) -> Config:
    """Read the files. Raises ParameterError, with the line, for everything that is wrong with them."""
    reader = _Reader(TomlFile(str(path), "the router's configuration"))
    interfaces = reader.interfaces()
    gateways = Gateways([(interface.port, interface.addresses) for interface in interfaces])
    found = own_routes(interfaces)
    for route in reader.routes(gateways):
        found.setdefault(route.key, route)
    if routes is not None:
        for route in read_routes(routes, gateways):
            found.setdefault(route.key, route)
    return Config(tuple(interfaces), tuple(found.values()))


def own_routes(interfaces: list[Interface]) -> dict[Key, Route]:
    """The routes that addresses of interfaces make: to themselves, their networks, and their broadcast addresses."""
    networks: dict[Key, Route] = {}
    own: dict[Key, Route] = {}
    for link, interface in enumerate(interfaces):
        for at in interface.addresses:
            bits = at.address.bits
            version = 4 if bits == 32 else 6
            span = 1 << bits - at.length
            start = int(at.address) // span * span
            key = Key(version, at.length, start)
            networks.setdefault(key, Route(key, CONNECTED, (Hop(link),)))
            if version == 4 and at.length < 31:
                for number in (start, start + span - 1):
                    own[Key(4, 32, number)] = Route(Key(4, 32, number), BROADCAST, (Hop(link),))
    for link, interface in enumerate(interfaces):
        for at in interface.addresses:
            key = Key(4 if at.address.bits == 32 else 6, at.address.bits, int(at.address))
            own[key] = Route(key, LOCAL, (Hop(link),))
    everywhere = Key(4, 32, 0xFFFFFFFF)
    return {**networks, **own, everywhere: Route(everywhere, BROADCAST)}


class _Reader:
    def __init__(self, file: TomlFile) -> None:
        self._file = file
        file.known(file.data, ("interface", "route"), "")

    def interfaces(self) -> list[Interface]:
        """The interfaces, checked."""
        section = self._file.section("interface", list, "[[interface]]")
        if not 1 <= len(section) <= MOST_LINKS:
            raise ParameterError(
                f"{self._file.name} has {len(section)} interfaces",
                cure=f"write [[interface]] with port, mac and addresses, 1 to {MOST_LINKS} times",
            )
        found: list[Interface] = []
        for number, data in enumerate(section):
            self._known(data, _KEYS, "interface", number)
            interface = self._interface(data, number)
            for other in found:
                mine = {at.address for at in interface.addresses}
                for at in other.addresses:
                    if at.address in mine:
                        message = f"{at.address} is an address of {other.port!r} too"
                        self._fail("interface", "addresses", number, message)
                if other.port == interface.port:
                    self._fail(
                        "interface", "port", number, f"the port {other.port!r} is an interface already"
                    )
            found.append(interface)
        return found

    def _interface(self, data: dict[str, Any], number: int) -> Interface:
        port, mac, mtu = data.get("port"), data.get("mac"), data.get("mtu", 1500)
        if not isinstance(port, str) or not port:
            self._fail("interface", "port", number, "an interface needs the name of its port", 'port = "in"')
        try:
            hardware = MacAddress(mac if isinstance(mac, str) else "")
        except ValueError:
            hardware = MacAddress(0)
        if hardware == 0 or hardware >> 40 & 1:
            cure = 'mac = "02:00:00:00:00:01"'
            self._fail("interface", "mac", number, f"{mac!r} can't be an interface's MAC address", cure)
        given = data.get("addresses", [])
        if not isinstance(given, list):
            self._fail(
                "interface", "addresses", number, "addresses is a list", 'addresses = ["192.0.2.1/24"]'
            )
        addresses = tuple(self._address(text, number) for text in given)
        least = LEAST_MTU6 if any(at.address.bits == 128 for at in addresses) else LEAST_MTU
        if type(mtu) is not int or not least <= mtu <= MOST_MTU:
            cure = f"give a whole number from {least} to {MOST_MTU}"
            self._fail("interface", "mtu", number, f"the mtu can't be {mtu!r}", cure)
        source = data.get("source", "any")
        if source not in SOURCES:
            self._fail(
                "interface", "source", number, f"source can't be {source!r}", f"one of {', '.join(SOURCES)}"
            )
        return Interface(
            str(port), hardware, addresses, mtu, source, self._neighbours(data, number, addresses)
        )

    def _neighbours(
        self, data: dict[str, Any], number: int, addresses: tuple[Addressed, ...]
    ) -> tuple[tuple[Either, MacAddress], ...]:
        given = data.get("neighbours", {})
        cure = 'neighbours = {"192.0.2.1" = "02:00:00:00:00:05"}'
        if not isinstance(given, dict):
            self._fail("interface", "neighbours", number, "neighbours are addresses with MAC addresses", cure)
        found = []
        for text, mac in given.items():
            try:
                found.append((parse_address(text), MacAddress(str(mac))))
            except ValueError as error:
                self._fail("interface", "neighbours", number, str(error), cure)
            if not any(at.holds(found[-1][0]) for at in addresses):
                self._fail("interface", "neighbours", number, f"{text} is in no network of the interface")
        return tuple(found)

    def _address(self, text: Any, number: int) -> Addressed:
        try:
            return Addressed.parse(str(text))
        except ValueError as error:
            self._fail(
                "interface", "addresses", number, str(error), 'write "192.0.2.1/24" or "2001:db8::1/64"'
            )

    def routes(self, gateways: Gateways) -> list[Route]:
        """The routes, checked."""
        found: dict[Key, Route] = {}
        for number, data in enumerate(self._file.section("route", list, "[[route]]")):
            self._known(data, _ROUTE_KEYS, "route", number)
            for route in self._route(data, number, gateways):
                if route.key in found:
                    self._fail("route", "to", number, f"there are two routes to {route.key.network}")
                found[route.key] = route
        return list(found.values())

    def _route(self, data: dict[str, Any], number: int, gateways: Gateways) -> list[Route]:
        action, via = data.get("action"), data.get("via")
        if (action is None) == (via is None):
            self._fail("route", "to", number, "a route has either via or action", 'via = "192.0.2.1"')
        try:
            if action is not None:
                return [Route(key, ACTIONS[action]) for key in gateways.prefixes(data.get("to"), None)]
            several = via if isinstance(via, list) else [via]
            weights = data.get("weights", [1] * len(several))
            hops = gateways.hops(several, weights, data.get("interface"))
            return [Route(key, VIA, hops) for key in gateways.prefixes(data.get("to"), hops)]
        except KeyError:
            self._fail(
                "route", "action", number, f"action can't be {action!r}", f"one of {', '.join(ACTIONS)}"
            )
        except ValueError as error:
            self._fail("route", "to", number, str(error))

    def _known(self, data: Any, keys: tuple[str, ...], section: str, number: int) -> None:
        if not isinstance(data, dict):
            self._fail(section, section, number, f"{section} is a section", f"write [[{section}]]")
        self._file.known(data, keys, section, number)

    def _fail(self, section: str, key: str, number: int, message: str, cure: str = "") -> NoReturn:
        place: Place = self._file.place(section, key, number)
        raise ParameterError(message, place=place, cure=cure)
