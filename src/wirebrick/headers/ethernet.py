"""Ethernet II (IEEE 802.3)."""

from __future__ import annotations

from wirebrick.fields import EtherType, MacAddress
from wirebrick.headers.header import Header


class Ethernet(Header):
    """The Ethernet header (IEEE 802.3-2022, 3.1.1), as captures and interfaces show it: no preamble, no FCS.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                      dst (48 bits)                            |
        +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                               |         src (48 bits)         |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
        |                                                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |           ethertype           |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``dst``, ``src``: destination and source address.
    - ``ethertype``: what follows (0x0800 IPv4, 0x0806 ARP, 0x8100 VLAN, 0x86DD IPv6, ...); below 0x0600 a
      length.

    First in a packet; and behind VXLAN, Geneve and GRE, which carry whole frames.

    >>> Ethernet(dst="ff:ff:ff:ff:ff:ff", ethertype=0x0806)
    Ethernet(dst=ff:ff:ff:ff:ff:ff, src=00:00:00:00:00:00, ethertype=2054)
    """

    dst: MacAddress
    src: MacAddress
    ethertype: EtherType

    starts_packet = True
