"""arp_reply: an ARP request becomes the reply to it. Shared by NFs that have addresses of their own."""

from __future__ import annotations

from wirebrick.addresses import MacAddress
from wirebrick.headers import ARP, Ethernet
from wirebrick.packet.packet import Packet

REQUEST, REPLY = 1, 2


def arp_reply(packet: Packet, mac: MacAddress) -> None:
    """Turn a request for an address (Ethernet and ARP parsed) into the reply that it is at ``mac`` (RFC 826).

    For user functions, which send it back afterwards, with ``packet.egress = packet.ingress``.

    >>> import wirebrick
    >>> mac = MacAddress("02:00:00:00:00:09")
    >>> @wirebrick.network_function
    ... def here(packets):
    ...     return packets.parse(Ethernet).parse(ARP).transform(lambda packet: arp_reply(packet, mac))
    >>> asks = ARP(operation=REQUEST, sender_mac="02:00:00:00:00:01", sender_ip="192.0.2.1", target_ip="192.0.2.9")
    >>> frame = bytes(Ethernet(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01", ethertype=0x0806)) + bytes(asks)
    >>> reply = wirebrick.run(here, rx=[frame], interpret=True).packets[0]
    >>> ARP.from_bytes(reply[14:]).sender_mac, ARP.from_bytes(reply[14:]).target_ip
    (MacAddress('02:00:00:00:00:09'), IPv4Address('192.0.2.1'))
    """
    arp, ethernet = packet[ARP], packet[Ethernet]
    asked = arp.target_ip
    arp.operation = REPLY
    arp.target_mac, arp.target_ip = arp.sender_mac, arp.sender_ip
    arp.sender_mac, arp.sender_ip = mac, asked
    ethernet.dst, ethernet.src = arp.target_mac, mac
