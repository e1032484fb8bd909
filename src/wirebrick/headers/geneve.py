"""Geneve (RFC 8926)."""

from __future__ import annotations

from wirebrick.fields import U1, U2, U6, U8, U24, EtherType, Octets
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.headers.udp import UDP


class Geneve(Header):
    """The Geneve header (RFC 8926, 3.4), on UDP port 6081.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |ver|  opt_len  |o|c| reserved1 |           protocol            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                      vni                      |   reserved2   |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    options (0 to 252 bytes)                   |

    - ``version``: 0. ``opt_len``: length of the options in 32-bit words.
    - ``oam`` (o): a control message, not data. ``critical`` (c): an option must be understood, or the packet
      dropped.
    - ``protocol``: what follows, an EtherType (0x6558: an Ethernet frame). ``vni``: the virtual network.
    - ``reserved1``, ``reserved2``: zero when sent, ignored when received.

    >>> bytes(Geneve(vni=123)).hex(" ")
    '00 00 65 58 00 00 7b 00'
    """

    version: U2
    opt_len: U6
    oam: U1
    critical: U1
    reserved1: U6
    protocol: EtherType = 0x6558
    vni: U24
    reserved2: U8
    options: Octets

    announced_by = (UDP.dst_port == 6081,)

    def header_length(self) -> int:
        """Eight bytes, and four for each word that ``opt_len`` counts."""
        return 8 + self.opt_len * 4

    def valid(self) -> bool:
        """Version 0."""
        return self.version == 0


Ethernet.also_announced_by(Geneve.protocol == 0x6558)
IPv4.also_announced_by(Geneve.protocol == 0x0800)
IPv6.also_announced_by(Geneve.protocol == 0x86DD)
