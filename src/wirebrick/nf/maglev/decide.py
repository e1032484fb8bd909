"""Which way a packet goes: the user functions that look at services, connections and backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.fields import U32, U64, IPv6Address
from wirebrick.headers import Ethernet
from wirebrick.nf.maglev.ways import (
    LOCAL,
    MAC,
    NAT,
    NAT_ERROR,
    NEIGHBOUR,
    NO_BACKEND,
    NO_FRAGMENT,
    NO_NEIGHBOUR,
    NO_SERVICE,
    OTHER,
    REPLY,
    REPLY_ERROR,
    TAGGED,
    TOO_LONG,
    Decision,
    overhead,
    verdict,
)
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.array import Array
from wirebrick.state.maglev import Maglev
from wirebrick.state.record import Record
from wirebrick.state.table import Table

TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
SOLICITATION, ADVERTISEMENT = 135, 136
DIRECT = 0xFFFFFFFF  # the generation of connections with a backend that don't go by its service
TAGS = (0x8100, 0x88A8, 0x9100)


class Connection(Record):
    """A connection's backend, by number and generation, and where its client's frames came from."""

    generation: U32
    backend: U32
    mac: U64


class FragmentKey(Record):
    """What the fragments of a datagram have in common (RFC 791, 3.2; RFC 8200, 4.5)."""

    src: IPv6Address
    dst: IPv6Address
    identification: U32
    protocol: U32


class Traffic(Record):
    """What a backend got, and what it sent back where that comes by (NAT)."""

    connections: U64
    packets: U64
    bytes: U64
    replies: U64
    reply_bytes: U64


Connections = Table[FlowKey, Connection]
Fragments = Table[FragmentKey, Decision]


def decider(
    version: int, maglev: Maglev, connections: Connections, fragments: Fragments, traffic: Array
) -> Callable[[Packet], Decision]:
    """The function that decides about packets of an IP version."""

    def fragment_key(ip: Any) -> Any:
        return FragmentKey(src=ip.src, dst=ip.dst, identification=ip.identification, protocol=ip.protocol)

    @seldom
    def keep(ip: Any, said: int, mac: int) -> None:
        """Later fragments go the way of the first."""
        first = fragments[fragment_key(ip)]
        first.verdict = said
        first.mac = mac

    @seldom
    def chosen(service: int, key: Any) -> int:
        """The backend that hashing gives a flow, or -1."""
        if maglev.record(service).sticky == 0:
            return maglev.choose(service, key)
        client = FlowKey(version=version, src=key.src, dst=key.dst, protocol=key.protocol)
        return maglev.choose(service, client)

    def to_service(packet: Any, service: int, key: Any, mac: int) -> int:
        """The verdict on a packet of a client to a service."""
        ip = packet.header
        connection = connections[key]
        number = connection.backend
        backend = maglev.backend(number)
        known = connection.generation != 0 and connection.generation == backend.generation
        if known and backend.accepts == 0 and ip.protocol == TCP and len(packet.payload) >= 14:
            # A new connection doesn't begin where none is accepted, even if its ports were used before.
            known = packet.payload.u8(13) & 0x12 != 0x02
        if not known:
            number = chosen(service, key)
            if number < 0:
                return NO_BACKEND
            backend = maglev.backend(number)
            connection.backend = number
            connection.generation = backend.generation
            traffic[number].connections += 1
        if backend.mac == 0:
            return NO_NEIGHBOUR
        way = backend.way
        if way == NAT:
            connection.mac = mac
        elif way > MAC:
            if packet[Ethernet].ethertype in TAGS:
                return TAGGED
            if packet.length - 14 + overhead(way) > maglev.own().mtu:
                return verdict(TOO_LONG, number)
        counted = traffic[number]
        counted.packets += 1
        counted.bytes += packet.length
        if ip.more_fragments:
            keep(ip, verdict(way, number), 0)
        return verdict(way, number)

    def as_sent(number: int, client: Any, client_port: int, port: int, protocol: int) -> Any:
        """The flow that a backend's packet answers, as the client has it: to the service."""
        record = maglev.record(maglev.backend(number).service)
        return FlowKey(
            version=version,
            src=client,
            dst=record.address,
            src_port=client_port,
            dst_port=record.port if record.port else port,
            protocol=protocol,
        )

    def has(number: int, key: Any, hashed: bool) -> bool:
        """Whether a flow is a backend's; ``hashed``: also where nothing but hashing says so."""
        if key in connections:
            connection = connections[key]
            generation = maglev.backend(number).generation
            return connection.backend == number and connection.generation == generation
        return hashed and maglev.choose(maglev.backend(number).service, key) == number

    def answering(origin: int, client: Any, client_port: int, port: int, protocol: int, hashed: bool) -> int:
        """Which of the backends that answer from one place has a flow, or -1."""
        number = origin
        while number >= 0:
            key = as_sent(number, client, client_port, port, protocol)
            if has(number, key, hashed):
                break
            number = maglev.backend(number).next - 1
        return number

    def answers(packet: Any, origin: int, src_port: int, dst_port: int) -> int:
        """Which backend a packet is from, which comes from where some answer; or -1, if it isn't for a client."""
        ip = packet.header
        asked = FlowKey(
            version=version,
            src=ip.dst,
            dst=ip.src,
            src_port=dst_port,
            dst_port=src_port,
            protocol=ip.protocol,
        )
        return answering(origin, ip.dst, dst_port, src_port, ip.protocol, asked not in connections)

    def from_backend(packet: Any, number: int, src_port: int, dst_port: int) -> int:
        """The MAC address that a backend's packet to a client goes to, or 0."""
        ip = packet.header
        key = as_sent(number, ip.dst, dst_port, src_port, ip.protocol)
        mac = connections[key].mac if key in connections else 0
        counted = traffic[number]
        counted.replies += 1
        counted.reply_bytes += packet.length
        if ip.more_fragments:
            keep(ip, verdict(REPLY, number), mac)
        return mac

    @seldom
    def erred(service: int, key: Any) -> int:
        """An error about a packet of a service: to the backend that has the flow."""
        number = -1
        if key in connections:
            number = connections[key].backend
            if connections[key].generation != maglev.backend(number).generation:
                number = -1
        if number < 0:
            number = chosen(service, key)
        if number < 0:
            return NO_BACKEND
        backend = maglev.backend(number)
        if backend.mac == 0:
            return NO_NEIGHBOUR
        return verdict(NAT_ERROR if backend.way == NAT else backend.way, number)

    @seldom
    def about(packet: Any, here: bool) -> int:
        """An ICMP message: one about a packet that left a service (``here``), or that went to a backend."""
        payload = packet.payload
        other = LOCAL if here else OTHER
        if discovers(packet):
            return NEIGHBOUR
        if not is_error(payload):
            return other
        protocol = payload.u8(17 if version == 4 else 14)
        at = 8 + (payload.u8(8) & 15) * 4 if version == 4 else 48
        ported = protocol in (TCP, UDP, SCTP)
        if not ported or len(payload) < at + 4:
            return other
        src_port, dst_port = payload.u16(at), payload.u16(at + 2)
        if version == 4:
            src, dst = payload.u32(20), payload.u32(24)
        else:
            nothing = packet.header.dst ^ packet.header.dst
            src = (nothing | payload.u64(16)) << 64 | payload.u64(24)
            dst = (nothing | payload.u64(32)) << 64 | payload.u64(40)
        if here:
            service = maglev.service(src, protocol, src_port)
            if service < 0:
                return LOCAL
            key = FlowKey(
                version=version, src=dst, dst=src, src_port=dst_port, dst_port=src_port, protocol=protocol
            )
            return erred(service, key)
        number = maglev.origin(dst, protocol, dst_port)
        number = answering(number, src, src_port, dst_port, protocol, True)
        if number < 0:
            return OTHER
        return verdict(REPLY_ERROR, number)

    @seldom
    def discovers(packet: Any) -> bool:
        """Whether a neighbour asks for the balancer, or answers it (RFC 4861, 7.1)."""
        payload = packet.payload
        if version == 6:
            if packet.header.hop_limit != 255 or len(payload) < 24 or payload.u8(1) != 0:
                return False
            if payload.u8(0) == ADVERTISEMENT:
                return bool(packet[Ethernet].dst == maglev.own().mac)
            nothing = packet.header.dst ^ packet.header.dst
            target = (nothing | payload.u64(8)) << 64 | payload.u64(16)
            return payload.u8(0) == SOLICITATION and maglev.owns(target)
        return False

    @seldom
    def is_error(payload: Any) -> bool:
        """Whether an ICMP message is an error about a first fragment whose header is there."""
        if version == 4:
            if len(payload) < 32 or payload.u8(8) >> 4 != 4 or payload.u16(14) & 0x1FFF != 0:
                return False
            return payload.u8(0) in (3, 11, 12)
        return bool(len(payload) >= 52 and 1 <= payload.u8(0) <= 4 and payload.u8(8) >> 4 == 6)

    def decide(packet: Any) -> Any:
        ip = packet.header
        ethernet = packet[Ethernet]
        protocol = ip.protocol
        whole = ip.fragment_offset == 0
        key = packet.flow()
        src_port, dst_port = key.src_port, key.dst_port
        addressed = ethernet.dst == maglev.own().mac
        if whole and addressed:
            service = maglev.service(ip.dst, protocol, dst_port)
            if service >= 0:
                return Decision(verdict=to_service(packet, service, key, ethernet.src))
        if whole:
            origin = maglev.origin(ip.src, protocol, src_port)
            number = answers(packet, origin, src_port, dst_port) if origin >= 0 else -1
            if number >= 0:
                mac = from_backend(packet, number, src_port, dst_port)
                return Decision(verdict=verdict(REPLY, number), mac=mac)
        else:
            part = fragment_key(ip)
            if part in fragments:
                first = fragments[part]
                return Decision(verdict=first.verdict, mac=first.mac)
        here = addressed and maglev.owns(ip.dst)
        if here and not whole:
            return Decision(verdict=NO_FRAGMENT)
        if whole and protocol == (ICMP if version == 4 else ICMPV6):
            return Decision(verdict=about(packet, here))
        if here:
            return Decision(verdict=NO_SERVICE)
        if whole and maglev.origin(ip.dst, protocol, dst_port) >= 0:
            connections[key].generation = DIRECT
        return Decision(verdict=OTHER)

    return decide
