"""ARP (RFC 826)."""

from __future__ import annotations

from wirebrick.fields import U8, U16, EtherType, IPv4Address, MacAddress
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.header import Header
from wirebrick.headers.vlan import VLAN


class ARP(Header):
    """An ARP packet (RFC 826) for IPv4 addresses over Ethernet; of other kinds it is not ``valid``.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |         hardware_type         |         protocol_type         |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |hardware_length|protocol_length|           operation           |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                     sender_mac (48 bits)                      |
        +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                               |           sender_ip           |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |      sender_ip (the rest)     |     target_mac (48 bits)      |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
        |                                                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                           target_ip                           |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``hardware_type``: 1, Ethernet. ``protocol_type``: 0x0800, IPv4.
    - ``hardware_length``, ``protocol_length``: bytes of an address of each kind, 6 and 4.
    - ``operation``: 1 request, 2 reply.
    - ``sender_mac``, ``sender_ip``: who sends it. ``target_mac``, ``target_ip``: who is asked, or gets the
      reply; ``target_mac`` is meaningless in a request.

    >>> ARP(sender_ip="192.0.2.1", target_ip="192.0.2.9").target_ip
    IPv4Address('192.0.2.9')
    """

    hardware_type: U16 = 1
    protocol_type: EtherType = 0x0800
    hardware_length: U8 = 6
    protocol_length: U8 = 4
    operation: U16 = 1
    sender_mac: MacAddress
    sender_ip: IPv4Address
    target_mac: MacAddress
    target_ip: IPv4Address

    announced_by = (Ethernet.ethertype == 0x0806, VLAN.ethertype == 0x0806)

    def valid(self) -> bool:
        """IPv4 over Ethernet, in the types and in the lengths."""
        return (
            self.hardware_type == 1
            and self.protocol_type == 0x0800
            and self.hardware_length == 6
            and self.protocol_length == 4
        )
