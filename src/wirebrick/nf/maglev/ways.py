"""Ways: what becomes of a packet, as its decision says."""

from __future__ import annotations

from wirebrick.fields import U64
from wirebrick.state.record import Record

OTHER = 0  # nothing of the balancer's
NAT, MAC, IPIP4, IPIP6, GRE4, GRE6 = (
    1,
    2,
    3,
    4,
    5,
    6,
)  # to a backend; 4 and 6: the version of the outer header
TUNNELS = (IPIP4, IPIP6, GRE4, GRE6)
REPLY = 7  # from a backend: the address of its service takes the place of its own
NAT_ERROR = 8  # an ICMP error to a backend
REPLY_ERROR = 9  # an ICMP error about a packet that went to a backend
LOCAL = 10  # for the balancer itself
NEIGHBOUR = 11  # neighbour discovery for it
TOO_LONG = 12  # doesn't fit the tunnel
DROPS = ("no_backend", "no_service", "no_neighbour", "no_fragment", "tagged_tunnel")  # from 13 on
NO_BACKEND, NO_SERVICE, NO_NEIGHBOUR, NO_FRAGMENT, TAGGED = range(13, 13 + len(DROPS))
WAYS = 13 + len(DROPS)

DELIVERY = {("nat", 4): NAT, ("nat", 6): NAT, ("mac", 4): MAC, ("mac", 6): MAC}
DELIVERY |= {("ipip", 4): IPIP4, ("ipip", 6): IPIP6, ("gre", 4): GRE4, ("gre", 6): GRE6}


WAY = 0xFF  # the bits of a verdict that are the way; above them is the number of the backend
NUMBER = 8


class Decision(Record):
    """What becomes of a packet: a verdict, and the MAC address to send a reply to, or 0."""

    verdict: U64
    mac: U64


def verdict(way: int, number: int) -> int:
    """A way and the number of a backend, as one number.

    >>> verdict(NAT, 5) & WAY, verdict(NAT, 5) >> NUMBER
    (1, 5)
    """
    return number << NUMBER | way


def overhead(way: int) -> int:
    """Bytes that the outer headers of a way take.

    >>> [overhead(way) for way in (IPIP4, IPIP6, GRE4, GRE6)]
    [20, 40, 24, 44]
    """
    size = 40 if way in (IPIP6, GRE6) else 20
    return size + 4 if way in (GRE4, GRE6) else size
