"""Makes what a topology says, by netlink; everything is made inside the lab's namespaces.

A veth pair is made in the namespace of its first end with its other end in that of the second: nothing of a
lab is ever seen in the namespace of the machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wirebrick.errors import LabError
from wirebrick.lab.namespace import Namespace
from wirebrick.lab.offload import set_offloads
from wirebrick.lab.topology import Host, Link, Topology

_NO_DAD = 0x02  # IFA_F_NODAD, linux/if_addr.h: the address is of use at once (RFC 4862, 5.4, takes a second)
_PERMANENT = 0x80  # NUD_PERMANENT, linux/neighbour.h
_PATIENCE = 5.0
_QUIET = {"accept_dad": "0", "accept_ra": "0", "router_solicitations": "0"}


def build(topology: Topology, namespaces: dict[str, Namespace]) -> None:
    """Fill the namespaces (by host). Raises LabError for what the kernel refuses."""
    for link in topology.links:
        first, second = link.ends
        peer = namespaces[second.host].open()
        try:
            namespaces[first.host].call(_step(f"the link {first} - {second}", _make_link, link, peer))
        finally:
            os.close(peer)
    for name, host in topology.hosts.items():
        interfaces = topology.interfaces(name)
        ends = {end.name: link.offload for link in topology.links for end in link.ends if end.host == name}
        namespaces[name].call(_step(f"the host {name}", _set_up, host, interfaces, ends))
    for name, host in topology.hosts.items():
        used = [one for one in topology.interfaces(name) if host.bridges.get(one) != []]
        namespaces[name].call(_step(f"the host {name}", _wait, used))


def _step(what: str, function: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    """The call of ``function``, whose errors say what could not be made."""

    def go() -> None:
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            function(*arguments)
        except (NetlinkError, OSError) as error:
            raise LabError(f"{what} can't be made: {error.args[-1]}") from error  # the number is before it

    return go


def _make_link(link: Link, peer: int) -> None:
    sides: list[dict[str, Any]] = [
        {
            "ifname": end.name,
            "address": end.mac,
            "mtu": link.mtu,
            "num_tx_queues": link.queues,
            "num_rx_queues": link.queues,
        }
        for end in link.ends
    ]
    with _netlink() as ip:
        ip.link("add", kind="veth", peer={**sides[1], "net_ns_fd": peer}, **sides[0])


def _set_up(host: Host, interfaces: list[str], ends: dict[str, frozenset[str]]) -> None:
    """All of one host, in the order in which the kernel takes it: addresses after the links are there."""
    if host.forwarding:
        write_sysctl("net.ipv4.ip_forward", "1")
        write_sysctl("net.ipv6.conf.all.forwarding", "1")
    with _netlink() as ip:
        for bridge in host.bridges:
            ip.link("add", ifname=bridge, kind="bridge")
        at = {name: ip.link_lookup(ifname=name)[0] for name in ("lo", *interfaces)}
        for name in interfaces:
            _settle_ipv6(name, any(one.version == 6 for one in host.addresses.get(name, [])))
        for name, offload in ends.items():
            set_offloads(name, offload)
        for bridge, members in host.bridges.items():
            for name in members:
                ip.link("set", index=at[name], master=at[bridge])
        for index in at.values():
            ip.link("set", index=index, state="up")
        for name, addresses in host.addresses.items():
            for one in addresses:
                flags = {"flags": _NO_DAD} if one.version == 6 else {}
                ip.addr("add", index=at[name], address=str(one.ip), prefixlen=one.network.prefixlen, **flags)
        for neighbour in host.neighbours:
            ip.neigh(
                "add",
                dst=str(neighbour.address),
                lladdr=neighbour.mac,
                ifindex=at[neighbour.interface],
                state=_PERMANENT,
            )
        for route in host.routes:
            ip.route("add", dst=str(route.to), gateway=str(route.via))
    for name, value in host.sysctls.items():
        write_sysctl(name, value)


def _wait(interfaces: list[str]) -> None:
    """Until all are up: Linux takes up to a second to see a carrier, and a bridge drops what comes before."""
    until = time.monotonic() + _PATIENCE
    with _netlink() as ip:
        for name in interfaces:
            index = ip.link_lookup(ifname=name)[0]
            # Asked for a single link, newer kernels look at its carrier at once.
            while ip.link("get", index=index)[0].get("operstate") != "UP":
                if time.monotonic() > until:
                    raise OSError(f"{name} has no carrier after {_PATIENCE:g} s")
                time.sleep(0.005)


def _settle_ipv6(interface: str, wanted: bool) -> None:
    """No IPv6 without an address: the kernel would send multicast reports and solicitations of its own."""
    folder = f"net.ipv6.conf.{interface}"
    if not Path("/proc/sys/net/ipv6").exists():
        if wanted:
            raise LabError(f"{interface} can't have an IPv6 address: this kernel has no IPv6")
        return
    write_sysctl(f"{folder}.disable_ipv6", "0" if wanted else "1")
    for name, value in _QUIET.items() if wanted else ():
        write_sysctl(f"{folder}.{name}", value)


def write_sysctl(name: str, value: str) -> None:
    """Set one of the calling thread's namespace. Raises LabError where it has none of that name."""
    path = Path("/proc/sys", *name.split("."))
    try:
        path.write_text(value)
    except OSError as error:
        there = f"{value!r} is refused: {error.strerror}" if path.exists() else "there is none of that name"
        cure = f"wirebrick lab exec, or ip netns exec, with sysctl {name.rpartition('.')[0]} shows those there are"
        raise LabError(f"the sysctl {name} can't be set in a namespace: {there}", cure=cure) from None


@contextmanager
def _netlink() -> Iterator[Any]:
    """A netlink socket of the calling thread's namespace."""
    from pyroute2 import IPRoute

    with IPRoute() as ip:
        yield ip
