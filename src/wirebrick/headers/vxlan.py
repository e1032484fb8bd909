"""VXLAN (RFC 7348)."""

from __future__ import annotations

from wirebrick.fields import U1, U3, U4, U8, U24
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.header import Header
from wirebrick.headers.udp import UDP


class VXLAN(Header):
    """The VXLAN header (RFC 7348, 5), on UDP port 4789; an Ethernet frame follows.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        | flags1|i| fl.2|                   reserved1                   |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                      vni                      |   reserved2   |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``i``: ``vni`` means something; always 1.
    - ``vni``: the VXLAN network the frame belongs to.
    - ``flags1``, ``flags2``, ``reserved1``, ``reserved2``: zero when sent, ignored when received.

    >>> bytes(VXLAN(vni=123)).hex(" ")
    '08 00 00 00 00 00 7b 00'
    """

    flags1: U4
    i: U1 = 1
    flags2: U3
    reserved1: U24
    vni: U24
    reserved2: U8

    announced_by = (UDP.dst_port == 4789,)

    def valid(self) -> bool:
        """The ``i`` flag is set."""
        return self.i == 1


Ethernet.also_announced_by(VXLAN.i == 1)
