"""Topology files: a lab, in TOML.

::

    summary = "Two hosts; what passes between them goes through the box."
    try     = ["wirebrick lab exec {lab} client -- ping -c 3 192.0.2.2"]

    [hosts.client]                                  # a network namespace
    routes     = ["default via 192.0.2.254"]
    forwarding = false                              # true: it is a router
    [hosts.client.addresses]
    eth0 = ["192.0.2.1/24", "2001:db8::1/64"]
    [hosts.client.neighbours]                       # known without asking
    "192.0.2.2" = "server.eth0"                     # or a MAC address
    [hosts.client.sysctls]
    "net.ipv4.tcp_congestion_control" = "reno"

    [hosts.box]
    [hosts.box.bridges]                             # Linux bridges of interfaces
    br0 = ["left", "right"]

    [[links]]                                       # a veth pair
    ends    = ["client.eth0", "box.left"]
    macs    = ["02:00:00:00:00:01", "02:00:00:00:00:02"]    # else made from the link's number
    mtu     = 1500
    queues  = 1                                     # of both ends, to receive and to send
    offload = false                                 # true, or some of "checksum", "segmentation", "gro", "vlan"
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from wirebrick.errors import ParameterError
from wirebrick.lab.topology import OFFLOADS, USUAL_OFFLOADS, Host, Interface, Link, Topology
from wirebrick.lab.topology_host import HOST, HostReader
from wirebrick.ports.suggest import did_you_mean
from wirebrick.toml_file import TomlFile

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,14}")
MAC = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")
_TOP = ("summary", "try", "hosts", "links")
_LINK = ("ends", "macs", "mtu", "queues", "offload")
_RESERVED = ("lo", "all", "default")
_MOST_QUEUES = 256


def read_topology(path: str) -> Topology:
    """Read a topology file. Raises ParameterError, with the line, for everything that is wrong with it.

    >>> from wirebrick.lab.shipped import shipped
    >>> read_topology(str(shipped()["pair"])).interfaces("box")
    ['left', 'right']
    """
    file = TomlFile(path, "a topology file")
    file.known(file.data, _TOP, "")
    hosts = file.section("hosts", dict, "[hosts.client]")
    if not hosts:
        raise ParameterError(f"{path} names no hosts", cure="write [hosts.client], for example")
    for name, told in hosts.items():
        place = file.place(f"hosts.{name}", name)
        if not NAME.fullmatch(name):
            cure = "use small letters, digits, - and _, 31 at most"
            raise ParameterError(f"{name!r} can't be the name of a host", place=place, cure=cure)
        if not isinstance(told, dict):
            raise ParameterError(f"the host {name} is a section", place=place, cure=f"write [hosts.{name}]")
        file.known(told, HOST, f"hosts.{name}")
    links = _Links(file, list(hosts)).read()
    ends = {str(end): end for link in links for end in link.ends}
    made = {name: HostReader(file, name, told, ends).read() for name, told in hosts.items()}
    _check_mtu(file, made, links)
    commands = file.data.get("try", [])
    if not isinstance(commands, list) or not all(isinstance(one, str) for one in commands):
        raise ParameterError("try is a list of commands", place=file.place("", "try"), cure='try = ["ls"]')
    summary = str(file.data.get("summary", ""))
    return Topology(Path(path).stem, summary, made, links, commands, file.text)


def _check_mtu(file: TomlFile, hosts: dict[str, Host], links: list[Link]) -> None:
    """IPv6 needs 1280 bytes (RFC 8200, section 5): Linux would take the address away."""
    for number, link in enumerate(links):
        for end in link.ends:
            addresses = hosts[end.host].addresses.get(end.name, [])
            if link.mtu < 1280 and any(one.version == 6 for one in addresses):
                raise ParameterError(
                    f"mtu = {link.mtu} is too small for the IPv6 address of {end}",
                    place=file.place("links", "mtu", number),
                    cure="IPv6 needs 1280 at least (RFC 8200)",
                )


class _Links:
    """Reads ``[[links]]``."""

    def __init__(self, file: TomlFile, hosts: list[str]) -> None:
        self._file = file
        self._hosts = hosts
        self._used: dict[str, int] = {}

    def read(self) -> list[Link]:
        """All links, in the file's order."""
        told = self._file.section("links", list, "[[links]]")
        links = [self._link(number, one) for number, one in enumerate(told)]
        macs: dict[str, Interface] = {}
        for number, end in ((number, end) for number, link in enumerate(links) for end in link.ends):
            if end.mac in macs:
                self._fail(number, "macs", f"{end} and {macs[end.mac]} have one MAC address, {end.mac}", "")
            macs[end.mac] = end
        return links

    def _link(self, number: int, told: Any) -> Link:
        if not isinstance(told, dict):
            self._fail(number, "links", "a link is a section", "write [[links]]")
        self._file.known(told, _LINK, "links", number)
        ends = told.get("ends")
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(one, str) for one in ends):
            cure = 'write ends = ["client.eth0", "box.left"], for example'
            self._fail(number, "ends", "a link has two ends", cure)
        first, second = (self._end(number, side, text) for side, text in enumerate(ends))
        if "macs" in told:
            first, second = self._macs(number, told["macs"], first, second)
        mtu = self._number(number, told, "mtu", 1500, 68, 65535)
        queues = self._number(number, told, "queues", 1, 1, _MOST_QUEUES)
        return Link((first, second), mtu, queues, self._offload(number, told.get("offload", False)))

    def _end(self, number: int, side: int, text: str) -> Interface:
        host, _, name = text.partition(".")
        if host not in self._hosts:
            self._fail(number, "ends", f"there is no host {host!r}", did_you_mean(host, self._hosts))
        if not INTERFACE.fullmatch(name) or name in _RESERVED:
            cure = "write HOST.INTERFACE: letters, digits, - and _, 15 at most"
            self._fail(number, "ends", f"{name!r} can't be the name of an interface", cure)
        if text in self._used:
            cure = f"it is an end of link number {self._used[text] + 1} already: take another name"
            self._fail(number, "ends", f"{text} is the end of two links", cure)
        self._used[text] = number
        # Locally administered, and the same each time; 57:42 is "WB".
        return Interface(host, name, f"02:57:42:{number >> 8 & 255:02x}:{number & 255:02x}:{side + 1:02x}")

    def _macs(self, number: int, told: Any, *ends: Interface) -> list[Interface]:
        right = isinstance(told, list) and len(told) == 2 and all(isinstance(one, str) for one in told)
        if not right or not all(MAC.fullmatch(one.lower()) for one in told):
            cure = 'write macs = ["02:00:00:00:00:01", "02:00:00:00:00:02"]: two of single stations'
            self._fail(number, "macs", f"macs = {told!r} are not two MAC addresses", cure)
        return [replace(end, mac=mac.lower()) for end, mac in zip(ends, told, strict=True)]

    def _number(self, number: int, told: dict[str, Any], key: str, usual: int, least: int, most: int) -> int:
        value = told.get(key, usual)
        if type(value) is not int or not least <= value <= most:
            self._fail(number, key, f"{key} = {value!r} is not a whole number from {least} to {most}", "")
        return int(value)

    def _offload(self, number: int, told: Any) -> frozenset[str]:
        if isinstance(told, bool):
            return USUAL_OFFLOADS if told else frozenset()
        if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
            cure = 'write true, false or a list, such as ["checksum"]'
            self._fail(number, "offload", f"offload = {told!r} does not say what is on", cure)
        for one in told:
            if one not in OFFLOADS:
                self._fail(number, "offload", f"there is no offload {one!r}", did_you_mean(one, OFFLOADS))
        return frozenset(told)

    def _fail(self, number: int, key: str, message: str, cure: str) -> NoReturn:
        raise ParameterError(message, place=self._file.place("links", key, number), cure=cure)
