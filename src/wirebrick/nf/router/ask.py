"""Questions for neighbours: ARP requests and neighbour solicitations, made of packets that wait, and by the clock."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import ARP, Ethernet, ICMPv6, IPv6, NeighbourTarget
from wirebrick.nf.arp_reply import REQUEST
from wirebrick.nf.neighbour_advertisement import SOLICITATION, SOLICITED_NODES, SOURCE_MAC
from wirebrick.nf.router.links import Links
from wirebrick.packet.packet import Packet
from wirebrick.stream.events import every
from wirebrick.stream.remake import remake
from wirebrick.stream.stream import Stream

PERIOD = 0.05  # seconds between looks for neighbours that are to be asked
AT_ONCE = 64
BROADCAST = 0xFFFF_FFFF_FFFF
MULTICAST_MAC = 0x3333_FF00_0000  # and 24 bits of the address
ARP_SIZE = 28
REQUEST_FRAME = bytes(Ethernet(ethertype=0x0806)) + bytes(ARP(operation=REQUEST))
_TARGET = bytes(NeighbourTarget()) + bytes((SOURCE_MAC, 1)) + bytes(6)
SOLICITATION_FRAME = (
    bytes(Ethernet(ethertype=0x86DD))
    + bytes(IPv6(next_header=58, hop_limit=255, payload_length=8 + len(_TARGET)))
    + bytes(ICMPv6(type=SOLICITATION))
    + _TARGET
)


def ask_v4(packets: Stream, links: Links) -> Stream:
    """IPv4 packets (Ethernet and IPv4 parsed, WayV4 attached) become the ARP requests for who comes next."""
    table, ports = links.table, links.ports

    def request(packet: Packet) -> None:
        way, ethernet, payload = packet.metadata, packet.header, packet.payload
        link = table[way.link]
        payload.resize(ARP_SIZE)
        ethernet.dst = BROADCAST
        ethernet.src = link.mac
        ethernet.ethertype = 0x0806
        payload.put_u64(0, 0x0001_0800_0604_0001)
        payload.put_u16(8, link.mac >> 32)
        payload.put_u32(10, link.mac)
        payload.put_u32(14, link.first4)
        payload.put_u16(18, 0)
        payload.put_u32(20, 0)
        payload.put_u32(24, way.next_low)
        packet.egress = ports[way.link]

    return remake(packets, links.waiting, "copy").transform(request, checksums=False)


def ask_v6(packets: Stream, links: Links) -> Stream:
    """IPv6 packets (Ethernet and IPv6 parsed, WayV6 attached) become solicitations of who comes next."""
    table, ports = links.table, links.ports

    def target(packet: Packet) -> None:
        way, ethernet, payload = packet.metadata, packet.header, packet.payload
        link = table[way.link]
        payload.resize(len(_TARGET))
        ethernet.dst = MULTICAST_MAC | (way.next_low & 0xFFFFFF)
        ethernet.src = link.mac
        payload.put_u64(0, way.next_high)
        payload.put_u64(8, way.next_low)
        payload.put_u16(16, SOURCE_MAC << 8 | 1)
        payload.put_u16(18, link.mac >> 32)
        payload.put_u32(20, link.mac)
        packet.egress = ports[way.link]

    def network(packet: Packet) -> None:
        ip: Any = packet.header
        ip.src = table[packet.metadata.link].first6
        ip.dst = (SOLICITED_NODES << 24) | (packet.metadata.next_low & 0xFFFFFF)
        ip.hop_limit = 255

    def message(packet: Packet) -> None:
        packet.header.type = SOLICITATION

    return (
        remake(packets, links.waiting, "copy")
        .transform(target, checksums=False)
        .push(IPv6, network)
        .push(ICMPv6, message)
    )


def ask_again(links: Links) -> None:
    """Have neighbours asked that don't answer, or were not heard of for a while. Called while the NF is built."""
    table, ports, neighbours = links.table, links.ports, links.neighbours

    def ask(event: Any) -> None:
        for _ in range(AT_ONCE):
            number = neighbours.due()
            if number < 0:
                return
            which = neighbours.part(number, 2)
            link = which & 0xFF
            mac = neighbours.part(number, 3)
            low = neighbours.part(number, 1)
            if which >> 32 == 4:
                packet = event.make(REQUEST_FRAME, Ethernet, ARP)
                packet[Ethernet].dst = mac if mac >= 0 else BROADCAST
                packet[Ethernet].src = table[link].mac
                packet.header.sender_mac = table[link].mac
                packet.header.sender_ip = table[link].first4
                packet.header.target_ip = low
                packet.send(ports[link])
            else:
                solicits = event.make(SOLICITATION_FRAME, Ethernet, IPv6, ICMPv6, NeighbourTarget)
                solicits[Ethernet].src = table[link].mac
                solicits[IPv6].src = table[link].first6
                solicits.header.target = neighbours.part(number, 0)
                _solicit(solicits, low, mac, table[link].mac)
                solicits.send(ports[link])

    every(PERIOD, ask)


def _solicit(packet: Packet, low: int, mac: int, own: int) -> None:
    """Fill in a solicitation: its destination and its target, whose upper word stands where the lower one will be."""
    target: Any = packet.header
    target.target = (target.target << 64) | (low & 0xFFFF_FFFF_FFFF_FFFF)
    ethernet, ip = packet[Ethernet], packet[IPv6]
    if mac >= 0:
        ethernet.dst = mac  # type: ignore[assignment]
        ip.dst = target.target
    else:
        ethernet.dst = MULTICAST_MAC | low & 0xFFFFFF  # type: ignore[assignment]
        ip.dst = SOLICITED_NODES << 24 | low & 0xFFFFFF  # type: ignore[assignment]
    packet.payload.put_u16(2, own >> 32)
    packet.payload.put_u32(4, own)
