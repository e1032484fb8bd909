"""What is for the router itself: ARP, neighbour discovery, echoes; everything else is answered with an error."""

from __future__ import annotations

from typing import Any

from wirebrick.headers import ICMP, Ethernet, ICMPv6, IPv4, IPv6, NeighbourTarget
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
from wirebrick.nf.router.links import Links, Told
from wirebrick.packet.packet import Packet
from wirebrick.state.fib_native import CONNECTED, KIND, LINK, LOCAL
from wirebrick.state.neighbours import Neighbour
from wirebrick.state.neighbours_native import CONFIRM, CREATE
from wirebrick.state.neighbours_native import OVERRIDE as REPLACE
from wirebrick.stream.merge import merge
from wirebrick.stream.remake import remake
from wirebrick.stream.stream import Stream

ECHO, ECHO_REPLY, ECHO6, ECHO_REPLY6 = 8, 0, 128, 129
HOPS = 64
ON_LINK = 0xFE80 >> 6


ANSWER, AWAITED, DONE, MALFORMED = range(4)  # what becomes of a message


def arp_here(packets: Stream, links: Links) -> Stream:
    """ARP (Ethernet and ARP parsed) is answered and learned from (RFC 826, RFC 5227)."""
    ports, table, fib, neighbours, conflicts = (
        links.ports,
        links.table,
        links.fib,
        links.neighbours,
        links.conflicts,
    )

    def learn(packet: Packet) -> Told:
        arp: Any = packet.header
        number = ports.index(packet.ingress)
        sender, mac = int(arp.sender_ip), int(arp.sender_mac)
        if mac >> 40 & 1 == 1 or mac == 0 or mac != packet[Ethernet].src:
            return Told(action=MALFORMED)
        code = fib.lookup(arp.target_ip, 0)
        ours = code >> KIND == LOCAL and code >> LINK & 255 == number
        code = fib.lookup(sender, 0)
        awaited = 0
        if code >> KIND == LOCAL and mac != table[number].mac:
            conflicts.add()  # RFC 5227, 2.4 (a): it is told, and the address kept
        elif code >> KIND == CONNECTED and code >> LINK & 255 == number:
            flags = REPLACE
            if ours and arp.operation == REPLY:
                flags = REPLACE | CONFIRM
            elif ours:
                flags = REPLACE | CREATE
            awaited = neighbours.learn(Neighbour(low=sender, link=number, version=4), mac, flags)
        if ours and arp.operation == REQUEST:
            return Told(action=ANSWER)
        if awaited == 0:
            return Told(action=DONE)
        mtu = table[number].mtu
        return Told(
            action=AWAITED, next_low=sender, next_where=4 << 32 | number, mac=mac, mtu=mtu, link=number
        )

    def answer(packet: Packet) -> None:
        arp_reply(packet, table[ports.index(packet.ingress)].mac)
        packet.egress = packet.ingress

    answers, awaited, done, malformed = packets.metadata(Told, learn).group_by(4, _action)
    done.drop("arp_done")
    malformed.drop("arp_malformed")
    given = remake(awaited, links.waiting, "give").parse(IPv4, otherwise="drop")
    return merge(answers.transform(answer), remake(_resolved(given, links), links.told_fragmenter, "split"))


def _resolved(packets: Stream, links: Links) -> Stream:
    """Packets that waited for a MAC address get it; the router has done everything else before."""
    sent, sizes, ports = links.sent, links.bytes, links.ports

    def address(packet: Packet) -> None:
        told = packet.metadata
        packet[Ethernet].dst = told.mac
        packet.egress = ports[told.link]
        sent[told.link] += 1
        sizes[told.link] += packet.length

    return packets.transform(address)


def discovery_here(packets: Stream, links: Links) -> Stream:
    """Solicitations and advertisements (parsed up to NeighbourTarget) are answered and learned from (RFC 4861)."""
    ports, table, fib, neighbours = links.ports, links.table, links.fib, links.neighbours

    def learn(packet: Packet) -> Told:
        number = ports.index(packet.ingress)
        ip, target = packet[IPv6], packet.header.target
        if ip.hop_limit != 255 or not options_fit(packet) or target >> 120 == 0xFF:
            return Told(action=MALFORMED)
        ours = target == table[number].link_local
        if not ours and target >> 118 != ON_LINK:
            code = fib.lookup(target, 0)
            ours = code >> KIND == LOCAL and code >> LINK & 255 == number
        if packet[ICMPv6].type == ADVERTISEMENT:
            mac = mac_option(packet, TARGET_MAC)
            flags = packet[ICMPv6].identifier
            if mac < 0:
                mac = int(packet[Ethernet].src)
            told = 0
            if flags & 0x4000 == 0x4000:
                told = CONFIRM
            if flags & 0x2000 == 0x2000:
                told = told | REPLACE
            if ours or mac >> 40 & 1 == 1:
                return Told(action=DONE)
            who = Neighbour(high=target >> 64, low=target, link=number, version=6)
            if neighbours.learn(who, mac, told) == 0:
                return Told(action=DONE)
            where = 6 << 32 | number
            return Told(
                action=AWAITED, next_high=who.high, next_low=who.low, next_where=where, mac=mac, link=number
            )
        if not is_solicitation(packet):
            return Told(action=MALFORMED)
        mac = mac_option(packet, SOURCE_MAC)
        if mac >= 0 and mac >> 40 & 1 == 0:
            known = ip.src >> 118 == ON_LINK
            if not known:
                code = fib.lookup(ip.src, 0)
                known = code >> KIND == CONNECTED and code >> LINK & 255 == number
            if known:
                who = Neighbour(high=ip.src >> 64, low=ip.src, link=number, version=6)
                flags = REPLACE
                if ours:
                    flags = REPLACE | CREATE
                neighbours.learn(who, mac, flags)
        if ours:
            return Told(action=ANSWER)
        return Told(action=DONE)

    def answer(packet: Packet) -> None:
        packet.payload.resize(SIZE)
        neighbour_advertisement(packet, table[ports.index(packet.ingress)].mac, ROUTER | OVERRIDE)
        packet.egress = packet.ingress

    answers, awaited, done, malformed = packets.metadata(Told, learn).group_by(4, _action)
    done.drop("nd_done")
    malformed.drop("nd_malformed")
    plain = awaited.deparse().deparse()
    given = remake(plain, links.waiting, "give").parse(IPv6, otherwise="drop")
    return merge(answers.transform(answer), _resolved(given, links))


def _action(packet: Packet) -> int:
    return int(packet.metadata.action)


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
