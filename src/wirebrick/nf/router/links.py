"""What the router's user functions share: its ports, what is known of each interface, its tables and its counters."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.fields import U8, U16, U32, U64, IPv4Address, IPv6Address
from wirebrick.nf.router.config import Config, Interface
from wirebrick.state.array import Array
from wirebrick.state.counter import Counter
from wirebrick.state.fib import Fib
from wirebrick.state.fragmenter import Fragmenter
from wirebrick.state.neighbours import Neighbour, Neighbours
from wirebrick.state.record import Record
from wirebrick.state.waiting import Waiting

# What is done with a packet: numbers of groups, and from DROPS on of reasons.
FORWARD, HERE, ERROR, ASK, WAIT, FRAGMENT, DROPS = range(7)
REASONS = (
    "martian",
    "bad_checksum",
    "link_broadcast",
    "multicast",
    "broadcast",
    "source_invalid",
    "source_routed",
    "blackhole",
    "neighbours_full",
    "no_address",
    "link_local",
)
(
    MARTIAN,
    BAD_CHECKSUM,
    LINK_BROADCAST,
    MULTICAST,
    BROADCAST_DROP,
    SOURCE_INVALID,
    SOURCE_ROUTED,
    BLACKHOLED,
    NEIGHBOURS_FULL,
    NO_ADDRESS,
    LINK_LOCAL,
) = range(DROPS, DROPS + len(REASONS))

WAITING, WAITING_EACH = 256, 16  # packets that wait for neighbours; for one of them
SOURCE_CHECKS = {"any": 0, "routed": 1, "back": 2}


class Link(Record):
    """An interface, for user functions."""

    mac: U64
    first4: U32  # its first IPv4 address, 0: none
    mtu: U16
    source: U16  # SOURCE_CHECKS
    first6: IPv6Address
    link_local: IPv6Address


class WayV4(Record):
    """What becomes of an IPv4 packet; for errors, what ``icmp_error.ErrorV4`` has."""

    next_high: U64  # who comes next, as a Neighbour's three words
    next_low: U64
    next_where: U64
    type: U8
    code: U8
    mtu: U16
    src: IPv4Address
    dst: IPv4Address
    action: U8
    link: U8
    mac: U64


class WayV6(Record):
    """What becomes of an IPv6 packet; for errors, what ``icmp_error.ErrorV6`` has."""

    next_high: U64
    next_low: U64
    next_where: U64
    type: U8
    code: U8
    mtu: U16
    src: IPv6Address
    dst: IPv6Address
    action: U8
    link: U8
    mac: U64


class Told(Record):
    """What ARP or neighbour discovery has told: who is at a MAC address, and what becomes of the message."""

    next_high: U64
    next_low: U64
    next_where: U64
    mac: U64
    mtu: U16
    action: U8
    link: U8


@dataclass(frozen=True)
class Links:
    """The router's state."""

    ports: tuple[str, ...]
    table: Array
    fib: Fib
    neighbours: Neighbours
    received: Array
    sent: Array
    bytes: Array
    conflicts: Counter
    waiting: Waiting
    fragmenter: Fragmenter
    told_fragmenter: Fragmenter

    @classmethod
    def of(cls, config: Config, neighbours: int, capacity: int | None) -> Links:
        """Made of a configuration; ``capacity``: routes that there is room for."""
        count = len(config.interfaces)
        return cls(
            tuple(interface.port for interface in config.interfaces),
            Array(Link, values=[_link(interface) for interface in config.interfaces]),
            Fib(config.routes, capacity=capacity),
            Neighbours(capacity=neighbours, fixed=_fixed(config)),
            Array(U64, count),
            Array(U64, count),
            Array(U64, count),
            Counter("address conflicts"),
            Waiting(WAITING, WAITING_EACH, Told, "next_high"),
            Fragmenter(schema=WayV4),
            Fragmenter(schema=Told),
        )


def _fixed(config: Config) -> list[tuple[Neighbour, int]]:
    """The neighbours that need not be asked."""
    found = []
    for link, interface in enumerate(config.interfaces):
        for address, mac in interface.neighbours:
            high, low = int(address) >> 64, int(address) & (1 << 64) - 1
            version = 4 if address.bits == 32 else 6
            found.append((Neighbour(high=high, low=low, link=link, version=version), int(mac)))
    return found


def _link(interface: Interface) -> Link:
    return Link(
        mac=interface.mac,
        first4=interface.first4,
        mtu=interface.mtu,
        source=SOURCE_CHECKS[interface.source],
        first6=interface.first6,
        link_local=interface.link_local,
    )
