'''The load balancer's configuration file: docs/maglev.md describes it.

>>> config = parse("""
... [balancer]
... mac = "02:00:00:00:00:fe"
... [[vip]]
... address = "192.0.2.100"
... ports = [80, "8000-8001"]
... delivery = "nat"
... [[vip.backend]]
... address = "192.0.2.11"
... [[vip.backend]]
... address = "192.0.2.12"
... weight = 3
... """)
>>> config.vips[0].ports, [(backend.name, backend.weight) for backend in config.vips[0].backends]
((80, 8000, 8001), [('192.0.2.11', 1), ('192.0.2.12', 3)])
'''

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wirebrick.addresses import IPv4Address, IPv6Address
from wirebrick.errors import ParameterError
from wirebrick.nf.maglev.reader import IPAddress, Section
from wirebrick.state.maglev import MOST_BACKENDS, MOST_SERVICES, MOST_WEIGHT, is_prime, next_prime
from wirebrick.toml_file import TomlFile

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "any": 0}
DELIVERIES = ("nat", "mac", "ipip", "gre")
TUNNELS = ("ipip", "gre")
CHECKS = ("tcp", "http")
MOST_PLACES = 655373  # of a look-up table: the largest of the paper
MOST_MTU = 65535

BALANCER_KEYS = ("mac", "address", "address6", "table", "seed", "mtu", "clients", "servers")
VIP_KEYS = ("name", "address", "protocol", "ports", "delivery", "affinity", "check", "backend")
BACKEND_KEYS = ("name", "address", "port", "weight", "drain", "mac", "via", "egress")
CHECK_KEYS = ("kind", "port", "path", "host", "status", "interval", "timeout", "rise", "fall")


@dataclass(frozen=True)
class Check:
    """How the backends of a VIP are looked after."""

    kind: str
    port: int  # 0: that of the backend
    path: str
    host: str
    statuses: tuple[int, ...]
    interval: float
    timeout: float
    rise: int
    fall: int


@dataclass(frozen=True)
class BackendSpec:
    """A backend, as the file has it. ``mac`` 0: ask for it. ``port`` 0: the packet's."""

    name: str
    address: IPAddress
    port: int
    weight: int
    drain: bool
    mac: int
    via: IPAddress | None
    egress: str

    @property
    def hop(self) -> IPAddress:
        """Whose MAC address packets to it are sent to."""
        return self.address if self.via is None else self.via


@dataclass(frozen=True)
class Vip:
    """A service at a virtual address. ``ports`` empty: all. ``protocol`` 0: all."""

    name: str
    address: IPAddress
    protocol: int
    ports: tuple[int, ...]
    delivery: str
    sticky: bool
    check: Check | None
    backends: tuple[BackendSpec, ...]


@dataclass(frozen=True)
class Config:
    """What a file says. ``address`` and ``address6`` are 0 where there is none."""

    mac: int
    address: int
    address6: int
    table: int
    seed: int
    mtu: int
    clients: str  # the port that they are behind, or nothing
    servers: str
    vips: tuple[Vip, ...]


def load_config(path: Path) -> Config:
    """Read a file. Raises ParameterError, with the place, for everything that is wrong with it."""
    file = TomlFile(str(path), "a load balancer's configuration")
    file.known(file.data, ("balancer", "vip"), "")
    own = Section(file, "balancer", 0, file.section("balancer", dict, "[balancer]"), BALANCER_KEYS)
    table = own.number_of("table", 65537, 3, MOST_PLACES)
    if not is_prime(table):
        own.refuse("table", f"{table} is no prime number", f"the next one is {next_prime(table)}")
    addresses = _own_address(own, "address", IPv4Address), _own_address(own, "address6", IPv6Address)
    mac = own.mac("mac")
    if not mac:
        own.refuse("mac", "[balancer] does not say its mac", 'write mac = "02:...": VIPs are found there')
    vips = _Vips(file, addresses).read()
    return Config(
        mac,
        *addresses,
        table,
        own.number_of("seed", 0, 0, (1 << 63) - 1),
        own.number_of("mtu", 1500, 1280, MOST_MTU),
        own.text("clients") if "clients" in own.data else "",
        own.text("servers", "out"),
        vips,
    )


def parse(text: str) -> Config:
    """The configuration in a text. Raises ParameterError."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        return load_config(Path(file.name))


def _own_address(own: Section, key: str, kind: type[IPAddress]) -> int:
    found = own.address(key)
    if found is not None and type(found) is not kind:
        own.refuse(key, f"{key} can't be {found}", "address is IPv4, address6 is IPv6")
    return int(found or 0)


class _Vips:
    """Reads the VIPs of a file; sections within them are counted through the whole file."""

    def __init__(self, file: TomlFile, own: tuple[int, int]) -> None:
        self._file = file
        self._own = own
        self._backends = self._checks = 0
        self._taken: dict[tuple[int, int, int], str] = {}
        self._names: set[str] = set()

    def read(self) -> tuple[Vip, ...]:
        """All of them."""
        listed = self._file.section("vip", list, "[[vip]]")
        if not 1 <= len(listed) <= MOST_SERVICES:
            raise ParameterError(
                f"{self._file.name} has {len(listed)} VIPs",
                place=self._file.place("", "vip"),
                cure=f"write from 1 to {MOST_SERVICES} sections [[vip]]",
            )
        return tuple(self._vip(number, data) for number, data in enumerate(listed))

    def _vip(self, number: int, data: Any) -> Vip:
        section = Section(self._file, "vip", number, data, VIP_KEYS)
        address = section.address("address")
        if address is None:
            section.refuse("address", "[[vip]] does not say its address", 'write address = "192.0.2.100"')
        protocol = PROTOCOLS[section.choice("protocol", "tcp", tuple(PROTOCOLS))]
        ports = section.ports("ports") if protocol or "ports" in data else ()
        if ports and not protocol:
            section.refuse(
                "ports", "not every protocol has ports", 'leave ports out, or name a protocol = "tcp"'
            )
        self._take(section, address, protocol, ports)
        shown = f"{address} {section.data.get('protocol', 'tcp')} {_shown(ports)}"
        name = section.text("name", shown)
        if name in self._names:
            section.refuse("name", f"there are two VIPs {name!r}", "give them different names")
        self._names.add(name)
        delivery = section.choice("delivery", None, DELIVERIES)
        check = self._check(section) if "check" in data else None
        listed = data.get("backend", [])
        if not isinstance(listed, list) or not listed:
            section.refuse("backend", f"{name} has no backends", "write [[vip.backend]] below it")
        specs: list[BackendSpec] = []
        seen: set[Any] = set()
        for entry in listed:
            specs.append(self._backend(section, entry, address, ports, delivery))
            self._distinct(specs[-1], seen, name)
        if check and not check.port and (len(ports) != 1 and not all(spec.port for spec in specs)):
            section.refuse("check", "the check does not say its port", "write port = 80 in [vip.check]")
        sticky = section.choice("affinity", "connection", ("connection", "client")) == "client"
        if sum(spec.weight for spec in specs) > MOST_BACKENDS * MOST_WEIGHT:
            section.refuse("backend", f"{name} has too many backends", f"{MOST_BACKENDS} are the most")
        return Vip(name, address, protocol, ports, delivery, sticky, check, tuple(specs))

    def _take(self, section: Section, address: int, protocol: int, ports: tuple[int, ...]) -> None:
        for port in ports or (0,):
            key = (int(address), protocol, port)
            if key in self._taken:
                place = f" at {self._taken[key]}"
                section.refuse("address", f"this address and port has a VIP already,{place}", "join the two")
            self._taken[key] = str(section.place("address"))

    def _backend(
        self, vip: Section, data: Any, address: IPAddress, ports: tuple[int, ...], delivery: str
    ) -> BackendSpec:
        section = Section(self._file, "vip.backend", self._backends, data, BACKEND_KEYS)
        self._backends += 1
        own = section.address("address")
        if own is None:
            section.refuse("address", "[[vip.backend]] does not say its address", 'write address = "..."')
        version = 4 if type(own) is IPv4Address else 6
        if delivery not in TUNNELS and type(own) is not type(address):
            cure = "give both the same version, or deliver by ipip or gre"
            section.refuse(
                "address", f"a VIP at {address} can't have the backend {own} with {delivery}", cure
            )
        if delivery in TUNNELS and not self._own[version == 6]:
            key = "address" if version == 4 else "address6"
            cure = f'write {key} = "..." in [balancer]: where tunnels begin'
            section.refuse("address", f"a tunnel to {own} has no address to begin at", cure)
        port = section.number_of("port", 0, 0, 65535)
        if port and (delivery != "nat" or len(ports) != 1 or vip.data.get("protocol") == "sctp"):
            cure = (
                'leave port out; only TCP and UDP with delivery = "nat" and one port of the VIP have others'
            )
            section.refuse("port", f"the backend {own} can't have a port of its own", cure)
        via = section.address("via")
        return BackendSpec(
            section.text("name", f"{own}:{port}" if port else str(own)),
            own,
            port,
            section.number_of("weight", 1, 0, MOST_WEIGHT),
            section.flag("drain"),
            section.mac("mac"),
            via,
            section.text("egress") if "egress" in section.data else "",
        )

    def _distinct(self, spec: BackendSpec, seen: set[Any], vip: str) -> None:
        for key, mine in (("name", spec.name), ("address", (spec.address, spec.port))):
            if mine in seen:
                raise ParameterError(
                    f"{vip} has the backend {spec.name} twice",
                    place=self._file.place("vip.backend", key, self._backends - 1),
                    cure="leave one of them out; a larger share is weight = 2",
                )
            seen.add(mine)

    def _check(self, vip: Section) -> Check:
        section = Section(self._file, "vip.check", self._checks, vip.data["check"], CHECK_KEYS)
        self._checks += 1
        kind = section.choice("kind", "tcp", CHECKS)
        for key in ("path", "host", "status"):
            if key in section.data and kind != "http":
                section.refuse(key, f"a check by {kind} has no {key}", 'write kind = "http"')
        path = section.text("path", "/")
        if not path.startswith("/") or not path.isascii() or " " in path:
            section.refuse("path", f"path can't be {path!r}", 'write it as in a request: "/health"')
        interval = section.seconds("interval", 2.0)
        return Check(
            kind,
            section.number_of("port", 0, 0, 65535),
            path,
            section.text("host", "wirebrick"),
            section.statuses("status", (200,)),
            interval,
            section.seconds("timeout", min(1.0, interval)),
            section.number_of("rise", 2, 1, 1000),
            section.number_of("fall", 3, 1, 1000),
        )


def _shown(ports: tuple[int, ...]) -> str:
    """Ports as a person would write them."""
    if not ports:
        return "all"
    if len(ports) > 3:
        return f"{ports[0]}..{ports[-1]}"
    return ",".join(map(str, ports))
