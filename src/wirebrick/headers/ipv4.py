"""IPv4 (RFC 791)."""

from __future__ import annotations

from wirebrick.fields import U2, U3, U4, U6, U8, U13, U16, IPProtocol, IPv4Address, Octets
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.field import computed
from wirebrick.headers.header import Header
from wirebrick.headers.mpls import MPLS
from wirebrick.headers.vlan import VLAN


class IPv4(Header):
    """The IPv4 header (RFC 791, 3.1; DSCP and ECN: RFC 2474, RFC 3168).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |version|  ihl  |   dscp    |ecn|         total_length          |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |        identification         |flags|    fragment_offset      |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |      ttl      |   protocol    |           checksum            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                              src                              |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                              dst                              |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    options (0 to 40 bytes)                    |

    - ``version``: 4. ``ihl``: header length in 32-bit words, 5 to 15.
    - ``dscp``, ``ecn``: differentiated services and congestion notification.
    - ``total_length``: header and payload, in bytes; what lies behind it in the frame is padding.
    - ``identification``, ``flags`` (one reserved bit, don't fragment, more fragments), ``fragment_offset``
      (in units of 8 bytes): fragmentation.
    - ``ttl``: hops it may still make. ``protocol``: what the payload is. ``checksum``: of the header.
    - ``options``: see ``find_option``.

    >>> bytes(IPv4(src="192.0.2.1", dst="192.0.2.2", protocol=17)).hex(" ", 4)
    '45000014 00000000 40110000 c0000201 c0000202'
    """

    version: U4 = 4
    ihl: U4 = 5
    dscp: U6
    ecn: U2
    total_length: U16 = 20
    identification: U16
    flags: U3
    fragment_offset: U13
    ttl: U8 = 64
    protocol: IPProtocol
    checksum: U16
    src: IPv4Address
    dst: IPv4Address
    options: Octets

    announced_by = (Ethernet.ethertype == 0x0800, VLAN.ethertype == 0x0800, MPLS.s == 1)
    checksum_rule = Checksum()
    pseudo_header = ("src", "dst", "total_length")
    length_field = "total_length"

    @computed
    def dont_fragment(self) -> int:
        """The second bit of ``flags``."""
        return self.flags >> 1 & 1

    @computed
    def more_fragments(self) -> int:
        """The third bit of ``flags``: this is not the last fragment."""
        return self.flags & 1

    def header_length(self) -> int:
        """Four bytes for each word that ``ihl`` counts."""
        return self.ihl * 4

    def claimed_payload(self) -> int:
        """What ``total_length`` leaves behind the header."""
        return self.total_length - self.ihl * 4

    def valid(self) -> bool:
        """Version 4. That the lengths fit each other, parse sees by the two methods above."""
        return self.version == 4


IPv4.also_announced_by((IPv4.protocol == 4) & (IPv4.fragment_offset == 0))
