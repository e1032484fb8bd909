"""How packets get to a backend, and its replies to clients: user functions that change headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.headers import Ethernet, IPv4, IPv6
from wirebrick.nf.checksum import difference, followed_by, followed_udp_by, word_difference
from wirebrick.nf.maglev.ways import NAT_ERROR, NUMBER, WAY
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.maglev import Maglev

LOW = 0xFFFFFFFF  # of an address: an IPv4 address
WORD = (1 << 64) - 1
TCP, UDP, ICMPV6 = 6, 17, 58
IP: dict[int, Any] = {4: IPv4, 6: IPv6}
Change = Callable[[Packet], None]


def to_backend(maglev: Maglev) -> Change:
    """Address the frame to the backend: all that direct server return needs."""

    def address(packet: Any) -> None:
        ethernet = packet[Ethernet]
        ethernet.dst = maglev.backend(packet.metadata.verdict >> NUMBER).mac
        ethernet.src = maglev.own().mac

    return address


def translated(version: int, maglev: Maglev) -> Change:
    """The service's address becomes the backend's, and its port where that is another one."""
    header = IP[version]

    def translate(packet: Any) -> None:
        backend = maglev.backend(packet.metadata.verdict >> NUMBER)
        ethernet = packet[Ethernet]
        ethernet.dst = backend.mac
        ethernet.src = maglev.own().mac
        ip = packet[header]
        if version == 4:
            change = difference(ip.dst, backend.address & LOW)
            ip.checksum = followed_by(ip.checksum, change)
            ip.dst = backend.address & LOW
        else:
            change = difference_v6(ip.dst, backend.address)
            ip.dst = backend.address
        if ip.fragment_offset == 0:
            follow(packet.payload, ip.protocol, change, 2, backend.port)

    return translate


def answered(version: int, maglev: Maglev) -> Change:
    """The backend's address becomes the service's, and its port too."""
    header = IP[version]

    def answer(packet: Any) -> None:
        backend = maglev.backend(packet.metadata.verdict >> NUMBER)
        service = maglev.record(backend.service)
        ethernet = packet[Ethernet]
        if ethernet.dst == maglev.own().mac and packet.metadata.mac != 0:
            # The backend sent it to the balancer: it goes where the client's frames came from.
            ethernet.dst = packet.metadata.mac
            ethernet.src = maglev.own().mac
        ip = packet[header]
        if version == 4:
            change = difference(ip.src, service.address & LOW)
            ip.checksum = followed_by(ip.checksum, change)
            ip.src = service.address & LOW
        else:
            change = difference_v6(ip.src, service.address)
            ip.src = service.address
        if ip.fragment_offset == 0:
            follow(packet.payload, ip.protocol, change, 0, service.port if backend.port != 0 else 0)

    return answer


def difference_v6(old: Any, new: Any) -> int:
    """As ``difference``, of IPv6 addresses: below 2**20."""
    return (
        difference(old >> 96 & LOW, new >> 96 & LOW)
        + difference(old >> 64 & LOW, new >> 64 & LOW)
        + difference(old >> 32 & LOW, new >> 32 & LOW)
        + difference(old & LOW, new & LOW)
    )


def follow(payload: Any, protocol: int, change: int, offset: int, port: int) -> None:
    """Store a port (0: it stays), and have the checksum follow, also that of addresses whose sum gained ``change``.

    The header isn't parsed, for it can't be in a first fragment, whose UDP length is that of the whole datagram.
    """
    if port != 0 and len(payload) >= 4:
        change += word_difference(payload.u16(offset), port)
        payload.put_u16(offset, port)
    if protocol == UDP:
        if len(payload) >= 8:
            payload.put_u16(6, followed_udp_by(payload.u16(6), change))
    elif protocol == TCP:
        if len(payload) >= 18:
            payload.put_u16(16, followed_by(payload.u16(16), change))
    elif protocol == ICMPV6 and len(payload) >= 4:
        payload.put_u16(2, followed_by(payload.u16(2), change))


def error_translated(version: int, maglev: Maglev) -> Change:
    """An ICMP error gets to the backend, and the packet in it is one that the backend sent; or the other way round.

    The packet in it has the checksums that its sender would find in it (RFC 5508, 4.2).
    """

    header = IP[version]

    @seldom
    def change(packet: Any) -> None:
        backend = maglev.backend(packet.metadata.verdict >> NUMBER)
        service = maglev.record(backend.service)
        ip = packet[header]
        payload = packet.payload
        begin = (payload.u8(0) & 15) * 4 if version == 4 else 40
        if packet.metadata.verdict & WAY == NAT_ERROR:
            packet[Ethernet].dst = backend.mac
            packet[Ethernet].src = maglev.own().mac
            if version == 4:
                ip.dst = backend.address & LOW
                swap(payload, 12, backend.address & LOW)
            else:
                ip.dst = backend.address
                payload.put_u64(8, (backend.address >> 64) & WORD)
                payload.put_u64(16, backend.address & WORD)
            if backend.port != 0:
                payload.put_u16(begin, backend.port)
        else:
            if version == 4:
                if ip.src == backend.address & LOW:
                    ip.src = service.address & LOW
                swap(payload, 16, service.address & LOW)
            else:
                if ip.src == backend.address:
                    ip.src = service.address
                payload.put_u64(24, (service.address >> 64) & WORD)
                payload.put_u64(32, service.address & WORD)
            if backend.port != 0:
                payload.put_u16(begin + 2, service.port)

    def swap(payload: Any, offset: int, address: int) -> None:
        """Store an address of the inner IPv4 header, and have its checksum follow (RFC 1624)."""
        old = payload.u32(offset)
        payload.put_u16(10, followed_by(payload.u16(10), difference(old, address)))
        payload.put_u32(offset, address)

    return change
