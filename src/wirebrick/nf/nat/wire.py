"""A NAT that stands in the wire, without a router of its own beside it: it answers ARP, and knows its hosts' MACs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.fields import U32, IPv4Address, MacAddress
from wirebrick.headers import ARP, Ethernet, IPv4
from wirebrick.nf.arp_reply import REPLY, REQUEST, arp_reply
from wirebrick.nf.nat.tables import Tables
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.consistency import Strict
from wirebrick.state.record import Record
from wirebrick.state.table import Table
from wirebrick.stream.events import every

BROADCAST = 0xFFFFFFFFFFFF
WANTED = 64  # hosts asked for at once
PERIOD = 0.1  # seconds between two rounds of asking
HOSTS = 1 << 16
IDLE = 3600.0  # seconds

ASK = bytes(Ethernet(dst="ff:ff:ff:ff:ff:ff", ethertype=0x0806)) + bytes(ARP(operation=REQUEST)) + bytes(18)

Work = Callable[[Packet], None]


class HostAddress(Record):
    """An inside host."""

    address: IPv4Address


class Neighbour(Record):
    """Where it is."""

    mac: MacAddress


@dataclass(frozen=True)
class Wire:
    """User functions: ``learn`` of IPv4 packets from inside, ``deliver`` those that go there, ``arp`` for ARP."""

    learn: Work
    deliver: Work
    arp: Work


def make_wire(tables: Tables, mac: MacAddress, outside: str) -> Wire:
    """The user functions of a NAT that has the address ``mac`` on both sides.

    Hosts inside are known by what they send. One that is needed and isn't known is asked for (an ARP probe, RFC 5227:
    from no address); the packet is lost, as in most routers.
    """
    neighbours = Table(HostAddress, Neighbour, capacity=HOSTS, idle_timeout=IDLE, consistency=Strict())
    wanted = Array(U32, WANTED, consistency=Strict())
    bindings, forwards, inside = tables.bindings, tables.forwards, tables.inside

    def note(address: int, host: MacAddress) -> None:
        known = neighbours[HostAddress(address=address)]
        known.mac = host

    def learn(packet: Packet) -> None:
        ethernet = packet[Ethernet]
        note(packet[IPv4].src, ethernet.src)
        ethernet.src = mac

    def deliver(packet: Packet) -> None:
        address = packet[IPv4].dst
        key = HostAddress(address=address)
        if key in neighbours:
            ethernet = packet[Ethernet]
            ethernet.dst = neighbours[key].mac
            ethernet.src = mac
        else:
            wanted[address & (WANTED - 1)] = address
            packet.drop("no_neighbour")

    def ask(event: object) -> None:
        for place in range(WANTED):
            address = wanted[place]
            if address != 0:
                wanted[place] = 0
                packet = event.make(ASK, Ethernet, ARP)  # type: ignore[attr-defined]
                packet[Ethernet].src = mac
                arp = packet[ARP]
                arp.sender_mac = mac
                arp.target_ip = address
                packet.send(inside)

    def answer(packet: Packet) -> None:
        arp = packet.header
        if packet.ingress != outside and arp.sender_ip != 0:
            note(arp.sender_ip, arp.sender_mac)
        if arp.operation == REQUEST and (bindings.owns(arp.target_ip) or forwards.owns(arp.target_ip)):
            arp_reply(packet, mac)
            packet.egress = packet.ingress
        elif arp.operation == REPLY and arp.target_mac == mac:
            packet.drop("arp_answer")

    every(PERIOD, ask)
    return Wire(learn, deliver, answer)
