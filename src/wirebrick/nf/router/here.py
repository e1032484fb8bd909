"""What is for the router itself: ARP, neighbour discovery, echoes; everything else is answered with an error."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import ARP, ICMP, Ethernet, ICMPv6, IPv4, IPv6, NeighbourTarget
from wirebrick.nf.arp_reply import REPLY, REQUEST, arp_reply
from wirebrick.nf.icmp_error import PORT, PORT6, UNREACHABLE, UNREACHABLE6, IcmpErrors
from wirebrick.nf.icmp_error import PROTOCOL as NO_PROTOCOL
from wirebrick.nf.neighbour_advertisement import (
    ADVERTISEMENT,
    OVERRIDE,
    ROUTER,
    SIZE,
    SOURCE_MAC,
    TARGET_MAC,
    is_solicitation,
    mac_option,
    neighbour_advertisement,
    options_fit,
)
from wirebrick.nf.router.links import Links
from wirebrick.packet.packet import Packet
from wirebrick.state.fib_native import CONNECTED, KIND, LINK, LOCAL
from wirebrick.state.neighbours import Neighbour
from wirebrick.state.neighbours_native import CONFIRM, CREATE
from wirebrick.state.neighbours_native import OVERRIDE as REPLACE
from wirebrick.stream.merge import merge
from wirebrick.stream.stream import Stream

ECHO, ECHO_REPLY, ECHO6, ECHO_REPLY6 = 8, 0, 128, 129
HOPS = 64
ON_LINK = 0xFE80 >> 6


def arp_here(packets: Stream, links: Links) -> Stream:
    """ARP (Ethernet and ARP parsed) is answered and learned from (RFC 826, RFC 5227)."""
    ports, table, fib, neighbours, conflicts = (
        links.ports,
        links.table,
        links.fib,
        links.neighbours,
        links.conflicts,
    )

    def look(packet: Packet) -> None:
        arp: Any = packet.header
        number = ports.index(packet.ingress)
        sender, mac = int(arp.sender_ip), int(arp.sender_mac)
        code = fib.lookup(arp.target_ip, 0)
        ours = code >> KIND == LOCAL and code >> LINK & 255 == number
        code = fib.lookup(sender, 0)
        if mac >> 40 & 1 == 1 or mac == 0 or mac != packet[Ethernet].src:
            packet.drop("arp_malformed")
            return
        if code >> KIND == LOCAL and mac != table[number].mac:
            conflicts.add()  # RFC 5227, 2.4 (a): it is said, and the address kept
        elif code >> KIND == CONNECTED and code >> LINK & 255 == number:
            flags = REPLACE
            if ours and arp.operation == REPLY:
                flags = REPLACE | CONFIRM
            elif ours:
                flags = REPLACE | CREATE
            neighbours.learn(Neighbour(low=sender, link=number, version=4), mac, flags)
        if ours and arp.operation == REQUEST:
            arp_reply(packet, table[number].mac)
            packet.egress = packet.ingress
        else:
            packet.drop("arp_done")

    return packets.transform(look)


def discovery_here(packets: Stream, links: Links) -> Stream:
    """Solicitations and advertisements (parsed up to NeighbourTarget) are answered and learned from (RFC 4861)."""
    ports, table, fib, neighbours = links.ports, links.table, links.fib, links.neighbours

    def look(packet: Packet) -> None:
        number = ports.index(packet.ingress)
        link = table[number]
        ip = packet[IPv6]
        target = packet.header.target
        ours = target == link.link_local
        if not ours and target >> 118 != ON_LINK:
            code = fib.lookup(target, 0)
            ours = code >> KIND == LOCAL and code >> LINK & 255 == number
        if packet[ICMPv6].type == ADVERTISEMENT:
            if ip.hop_limit == 255 and options_fit(packet) and not ours:
                mac = mac_option(packet, TARGET_MAC)
                flags = packet[ICMPv6].identifier
                if mac < 0:
                    mac = int(packet[Ethernet].src)
                told = 0
                if flags & 0x4000 == 0x4000:
                    told = CONFIRM
                if flags & 0x2000 == 0x2000:
                    told = told | REPLACE
                if mac >> 40 & 1 == 0:
                    who = Neighbour(high=target >> 64, low=target, link=number, version=6)
                    neighbours.learn(who, mac, told)
            packet.drop("nd_done")
            return
        if not is_solicitation(packet):
            packet.drop("nd_malformed")
            return
        mac = mac_option(packet, SOURCE_MAC)
        if mac >= 0 and mac >> 40 & 1 == 0:
            known = ip.src >> 118 == ON_LINK
            if not known:
                code = fib.lookup(ip.src, 0)
                known = code >> KIND == CONNECTED and code >> LINK & 255 == number
            if known:
                who = Neighbour(high=ip.src >> 64, low=ip.src, link=number, version=6)
                neighbours.learn(who, mac, REPLACE | CREATE if ours else REPLACE)
        if not ours:
            packet.drop("nd_done")
            return
        packet.payload.resize(SIZE)
        neighbour_advertisement(packet, link.mac, ROUTER | OVERRIDE)
        packet.egress = packet.ingress

    return packets.transform(look)


def echo_v4(packets: Stream, links: Links, errors: IcmpErrors) -> Stream:
    """IPv4 packets for the router: echoes are answered (RFC 1812, 4.3.3.6), others get "unreachable"."""
    others = Stream()

    def answer(packet: Packet) -> None:
        ip: Any = packet[IPv4]
        ethernet: Any = packet[Ethernet]
        if packet.header.type != ECHO:
            packet.drop("icmp_ignored")
            return
        packet.header.type = ECHO_REPLY
        ip.src, ip.dst = ip.dst, ip.src
        ip.ttl = HOPS
        ethernet.src, ethernet.dst = ethernet.dst, ethernet.src
        packet.egress = packet.ingress

    def refuse(packet: Packet) -> None:
        ip, way = packet.header, packet.metadata
        way.type = UNREACHABLE
        way.code = PORT if ip.protocol == 17 or ip.protocol == 6 else NO_PROTOCOL
        way.src = ip.dst

    whole = packets.filter(
        lambda packet: packet.header.fragment_offset == 0 and packet.header.flags & 1 == 0,
        reason="fragment_here",
    )
    single = whole.filter(lambda packet: packet[Ethernet].dst >> 40 & 1 == 0, reason="link_broadcast")
    echoes = single.parse(ICMP, otherwise=others).transform(answer)
    return merge(echoes, back(errors.v4(others.transform(refuse))))


def echo_v6(packets: Stream, links: Links, errors: IcmpErrors) -> Stream:
    """IPv6 packets for the router: discovery, echoes (RFC 4443, 4.2), and what gets "unreachable"."""
    table, ports = links.table, links.ports
    others, plain = Stream(), Stream()

    def answer(packet: Packet) -> None:
        ip: Any = packet[IPv6]
        ethernet: Any = packet[Ethernet]
        if packet.header.type != ECHO6:
            packet.drop("icmp_ignored")
            return
        link = table[ports.index(packet.ingress)]
        packet.header.type = ECHO_REPLY6
        if ip.dst >> 120 == 0xFF:
            ip.dst = ip.src
            ip.src = link.first6
            if ip.dst >> 118 == ON_LINK:
                ip.src = link.link_local
        else:
            ip.src, ip.dst = ip.dst, ip.src
        ip.hop_limit = HOPS
        ethernet.dst = ethernet.src
        ethernet.src = link.mac
        packet.egress = packet.ingress

    def refuse(packet: Packet) -> None:
        way = packet.metadata
        way.type = UNREACHABLE6
        way.code = PORT6
        way.src = packet.header.dst

    messages = packets.parse(ICMPv6, otherwise=others)
    discovered = discovery_here(messages.parse(NeighbourTarget, otherwise=plain), links)
    mine = others.filter(lambda packet: packet.header.dst >> 120 != 0xFF, reason="multicast")
    return merge(discovered, plain.transform(answer), back(errors.v6(mine.transform(refuse))))


def back(packets: Stream) -> Stream:
    """Out of the port that they came from."""

    def turn(packet: Packet) -> None:
        packet.egress = packet.ingress

    return packets.transform(turn)
