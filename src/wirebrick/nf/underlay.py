"""underlay: an IPv4 address on a link, with ARP: what endpoints of tunnels stand on. Shared by vxlan and gre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wirebrick.addresses import IPv4Address, MacAddress
from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import ARP, Ethernet
from wirebrick.nf.arp_reply import REPLY, REQUEST, arp_reply
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.lpm import LongestPrefixMatch
from wirebrick.state.neighbours import Neighbour, Neighbours
from wirebrick.state.neighbours_native import ASK, CONFIRM, CREATE, OVERRIDE
from wirebrick.stream.events import every
from wirebrick.stream.stream import Stream

PERIOD = 0.2  # seconds between looks for neighbours that are to be asked
BROADCAST = 0xFFFF_FFFF_FFFF
FRAME = bytes(Ethernet(ethertype=0x0806)) + bytes(ARP(operation=REQUEST))


@dataclass(frozen=True)
class Underlay:
    """An endpoint: ``local`` at ``mac`` behind ``port``, and the ``hops`` whose MAC addresses it needs."""

    local: IPv4Address
    mac: MacAddress
    port: str
    hops: tuple[IPv4Address, ...]
    neighbours: Neighbours

    @classmethod
    def make(cls, nf: str, local: Any, mac: Any, port: str, hops: Sequence[IPv4Address]) -> Underlay:
        """Check, and have the neighbours asked. Called while an NF is built. Raises ParameterError."""
        if local is None or not 1 <= int(local) >> 24 <= 223 or int(local) >> 24 == 127:
            raise ParameterError(f"{nf}: the local address can't be {local}", cure="local=198.51.100.1")
        if mac is None or int(mac) == 0 or int(mac) >> 40 & 1:
            raise ParameterError(f"{nf}: the MAC address can't be {mac}", cure="mac=02:00:00:00:00:01")
        made = cls(local, mac, port, tuple(dict.fromkeys(hops)), Neighbours(capacity=max(16, 2 * len(hops))))
        made._keep()
        return made

    def _keep(self) -> None:
        """Ask for all hops, and again from time to time."""
        wanted = Array(U64, values=[int(hop) for hop in self.hops])
        count, neighbours, port = len(self.hops), self.neighbours, self.port
        local, mac = int(self.local), int(self.mac)

        def ask(event: Any) -> None:
            for number in range(count):
                if neighbours.find(Neighbour(low=wanted[number], version=4)) == ASK:
                    packet = event.make(FRAME, Ethernet, ARP)
                    _request(packet, local, mac, wanted[number], BROADCAST)
                    packet.send(port)
            for _ in range(count):
                number = neighbours.due()
                if number < 0:
                    return
                known = neighbours.part(number, 3)
                again = event.make(FRAME, Ethernet, ARP)
                _request(again, local, mac, neighbours.part(number, 1), known if known >= 0 else BROADCAST)
                again.send(port)

        every(PERIOD, ask)

    def arp(self, packets: Stream) -> Stream:
        """ARP from the link (Ethernet and ARP parsed): requests for ``local`` are answered, hops are learned."""
        neighbours, port = self.neighbours, self.port
        local, mac = self.local, self.mac
        wanted = LongestPrefixMatch({f"{hop}/32": 0 for hop in self.hops})

        def look(packet: Packet) -> None:
            arp: Any = packet.header
            if arp.target_ip == local and arp.sender_mac >> 40 & 1 == 0 and wanted.lookup(arp.sender_ip) >= 0:
                told = CREATE | OVERRIDE
                if arp.operation == REPLY:
                    told = CREATE | OVERRIDE | CONFIRM
                neighbours.learn(Neighbour(low=arp.sender_ip, version=4), arp.sender_mac, told)
            if arp.target_ip == local and arp.operation == REQUEST:
                arp_reply(packet, mac)
                packet.egress = port
            else:
                packet.drop("arp_done")

        return packets.transform(look)


def _request(packet: Packet, local: int, mac: int, asked: int, to: int) -> None:
    ethernet: Any = packet[Ethernet]
    arp: Any = packet.header
    ethernet.dst = to
    ethernet.src = mac
    arp.sender_mac = mac
    arp.sender_ip = local
    arp.target_ip = asked
