"""Match: one row of an access list, ready for a machine; PacketFields: what a row is compared with.

>>> web = Match(version=4, protocol=6, dst=0xC0A80101, dst_mask=0xFFFFFFFF, dst_port_low=80, dst_port_high=80)
>>> str(web)
'ip tcp from any to 192.168.1.1 port 80'
>>> web.covers(PacketFields(4, 6, src=0x0A000001, dst=0xC0A80101, src_port=4711, dst_port=80))
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from wirebrick.nf.firewall.further import Further, spell
from wirebrick.nf.firewall.names import TCP, UDP

HIGHEST_PORT = 65535


@dataclass(frozen=True)
class PacketFields:
    """What of an IP packet the rules look at.

    ``version`` is 4 or 6, ``protocol`` the upper-layer protocol (behind IPv6's extension headers), ``src``
    and ``dst`` are addresses as integers. ``has_ports`` is False where the ports can't be read: in a later
    fragment, or in an upper-layer header that is cut short. ``further``: the values of other fields, by the names
    of ``wirebrick.nf.firewall.further``; one that is not there can't be read.

    >>> PacketFields(version=4, protocol=1, src=1, dst=2).has_ports
    True
    """

    version: int
    protocol: int
    src: int
    dst: int
    src_port: int = 0
    dst_port: int = 0
    has_ports: bool = True
    further: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """One conjunction of comparisons: a packet is covered when every one of them holds.

    - ``version``: 4, 6, or 0 for both; never 0 when an address is restricted.
    - ``protocol``: 0 to 255, or -1 for any; one with ports when a port is restricted.
    - ``src``, ``src_mask``, ``dst``, ``dst_mask``: the network's address and its mask, 32-bit integers for
      IPv4 and 128-bit ones for IPv6; an address ``a`` is in it when ``a & mask == address``. Mask 0: any.
    - ``src_port_low`` to ``src_port_high``, ``dst_port_low`` to ``dst_port_high``: both ends count; 0 to
      65535 is no restriction. A row that restricts a port never covers a packet whose ports can't be read.
    - ``further``: restrictions of other fields (see :mod:`~wirebrick.nf.firewall.further`), in order of name.

    >>> Match()
    Match(version=0, protocol=-1, src=0, src_mask=0, ..., dst_port_low=0, dst_port_high=65535, further=())
    >>> print(Match(), "|", Match(protocol=47), "|", Match(further=(("ttl", 0, 9),)))
    all | proto 47 | ttl 0-9
    """

    version: int = 0
    protocol: int = -1
    src: int = 0
    src_mask: int = 0
    dst: int = 0
    dst_mask: int = 0
    src_port_low: int = 0
    src_port_high: int = HIGHEST_PORT
    dst_port_low: int = 0
    dst_port_high: int = HIGHEST_PORT
    further: Further = ()

    @property
    def restricts_ports(self) -> bool:
        """Whether the row looks at a port, and so never covers a packet whose ports can't be read.

        >>> Match(protocol=6).restricts_ports, Match(protocol=6, src_port_low=1).restricts_ports
        (False, True)
        """
        above = self.src_port_low > 0 or self.dst_port_low > 0
        return above or min(self.src_port_high, self.dst_port_high) < HIGHEST_PORT

    def covers(self, packet: PacketFields) -> bool:
        """Whether the row covers the packet: slow and obvious, the specification of faster ones.

        >>> any_v6 = Match(version=6)
        >>> any_v6.covers(PacketFields(6, 58, 1, 2)), any_v6.covers(PacketFields(4, 1, 1, 2))
        (True, False)
        """
        if self.version not in (0, packet.version):
            return False
        if self.protocol not in (-1, packet.protocol):
            return False
        if packet.src & self.src_mask != self.src:
            return False
        if packet.dst & self.dst_mask != self.dst:
            return False
        for name, low, high in self.further:
            if not low <= packet.further.get(name, -1) <= high:
                return False
        if not self.restricts_ports:
            return True
        if not packet.has_ports:
            return False
        return (
            self.src_port_low <= packet.src_port <= self.src_port_high
            and self.dst_port_low <= packet.dst_port <= self.dst_port_high
        )

    def __str__(self) -> str:
        """Spell the row in the rule language; parsed again it gives the same row."""
        words = []
        if self.version:
            words.append("ip" if self.version == 4 else "ip6")
        if self.protocol >= 0:
            words.append({TCP: "tcp", UDP: "udp"}.get(self.protocol, f"proto {self.protocol}"))
        source = self._side(self.src, self.src_mask, self.src_port_low, self.src_port_high)
        destination = self._side(self.dst, self.dst_mask, self.dst_port_low, self.dst_port_high)
        if source != "any" or destination != "any":
            words.append(f"from {source} to {destination}")
        words += spell(self.further)
        return " ".join(words) or "all"

    def _side(self, address: int, mask: int, low: int, high: int) -> str:
        words = "any"
        if mask:
            written = IPv4Address(address) if self.version == 4 else IPv6Address(address)
            length = mask.bit_count()
            words = str(written) if length == written.max_prefixlen else f"{written}/{length}"
        if (low, high) != (0, HIGHEST_PORT):
            words += f" port {low}" if low == high else f" port {low}-{high}"
        return words
