"""What is in a namespace now, as the kernel tells it."""

from __future__ import annotations

from dataclasses import dataclass, field

from wirebrick.lab.namespace import Namespace


@dataclass
class Seen:
    """An interface: its name, MAC address, MTU, whether it is up, its addresses with their prefix lengths."""

    name: str
    mac: str
    mtu: int
    up: bool
    addresses: list[str] = field(default_factory=list)


def interfaces_in(namespace: Namespace) -> list[Seen]:
    """The interfaces of a namespace, loopback first. Raises LabError where it is gone."""
    return namespace.call(_look)


def _look() -> list[Seen]:
    from pyroute2 import IPRoute

    found = {}
    with IPRoute() as ip:
        for link in ip.get_links():
            up = link.get("operstate") in ("UP", "UNKNOWN")
            found[link["index"]] = Seen(link.get("ifname"), link.get("address"), link.get("mtu"), up)
        for one in ip.get_addr():
            text = f"{one.get('address')}/{one['prefixlen']}"
            if not text.startswith("fe80:"):
                found[one["index"]].addresses.append(text)
    return list(found.values())
