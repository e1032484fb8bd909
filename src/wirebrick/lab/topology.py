"""What a lab consists of: hosts, links between their interfaces, and what each is set to."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

Address = IPv4Interface | IPv6Interface
Gateway = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What a veth can leave to its peer, so that frames are unlike those on a wire; names as the kernel has them.
OFFLOADS = {
    "checksum": ("tx-checksum-", "rx-checksum"),
    "segmentation": (
        "tx-tcp",
        "tx-udp-segmentation",
        "tx-sctp-segmentation",
        "tx-generic-segmentation",
        "tx-gso-list",
    ),
    "gro": ("rx-gro", "rx-udp-gro-forwarding"),
    "vlan": ("tx-vlan-", "rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"),
}
USUAL_OFFLOADS = frozenset(OFFLOADS) - {"gro"}  # what Linux has on in a veth


@dataclass(frozen=True)
class Interface:
    """One end of a link: ``name`` in the host ``host``, with its MAC address."""

    host: str
    name: str
    mac: str

    def __str__(self) -> str:
        """Spell it as topology files do."""
        return f"{self.host}.{self.name}"


@dataclass(frozen=True)
class Link:
    """A veth pair. ``queues``: of each end, each way. ``offload``: the names of `OFFLOADS` that are on."""

    ends: tuple[Interface, Interface]
    mtu: int = 1500
    queues: int = 1
    offload: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Route:
    """Packets to ``to`` go to ``via``."""

    to: Network
    via: Gateway


@dataclass(frozen=True)
class Neighbour:
    """An address whose MAC address is known without asking."""

    interface: str
    address: Gateway
    mac: str


@dataclass
class Host:
    """A network namespace. ``bridges``: the interfaces in each; ``sysctls``: by name, ``net.`` alone."""

    name: str
    addresses: dict[str, list[Address]] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    neighbours: list[Neighbour] = field(default_factory=list)
    bridges: dict[str, list[str]] = field(default_factory=dict)
    forwarding: bool = False
    sysctls: dict[str, str] = field(default_factory=dict)


@dataclass
class Topology:
    """Hosts by name, links, and commands to ``try`` (``{lab}`` is the lab's name); ``text``: the file's."""

    name: str
    summary: str
    hosts: dict[str, Host]
    links: list[Link]
    commands: list[str]
    text: str

    def interfaces(self, host: str) -> list[str]:
        """The names of a host's interfaces, bridges last."""
        ends = [end.name for link in self.links for end in link.ends if end.host == host]
        return ends + list(self.hosts[host].bridges)
