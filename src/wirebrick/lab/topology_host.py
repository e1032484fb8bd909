"""Hosts of topology files: addresses, routes, neighbours, bridges, sysctls."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, NoReturn

from wirebrick.errors import ParameterError
from wirebrick.lab.topology import Address, Gateway, Host, Interface, Neighbour, Route
from wirebrick.ports.suggest import did_you_mean
from wirebrick.toml_file import TomlFile

HOST = ("addresses", "routes", "neighbours", "bridges", "forwarding", "sysctls")
_ROUTE = re.compile(r"(\S+)\s+via\s+(\S+)")
_SYSCTL = re.compile(r"net\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


class HostReader:
    """Reads ``[hosts.NAME]``; ``ends``: the interfaces of all links, by how files spell them."""

    def __init__(self, file: TomlFile, name: str, told: dict[str, Any], ends: dict[str, Interface]) -> None:
        self._file = file
        self._told = told
        self._ends = ends
        self._section = f"hosts.{name}"
        self._host = Host(name)
        self._own = [end.name for end in ends.values() if end.host == name]

    def read(self) -> Host:
        """The host. Raises ParameterError, with the line."""
        host = self._host
        self._bridges()
        for interface, told in self._table("addresses", 'eth0 = ["192.0.2.1/24"]').items():
            host.addresses[interface] = self._addresses(interface, told)
        host.routes = [self._route(told) for told in self._list(self._told.get("routes", []), "routes")]
        for address, told in self._table("neighbours", '"192.0.2.2" = "server.eth0"').items():
            host.neighbours.append(self._neighbour(address, told))
        host.forwarding = self._told.get("forwarding", False)
        if type(host.forwarding) is not bool:
            self._fail("", "forwarding", f"forwarding = {host.forwarding!r} is not true or false")
        for name, value in self._table("sysctls", '"net.ipv4.ip_forward" = 1').items():
            host.sysctls[name] = self._sysctl(name, value)
        return host

    def _bridges(self) -> None:
        for bridge, told in self._table("bridges", 'br0 = ["left", "right"]').items():
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,14}", bridge) or bridge in ("lo", *self._own):
                self._fail("bridges", bridge, f"{bridge!r} can't be the name of a bridge here")
            for one in self._list(told, bridge, "bridges"):
                if one not in self._own:
                    self._fail(
                        "bridges",
                        bridge,
                        f"{self._host.name} has no interface {one!r}",
                        did_you_mean(one, self._own),
                    )
                if any(one in others for others in self._host.bridges.values()):
                    self._fail("bridges", bridge, f"{one} is in two bridges", "take it out of one")
            self._host.bridges[bridge] = told

    def _addresses(self, interface: str, told: Any) -> list[Address]:
        known = ["lo", *self._own, *self._host.bridges]
        if interface not in known:
            message = f"{self._host.name} has no interface {interface!r}"
            self._fail("addresses", interface, message, did_you_mean(interface, known))
        found: list[Address] = []
        for text in self._list(told, interface, "addresses"):
            try:
                found.append(ip_interface(text))
            except ValueError:
                cure = 'write it with the length of its prefix, such as "192.0.2.1/24" or "2001:db8::1/64"'
                self._fail("addresses", interface, f"{text!r} is not an address", cure)
            if "/" not in text:
                cure = f'write "{text}/24", for example'
                self._fail("addresses", interface, f"{text} has no length of its prefix", cure)
        return found

    def _route(self, text: str) -> Route:
        found = _ROUTE.fullmatch(text.strip())
        if not found:
            cure = 'write "default via 192.0.2.254" or "198.51.100.0/24 via 192.0.2.254"'
            self._fail("", "routes", f"{text!r} is not a route", cure)
        try:
            via = ip_address(found[2])
            everywhere = "0.0.0.0/0" if via.version == 4 else "::/0"
            to = ip_network(everywhere if found[1] == "default" else found[1])
        except ValueError as error:
            self._fail("", "routes", f"{text!r} is not a route: {error}")
        if to.version != via.version:
            self._fail("", "routes", f"{text!r} goes from IPv{to.version} to IPv{via.version}")
        self._interface_to(via, "", "routes")
        return Route(to, via)

    def _neighbour(self, address: str, told: Any) -> Neighbour:
        try:
            known = ip_address(address)
        except ValueError:
            self._fail("neighbours", address, f"{address!r} is not an address")
        if isinstance(told, str) and told in self._ends:
            mac = self._ends[told].mac
        elif isinstance(told, str) and _MAC.fullmatch(told):
            mac = told.lower()
        else:
            cure = f"write a MAC address, or an interface: {did_you_mean(str(told), self._ends)}"
            self._fail("neighbours", address, f"{told!r} is neither", cure)
        return Neighbour(self._interface_to(known, "neighbours", address), known, mac)

    def _interface_to(self, address: Gateway, table: str, key: str) -> str:
        """The interface in whose network an address is."""
        for interface, addresses in self._host.addresses.items():
            if interface != "lo" and any(address in one.network for one in addresses):
                return interface
        message = f"{address} is in no network of {self._host.name}"
        self._fail(table, key, message, f"give an interface of {self._host.name} an address beside it")

    def _sysctl(self, name: str, value: Any) -> str:
        if not _SYSCTL.fullmatch(name):
            cure = 'name one of the network, in quotes: "net.ipv4.ip_default_ttl" = 9'
            self._fail("sysctls", name, f"{name!r} is not a network namespace's to set", cure)
        if type(value) not in (int, str) or "\n" in str(value):
            self._fail("sysctls", name, f"{value!r} is neither a whole number nor a text")
        return str(value)

    def _table(self, key: str, example: str) -> dict[str, Any]:
        told = self._told.get(key, {})
        if not isinstance(told, dict):
            cure = f"write [{self._section}.{key}] and {example} below it"
            self._fail("", key, f"{key} is a section", cure)
        return told

    def _list(self, told: Any, key: str, table: str = "") -> list[str]:
        if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
            self._fail(table, key, f"{key} = {told!r} is not a list of texts", f'write {key} = ["..."]')
        return told

    def _fail(self, table: str, key: str, message: str, cure: str = "") -> NoReturn:
        section = f"{self._section}.{table}" if table else self._section
        raise ParameterError(message, place=self._file.place(section, key), cure=cure)
