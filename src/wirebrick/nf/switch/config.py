"""The switch's configuration: names of ports, or a TOML file with the VLANs of each.

::

    [[port]]
    name = "lan1"                    # the port of the run
    access = 10                      # frames without a tag are of VLAN 10, and so they leave

    [[port]]
    name = "up"
    trunk = [10, "20-29"]            # frames of these VLANs have tags; "all": of every VLAN
    native = 1                       # frames without one are of VLAN 1, and so they leave; without it: refused

    [[static]]                       # where a station is, whatever its packets say
    mac = "02:00:00:00:00:05"
    vlan = 10
    port = "lan1"
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from wirebrick.addresses import MacAddress
from wirebrick.errors import ParameterError
from wirebrick.toml_file import TomlFile

MOST_PORTS = 62
VLANS = range(1, 4095)
DEFAULT_VLAN = 1


@dataclass(frozen=True)
class Port:
    """A port: the VLAN of frames without a tag (0: none), and those of frames with one."""

    name: str
    untagged: int
    tagged: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Static:
    """Where a station is: the number of a port."""

    vlan: int
    mac: MacAddress
    port: int


@dataclass(frozen=True)
class Config:
    """Ports by number, and stations that are known beforehand."""

    ports: tuple[Port, ...]
    static: tuple[Static, ...] = ()

    def members(self, vlan: int) -> int:
        """The ports of a VLAN: bit n is port n."""
        return sum(1 << n for n, port in enumerate(self.ports) if vlan in (port.untagged, *port.tagged))

    def tagged(self, vlan: int) -> int:
        """Those by which it leaves with tags."""
        return sum(1 << n for n, port in enumerate(self.ports) if vlan in port.tagged)


def plain_config(names: str) -> Config:
    """Ports of one VLAN, without tags. Raises ParameterError.

    >>> [port.name for port in plain_config("a b").ports]
    ['a', 'b']
    """
    found = tuple(Port(name, DEFAULT_VLAN) for name in names.replace(",", " ").split())
    if len({port.name for port in found}) != len(found):
        raise ParameterError(f"switch: a port is named twice in {names!r}", cure="name each once")
    return _counted(found, names)


def _counted(ports: tuple[Port, ...], where: str, static: tuple[Static, ...] = ()) -> Config:
    if not 2 <= len(ports) <= MOST_PORTS:
        raise ParameterError(
            f"switch: {where!r} names {len(ports)} ports",
            cure=f"a switch has 2 to {MOST_PORTS}, such as ports='in out'",
        )
    return Config(ports, static)


def read_config(path: Path) -> Config:
    """Read the file. Raises ParameterError, with the line, for everything that is wrong with it."""
    file = TomlFile(str(path), "the switch's configuration")
    file.known(file.data, ("port", "static"), "")
    reader = _Reader(file)
    ports: list[Port] = []
    for number, data in enumerate(file.section("port", list, "[[port]]")):
        port = reader.port(data, number)
        if port.name in [other.name for other in ports]:
            reader.fail("port", "name", number, f"there are two ports {port.name!r}")
        ports.append(port)
    names = [port.name for port in ports]
    sections = enumerate(file.section("static", list, "[[static]]"))
    static = [reader.static(data, number, ports, names) for number, data in sections]
    for number, entry in enumerate(static):
        if (entry.vlan, entry.mac) in [(other.vlan, other.mac) for other in static[:number]]:
            reader.fail("static", "mac", number, f"{entry.mac} stands here twice")
    return _counted(tuple(ports), str(path), tuple(static))


class _Reader:
    def __init__(self, file: TomlFile) -> None:
        self._file = file

    def port(self, data: Any, number: int) -> Port:
        """One port."""
        self._known(data, ("name", "access", "trunk", "native"), "port", number)
        name = data.get("name")
        if not isinstance(name, str) or not name:
            self.fail("port", "name", number, "a port needs its name", 'name = "lan1"')
        if "access" in data and ("trunk" in data or "native" in data):
            self.fail("port", "access", number, "a port has either access, or trunk and native")
        if "trunk" not in data and "native" not in data:
            return Port(name, self._vlan(data.get("access", DEFAULT_VLAN), "port", "access", number))
        native = self._vlan(data["native"], "port", "native", number) if "native" in data else 0
        tagged = self._vlans(data.get("trunk", []), number) - {native}
        return Port(name, native, frozenset(tagged))

    def _vlans(self, given: Any, number: int) -> set[int]:
        if given == "all":
            return set(VLANS)
        if not isinstance(given, list):
            self.fail("port", "trunk", number, "trunk is a list of VLANs", 'trunk = [10, "20-29"], or "all"')
        found: set[int] = set()
        for one in given:
            first, dash, last = str(one).partition("-")
            low = self._vlan(int(first) if first.isdecimal() else one, "port", "trunk", number)
            high = (
                self._vlan(int(last) if last.isdecimal() else one, "port", "trunk", number) if dash else low
            )
            found |= set(range(low, high + 1))
        return found

    def static(self, data: Any, number: int, ports: list[Port], names: list[str]) -> Static:
        """One station."""
        self._known(data, ("mac", "vlan", "port"), "static", number)
        try:
            mac = MacAddress(str(data.get("mac")))
        except ValueError:
            mac = MacAddress(0)
        if mac == 0 or mac >> 40 & 1:
            self.fail("static", "mac", number, f"{data.get('mac')!r} is no station's MAC address")
        vlan = self._vlan(data.get("vlan", DEFAULT_VLAN), "static", "vlan", number)
        if data.get("port") not in names:
            cure = f"one of {', '.join(names)}"
            self.fail("static", "port", number, f"there is no port {data.get('port')!r}", cure)
        port = names.index(data["port"])
        if vlan not in (ports[port].untagged, *ports[port].tagged):
            self.fail("static", "vlan", number, f"{data['port']} has no VLAN {vlan}")
        return Static(vlan, mac, port)

    def _vlan(self, value: Any, section: str, key: str, number: int) -> int:
        if type(value) is not int or value not in VLANS:
            self.fail(section, key, number, f"{value!r} is no VLAN", f"they are {VLANS[0]} to {VLANS[-1]}")
        return int(value)

    def _known(self, data: Any, keys: tuple[str, ...], section: str, number: int) -> None:
        if not isinstance(data, dict):
            self.fail(section, section, number, f"{section} is a section", f"write [[{section}]]")
        self._file.known(data, keys, section, number)

    def fail(self, section: str, key: str, number: int, message: str, cure: str = "") -> NoReturn:
        """Raise ParameterError at a line."""
        raise ParameterError(message, place=self._file.place(section, key, number), cure=cure)
