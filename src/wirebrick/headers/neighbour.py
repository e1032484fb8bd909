"""The target of neighbour solicitations and advertisements (RFC 4861)."""

from __future__ import annotations

from wirebrick.fields import IPv6Address
from wirebrick.headers.header import Header
from wirebrick.headers.icmpv6 import ICMPv6


class NeighbourTarget(Header):
    """What neighbour solicitations, advertisements and redirects have behind ICMPv6 (RFC 4861, 4.3 to 4.5).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                                                               |
        +                                                               +
        |                                                               |
        +                       target (128 bits)                       +
        |                                                               |
        +                                                               +
        |                                                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``target``: the address that is asked for, or that the answer is about.

    The payload are options: type, length in units of 8 bytes, and for types 1 (source) and 2 (target) a link
    layer address.

    >>> bytes(NeighbourTarget(target="2001:db8::9")).hex(" ", 4)
    '20010db8 00000000 00000000 00000009'
    """

    target: IPv6Address

    announced_by = (
        (ICMPv6.type == 135) & (ICMPv6.code == 0),
        (ICMPv6.type == 136) & (ICMPv6.code == 0),
        (ICMPv6.type == 137) & (ICMPv6.code == 0),
    )
