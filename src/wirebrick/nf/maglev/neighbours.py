"""Neighbours: ARP (RFC 826) and neighbour discovery (RFC 4861) for the balancer's addresses and its backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.addresses import IPv6Address as Address6
from wirebrick.addresses import MacAddress
from wirebrick.fields import U64, IPv6Address
from wirebrick.headers import ARP, Ethernet, ICMPv6, IPv6
from wirebrick.nf.arp_reply import REQUEST, arp_reply
from wirebrick.nf.maglev.decide import ADVERTISEMENT, SOLICITATION
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.array import Array
from wirebrick.state.log import Log
from wirebrick.state.maglev import Maglev
from wirebrick.state.record import Record
from wirebrick.stream.events import every
from wirebrick.stream.stream import Stream

SOLICITED, OVERRIDE = 0x4000, 0x2000  # flags of an advertisement
TARGET_OPTION = 2 << 8 | 1  # its type, and its length in units of 8 bytes
ALL_NODES = Address6("ff02::1")
ALL_NODES_MAC = MacAddress("33:33:00:00:00:01")

ASK_PERIOD = 0.25  # seconds
UNKNOWN_EVERY, KNOWN_EVERY = 4, 120  # periods after which a neighbour is asked for again
MOST_ASKED = 16  # in a period

_WHO_HAS = (
    bytes(Ethernet(dst="ff:ff:ff:ff:ff:ff", ethertype=0x0806)) + bytes(ARP(operation=REQUEST)) + bytes(18)
)
_SOLICIT = (
    bytes(Ethernet(dst="33:33:ff:00:00:00", ethertype=0x86DD))
    + bytes(IPv6(payload_length=32, next_header=58, hop_limit=255, dst="ff02::1:ff00:0"))
    + bytes(ICMPv6(type=SOLICITATION))
    + bytes(16)
    + bytes((1, 1, 0, 0, 0, 0, 0, 0))
)
_NODE_MAC = int(MacAddress("33:33:ff:00:00:00"))
_NODE = Address6("ff02::1:ff00:0")


class Neighbour(Record):
    """What a neighbour said: it has an address, at a MAC address."""

    address: IPv6Address
    mac: U64


def neighbour_log(learn: Callable[[list[tuple[int, int]]], None]) -> Log:
    """The log of what neighbours say; ``learn`` gets addresses with their MAC addresses, in the background."""

    def take(rows: Any) -> None:
        told = zip(rows["address"].tolist(), rows["mac"].tolist(), strict=True)
        learn([(high << 64 | low, mac) for (high, low), mac in told])

    return Log(Neighbour, take, capacity=4096)


def answer_arp(frames: Stream, maglev: Maglev, log: Log) -> Stream:
    """Answer requests for the balancer's addresses, take the answers to its own; others go on (parsed: ARP)."""

    @seldom
    def answer(packet: Packet) -> None:
        arp: Any = packet[ARP]
        mac = maglev.own().mac
        if arp.operation == REQUEST and maglev.owns(arp.target_ip) and arp.sender_mac != mac:
            arp_reply(packet, mac)
            packet.egress = packet.ingress
        elif arp.operation != REQUEST and arp.target_mac == mac:
            log.add(Neighbour(address=arp.sender_ip, mac=arp.sender_mac))
            packet.drop("taken")

    return frames.transform(answer)


def answer_discovery(packets: Stream, maglev: Maglev, log: Log) -> Stream:
    """The same for solicitations of the balancer's addresses, and advertisements for it (parsed: IPv6)."""

    @seldom
    def answer(packet: Packet) -> None:
        ip: Any = packet[IPv6]
        ethernet: Any = packet[Ethernet]
        header: Any = packet[ICMPv6]
        payload = packet.payload
        nothing = ip.src ^ ip.src
        target = (nothing | payload.u64(0)) << 64 | payload.u64(8)
        mac = maglev.own().mac
        if header.type == ADVERTISEMENT:
            if len(payload) >= 24 and payload.u16(16) == TARGET_OPTION:
                log.add(Neighbour(address=target, mac=payload.u16(18) << 32 | payload.u32(20)))
            packet.drop("taken")
            return
        flags = OVERRIDE
        if ip.src == 0:  # somebody looks whether it may have the address (RFC 4862, 5.4.3)
            ip.dst = ALL_NODES
            ethernet.dst = ALL_NODES_MAC
        else:
            flags |= SOLICITED
            ip.dst = ip.src
            ethernet.dst = ethernet.src
        ethernet.src = mac
        ip.src = target
        header.type = ADVERTISEMENT
        header.identifier = flags
        header.sequence = 0
        payload.resize(24)
        payload.put_u16(16, TARGET_OPTION)
        payload.put_u16(18, mac >> 32)
        payload.put_u32(20, mac & 0xFFFFFFFF)
        packet.egress = packet.ingress

    return packets.parse(ICMPv6, otherwise="drop").transform(answer)


def ask_for_neighbours(maglev: Maglev, ports: tuple[str, ...]) -> None:
    """Ask for the MAC addresses of backends again and again: those unknown every second, the others less often.

    ``ports``: where backends may be, by the number of their egress; the first is that of backends without one.
    """
    cursor = Array(U64, 2)  # periods so far, and the backend to begin with
    for number, port in enumerate(ports):
        _ask(maglev, number, port, cursor if number == 0 else Array(U64, 2))


def _ask(maglev: Maglev, egress: int, port: str, cursor: Array) -> None:
    count = maglev.backends

    @seldom
    def ask(event: Any) -> None:
        cursor[0] += 1
        asked = 0
        own = maglev.own()
        for step in range(count):
            number = (cursor[1] + step) % count
            backend = maglev.backend(number)
            if backend.hop == 0 or backend.egress != egress:
                continue
            rest = (cursor[0] + number) % (UNKNOWN_EVERY if backend.mac == 0 else KNOWN_EVERY)
            if rest != 0:
                continue
            if asked == MOST_ASKED:
                cursor[1] = number
                break
            asked += 1
            if backend.hop >> 32 == 0:
                packet = event.make(_WHO_HAS, Ethernet, ARP)
                packet[Ethernet].src = own.mac
                packet.header.sender_mac = own.mac
                packet.header.sender_ip = own.address4
                packet.header.target_ip = backend.hop & 0xFFFFFFFF
                packet.send(port)
            else:
                other = event.make(_SOLICIT, Ethernet, IPv6, ICMPv6)
                other[Ethernet].src = own.mac
                other[Ethernet].dst = _NODE_MAC | backend.hop & 0xFFFFFF
                other[IPv6].src = own.address6
                other[IPv6].dst = _NODE | backend.hop & 0xFFFFFF
                other.payload.put_u64(0, (backend.hop >> 64) & 0xFFFFFFFFFFFFFFFF)
                other.payload.put_u64(8, backend.hop & 0xFFFFFFFFFFFFFFFF)
                other.payload.put_u16(18, own.mac >> 32)
                other.payload.put_u32(20, own.mac & 0xFFFFFFFF)
                other.send(port)

    every(ASK_PERIOD, ask)
