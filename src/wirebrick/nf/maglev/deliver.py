"""How packets get to a backend, and its replies to clients: user functions that change headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.headers import Ethernet, IPv4, IPv6
from wirebrick.nf.maglev.ways import NAT_ERROR, NUMBER, WAY
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.maglev import Maglev

LOW = 0xFFFFFFFF  # of an address: an IPv4 address
WORD = (1 << 64) - 1
TCP = 6
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
        if version == 4:
            packet[header].dst = backend.address & LOW
        else:
            packet[header].dst = backend.address
        if backend.port != 0 and packet[header].fragment_offset == 0:
            put_port(packet.payload, packet[header].protocol, 2, backend.port)

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
        if version == 4:
            packet[header].src = service.address & LOW
        else:
            packet[header].src = service.address
        if backend.port != 0 and packet[header].fragment_offset == 0:
            put_port(packet.payload, packet[header].protocol, 0, service.port)

    return answer


def put_port(payload: Any, protocol: int, offset: int, port: int) -> None:
    """Store a port of TCP or UDP, and have the checksum follow.

    The header isn't parsed, for it can't be in a first fragment, whose UDP length is that of the whole datagram.
    """
    if len(payload) < 4:
        return
    old = payload.u16(offset)
    payload.put_u16(offset, port)
    at = 16 if protocol == TCP else 6
    if len(payload) < at + 2:
        return
    checksum = payload.u16(at)
    if protocol == TCP or checksum != 0:
        checksum = followed(checksum, old, port)
        payload.put_u16(at, checksum if checksum != 0 or protocol == TCP else 0xFFFF)


def followed(checksum: int, old: int, new: int) -> int:
    """A checksum of which a word has changed (RFC 1624).

    >>> hex(followed(0xDD2F, 0x5555, 0x3285))  # the RFC's example
    '0x0'
    """
    total = (checksum ^ 0xFFFF) + (old ^ 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16) ^ 0xFFFF


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
        checksum = followed(payload.u16(10), old >> 16, address >> 16)
        payload.put_u16(10, followed(checksum, old & 0xFFFF, address & 0xFFFF))
        payload.put_u32(offset, address)

    return change
