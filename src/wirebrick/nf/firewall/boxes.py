"""Sets of packets as unions of boxes: what conditions mean, and what ``and``, ``or``, ``not`` do to them.

A box restricts each property of a packet on its own: version, protocol, addresses, ports. A condition of the
rule language is a box; ``and`` intersects boxes, ``or`` lines them up, ``not`` gives the boxes around one.

>>> udp, ntp = Box(protocols=1 << 17), Box(protocols=PORTED, dst_ports=(123, 123), ported=True)
>>> both = intersect(udp, ntp)
>>> [str(row) for row in both.rows()]
['udp from any to any port 123']
>>> intersect(ntp, Box(protocols=1 << 47))
'only TCP and UDP have ports (and SCTP, DCCP and UDP-Lite)'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from wirebrick.nf.firewall.further import UPPER, Further, both, outside
from wirebrick.nf.firewall.match import HIGHEST_PORT, Match
from wirebrick.nf.firewall.names import DCCP, SCTP, TCP, UDP, UDPLITE

V4, V6 = 1, 2
EVERY_VERSION = V4 | V6
EVERY_PROTOCOL = (1 << 256) - 1
PORTED = 1 << TCP | 1 << UDP
ALSO_PORTED = 1 << SCTP | 1 << DCCP | 1 << UDPLITE  # where a rule names them
MIXED = "IPv4 and IPv6 are mixed in one rule"
NO_PORTS = "only TCP and UDP have ports (and SCTP, DCCP and UDP-Lite)"
Ports = tuple[int, int]
Prefix = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """The packets that satisfy every restriction.

    ``versions`` and ``protocols`` are sets as bit masks; ``src`` and ``dst`` are (address, mask), and where
    one has a mask, ``versions`` is the version of that address; port ranges include both ends. ``ported``:
    the user spoke of a port, so only TCP and UDP can be meant, even if the range is the whole one; where he names
    another protocol with ports, that. ``further``: see :mod:`wirebrick.nf.firewall.further`.

    >>> [str(row) for row in Box(versions=V6, src=(1 << 127, 1 << 127)).rows()]
    ['ip6 from 8000::/1 to any']
    """

    versions: int = EVERY_VERSION
    protocols: int = EVERY_PROTOCOL
    src: Prefix = (0, 0)
    dst: Prefix = (0, 0)
    src_ports: Ports = (0, HIGHEST_PORT)
    dst_ports: Ports = (0, HIGHEST_PORT)
    ported: bool = False
    further: Further = ()

    @property
    def reads_upper(self) -> bool:
        """Whether it speaks of what later fragments don't have: ports, types, flags."""
        return self.ported or any(name in UPPER for name, _, _ in self.further)

    def row_count(self) -> int:
        """How many rows the box becomes.

        >>> Box().row_count(), Box(protocols=PORTED).row_count()
        (1, 2)
        """
        return 1 if self.protocols == EVERY_PROTOCOL else self.protocols.bit_count()

    def rows(self) -> Iterator[Match]:
        """Give the rows of the box: one, or one for each protocol where it names several.

        >>> [row.protocol for row in Box(protocols=PORTED).rows()]
        [6, 17]
        """
        everything = self.protocols == EVERY_PROTOCOL
        numbers = [-1] if everything else [n for n in range(256) if self.protocols >> n & 1]
        version = {V4: 4, V6: 6, EVERY_VERSION: 0}[self.versions]
        for protocol in numbers:
            yield Match(
                version, protocol, *self.src, *self.dst, *self.src_ports, *self.dst_ports, self.further
            )


def intersect(one: Box, other: Box) -> Box | str:
    """The packets in both boxes, or (a text) why there are none.

    >>> intersect(Box(src_ports=(1, 5)), Box(src_ports=(4, 9))).src_ports
    (4, 5)
    >>> intersect(Box(versions=V4), Box(versions=V6))
    'IPv4 and IPv6 are mixed in one rule'
    """
    versions = one.versions & other.versions
    if not versions:
        return MIXED
    protocols = one.protocols & other.protocols or _named(one, other) or _named(other, one)
    ported = one.ported or other.ported
    if not protocols:
        return NO_PORTS if ported else "a packet has only one protocol"
    src, dst = _both_prefixes(one.src, other.src), _both_prefixes(one.dst, other.dst)
    if src is None or dst is None:
        return f"a packet has only one {'source' if src is None else 'destination'} address"
    src_ports = _both_ports(one.src_ports, other.src_ports)
    dst_ports = _both_ports(one.dst_ports, other.dst_ports)
    if src_ports is None or dst_ports is None:
        return f"a packet has only one {'source' if src_ports is None else 'destination'} port"
    further = both(one.further, other.further)
    if isinstance(further, str):
        return f"a packet has only one {further.replace('_', ' ')}"
    return Box(versions, protocols, src, dst, src_ports, dst_ports, ported, further)


def complement(box: Box) -> list[Box]:
    """The packets outside a box, as boxes; the box must not speak of ports, nor of other things that fragments lack.

    Ports have no complement: a later fragment has none that could be compared, so neither a row for port 80
    nor one for the other ports may cover it.

    >>> around = complement(Box(versions=V4, src=(0xC0000000, 0xC0000000)))
    >>> [str(row) for outside in around for row in outside.rows()]
    ['ip6', 'ip from 0.0.0.0/1 to any', 'ip from 128.0.0.0/2 to any']
    """
    others = []
    if box.versions != EVERY_VERSION:
        others.append(Box(versions=EVERY_VERSION ^ box.versions))
    if box.protocols != EVERY_PROTOCOL:
        others.append(Box(protocols=EVERY_PROTOCOL ^ box.protocols))
    within = Box(versions=box.versions)
    others += [replace(within, src=prefix) for prefix in _around(box.src, box.versions)]
    others += [replace(within, dst=prefix) for prefix in _around(box.dst, box.versions)]
    for restriction in box.further:
        others += [replace(within, further=(other,)) for other in outside(*restriction)]
    return others


def _named(one: Box, other: Box) -> int:
    """The protocols of a box that names others with ports than those that are meant where none is named."""
    return one.protocols if other.ported and not one.protocols & ~ALSO_PORTED else 0


def _both_prefixes(one: Prefix, other: Prefix) -> Prefix | None:
    if (one[0] ^ other[0]) & one[1] & other[1]:
        return None
    return one[0] | other[0], one[1] | other[1]


def _both_ports(one: Ports, other: Ports) -> Ports | None:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def _around(prefix: Prefix, versions: int) -> Iterator[Prefix]:
    """All other addresses: every prefix that shares the first bits of this one and differs in the next."""
    address, mask = prefix
    bits = 32 if versions == V4 else 128
    for length in range(1, mask.bit_count() + 1):
        shorter = ((1 << length) - 1) << (bits - length)
        yield (address ^ 1 << (bits - length)) & shorter, shorter
