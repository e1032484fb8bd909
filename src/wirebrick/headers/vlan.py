"""VLAN tags (IEEE 802.1Q) and stacks of them (QinQ, IEEE 802.1ad)."""

from __future__ import annotations

from wirebrick.fields import U1, U3, U12, EtherType
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.header import Header


class VLAN(Header):
    """A VLAN tag (IEEE 802.1Q-2022, 9.6), from the byte behind the EtherType that announces it.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        | pcp |d|          vid          |           ethertype           |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``pcp``: priority, 0 to 7. ``dei`` (d): may be dropped first when queues are full.
    - ``vid``: the VLAN, 1 to 4094; 0 means that the tag carries a priority only.
    - ``ethertype``: what follows the tag; another tag in QinQ.

    Announced by 0x8100 (customer tag), 0x88A8 (service tag) and 0x9100 (QinQ before IEEE 802.1ad).

    >>> tag = VLAN(pcp=5, vid=100, ethertype=0x0800)
    >>> tag, bytes(tag).hex(" ")
    (VLAN(pcp=5, dei=0, vid=100, ethertype=2048), 'a0 64 08 00')
    """

    pcp: U3
    dei: U1
    vid: U12
    ethertype: EtherType

    announced_by = (Ethernet.ethertype == 0x8100, Ethernet.ethertype == 0x88A8, Ethernet.ethertype == 0x9100)


VLAN.also_announced_by(VLAN.ethertype == 0x8100, VLAN.ethertype == 0x88A8, VLAN.ethertype == 0x9100)
