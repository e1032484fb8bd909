"""MPLS label stack entries (RFC 3032)."""

from __future__ import annotations

from wirebrick.fields import U1, U3, U8, U20
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.header import Header
from wirebrick.headers.vlan import VLAN


class MPLS(Header):
    """One entry of an MPLS label stack (RFC 3032, 2.1; traffic class: RFC 5462).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                 label                 |  tc |s|      ttl      |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``label``: the label; 0 to 15 are reserved (0: IPv4 explicit null, 2: IPv6 explicit null, 3: implicit
      null).
    - ``tc``: traffic class (once "experimental"). ``s``: 1 in the last entry of the stack. ``ttl``: hops
      left.

    Nothing in the last entry says what follows: IPv4 and IPv6 may, and their version field decides.

    >>> bytes(MPLS(label=16, ttl=255)).hex(" ")
    '00 01 01 ff'
    """

    label: U20
    tc: U3
    s: U1 = 1
    ttl: U8 = 64

    announced_by = (
        Ethernet.ethertype == 0x8847,
        Ethernet.ethertype == 0x8848,
        VLAN.ethertype == 0x8847,
        VLAN.ethertype == 0x8848,
    )


MPLS.also_announced_by(MPLS.s == 0)
