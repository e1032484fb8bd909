"""What the SYN proxy does with a segment: answers it, opens the connection that it stands for, or translates it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.addresses import IPv4Network, IPv6Network
from wirebrick.fields import U8, U16, U32
from wirebrick.headers import Ethernet, IPv4, IPv6, find_option
from wirebrick.nf.synproxy.options import (
    LARGEST_SCALE,
    LEAST_OPTIONS,
    MASK,
    MOST_OPTIONS,
    NO_SCALE,
    ONLY_TIMESTAMPS,
    SACK_AND_TIMESTAMPS,
    SACK_PERMITTED,
    keep_timestamps,
    mss_offered,
    put_options,
    scale_offered,
    shift_sacks,
    timestamps_at,
)
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.array import Array
from wirebrick.state.counter import Counter
from wirebrick.state.record import Record
from wirebrick.state.syn_cookies import SynCookies
from wirebrick.state.table import Table

PASSED, ANSWERED, ASKED, OPENED, REFUSED, TO_SERVER, TO_CLIENT, BAD_COOKIE, NO_CONNECTION, GIVEN_UP = range(
    10
)
GROUPS = 10
OPENING, OPEN = 1, 2
MILLISECOND = 1_000_000
SACK_BIT = 16  # of a timestamp, above the four bits of the scale
# What a cookie can say of the MSS: eight sizes, the largest that isn't too large.
SIZES = (216, 536, 1200, 1300, 1360, 1440, 1460, 8960)


class Proxied(Record):
    """A connection whose client has brought back its cookie.

    ``offset``: from the server's sequence numbers to those that the client knows; ``stamp_offset``: from the
    client's idea of the server's timestamps to the server's.
    """

    state: U8
    closed: U8  # a FIN or a RST was seen: a new handshake may begin another connection
    stamps: U8  # both ends use timestamps, and window scaling
    sack: U8
    client_scale: U8
    server_scale: U8
    mss: U16
    window: U16
    isn: U32
    cookie: U32
    offset: U32
    stamp: U32  # that the cookie was sent with
    client_stamp: U32
    stamp_offset: U32


class Proxy:
    """The functions for packets over one version of IP, parsed down to TCP: ``sort`` says which is for a packet."""

    def __init__(
        self, servers: IPv4Network | IPv6Network, ports: tuple[int, ...], capacity: int, idle: float
    ) -> None:
        self.flows = Table(FlowKey, Proxied, capacity=capacity, idle_timeout=idle)
        self.answered, self.opened = Counter("SYNs answered"), Counter("connections opened")
        self._cookies = SynCookies()
        self._sizes = Array(U16, values=list(SIZES))
        self._servers = servers
        self._ports = ports
        self._ip: Any = IPv4 if isinstance(servers, IPv4Network) else IPv6
        self._version = 4 if isinstance(servers, IPv4Network) else 6

    def sort(self, mss: int, timestamps: bool) -> Callable[[Packet], int]:
        """The function of a group_by; it enters connections, too."""
        IP, version, servers, ports = self._ip, self._version, self._servers, self._ports
        flows, cookies, sizes, opened = self.flows, self._cookies, self._sizes, self.opened

        @seldom
        def begin(packet: Packet, entry: Proxied, index: int) -> None:
            """A client has brought back its cookie."""
            tcp = packet.header
            at = timestamps_at(packet)
            entry.state = OPENING
            entry.closed = 0
            entry.mss = min(sizes[index], mss)
            entry.isn = (tcp.seq - 1) & MASK
            entry.cookie = (tcp.ack - 1) & MASK
            entry.window = tcp.window
            entry.stamps = 0
            entry.sack = 0
            entry.client_scale = NO_SCALE
            if timestamps and at >= 0:
                entry.stamps = 1
                entry.client_stamp = tcp.options.u32(at)
                entry.stamp = tcp.options.u32(at + 4)
                entry.client_scale = entry.stamp & NO_SCALE
                entry.sack = entry.stamp >> 4 & 1
            opened.add()

        def of_client(packet: Packet, key: FlowKey) -> int:
            tcp = packet.header
            state = closed = 0
            if key in flows:
                entry = flows[key]
                state = entry.state
                closed = entry.closed
            if tcp.syn and not tcp.ack_flag:
                return PASSED if state == OPEN and not closed else ANSWERED
            if state == OPENING and not tcp.rst:
                return ASKED  # once more: the first one was lost, or the answer to it
            if state == OPENING:
                del flows[key]
                return GIVEN_UP
            if (state == 0 or closed) and tcp.ack_flag and not tcp.rst and not tcp.syn:
                index = cookies.check(key, (tcp.seq - 1) & MASK, (tcp.ack - 1) & MASK)
                if index >= 0:
                    begin(packet, flows[key], index)
                    return ASKED
            return TO_SERVER if state == OPEN else BAD_COOKIE

        def of_server(packet: Packet, key: FlowKey) -> int:
            tcp = packet.header
            if key not in flows:
                return NO_CONNECTION
            entry = flows[key]
            if tcp.syn:
                return OPENED if tcp.ack_flag else NO_CONNECTION
            if entry.state == OPENING:
                entry.closed = 1
                return REFUSED if tcp.rst else NO_CONNECTION
            return TO_CLIENT

        def sort(packet: Packet) -> int:
            ip, tcp = packet[IP, 0], packet.header
            if ip.dst in servers and tcp.dst_port in ports:
                return of_client(packet, packet.flow())
            if ip.src in servers and tcp.src_port in ports:
                key = FlowKey(
                    src=ip.dst,
                    dst=ip.src,
                    src_port=tcp.dst_port,
                    dst_port=tcp.src_port,
                    protocol=6,
                    version=version,
                )
                return of_server(packet, key)
            return PASSED

        return sort

    def answer(self, mss: int, scale: int, timestamps: bool) -> Callable[[Packet], None]:
        """A SYN becomes the SYN-ACK with the cookie."""
        swap, cookies, sizes, answered = self._swap(), self._cookies, self._sizes, self.answered

        @seldom
        def answer(packet: Packet) -> None:
            tcp = packet.header
            offered = mss_offered(packet)
            index = 0
            for number in range(1, len(sizes)):
                if sizes[number] <= offered:
                    index = number
            at = timestamps_at(packet)
            head = 0
            stamp = 0
            echo = 0
            own_scale = NO_SCALE
            if timestamps and at >= 0:
                echo = tcp.options.u32(at)
                told = scale_offered(packet)
                head = ONLY_TIMESTAMPS
                if told != NO_SCALE:
                    own_scale = scale
                if find_option(tcp.options, SACK_PERMITTED) >= 0:
                    told += SACK_BIT
                    head = SACK_AND_TIMESTAMPS
                stamp = (packet.timestamp // MILLISECOND * 32 | told) & MASK
            isn = tcp.seq
            cookie = cookies.make(packet.flow(), isn, index)
            need = MOST_OPTIONS if head != 0 else LEAST_OPTIONS
            packet.payload.resize(max(0, need + 20 - tcp.data_offset * 4))
            swap(packet)
            tcp.seq = cookie
            tcp.ack = (isn + 1) & MASK
            tcp.ack_flag = 1
            tcp.psh = 0
            tcp.urg = 0
            tcp.ece = 0
            tcp.cwr = 0
            tcp.window = 0
            packet.egress = packet.ingress
            answered.add()
            put_options(packet, need, mss, head, stamp, echo, own_scale)

        return answer

    def ask(self) -> Callable[[Packet], None]:
        """An ACK becomes the SYN to the server."""
        flows = self.flows

        @seldom
        def ask(packet: Packet) -> None:
            tcp = packet.header
            entry = flows[packet.flow()]
            need = MOST_OPTIONS if entry.stamps else LEAST_OPTIONS
            packet.payload.resize(max(0, need + 20 - tcp.data_offset * 4))
            shift = entry.client_scale if entry.client_scale <= LARGEST_SCALE else 0
            tcp.seq = entry.isn
            tcp.ack = 0
            tcp.ack_flag = 0
            tcp.psh = 0
            tcp.urg = 0
            tcp.fin = 0
            tcp.syn = 1
            tcp.window = min(65535, entry.window << shift)
            head = 0
            if entry.stamps:
                head = SACK_AND_TIMESTAMPS if entry.sack else ONLY_TIMESTAMPS
            put_options(packet, need, entry.mss, head, entry.client_stamp, 0, entry.client_scale)

        return ask

    def open(self, scale: int, servers_at: str) -> Callable[[Packet], None]:
        """The server's SYN-ACK becomes the ACK to it, and the ACK that tells the client the server's window."""
        flows, swap, find = self.flows, self._swap(), self._client()

        @seldom
        def learn(packet: Packet, entry: Proxied) -> None:
            tcp = packet.header
            entry.state = OPEN
            entry.offset = (entry.cookie - tcp.seq) & MASK
            entry.server_scale = scale_offered(packet)
            at = timestamps_at(packet)
            if entry.stamps and at >= 0:
                entry.stamp_offset = (tcp.options.u32(at) - entry.stamp) & MASK

        @seldom
        def acknowledge(packet: Packet, entry: Proxied) -> None:
            tcp = packet.header
            seq = tcp.seq
            swap(packet)
            tcp.seq = tcp.ack
            tcp.ack = (seq + 1) & MASK
            tcp.syn = 0
            tcp.ece = 0
            tcp.window = entry.window
            at = timestamps_at(packet)
            kept = entry.stamps != 0 and at >= 0
            keep_timestamps(packet, kept, entry.client_stamp, tcp.options.u32(at) if kept else 0)

        @seldom
        def tell(packet: Packet, entry: Proxied) -> None:
            tcp = packet.header
            tcp.seq = (entry.cookie + 1) & MASK
            tcp.syn = 0
            tcp.ece = 0
            if entry.client_scale != NO_SCALE:
                tcp.window = tcp.window >> scale
            at = timestamps_at(packet)
            kept = entry.stamps != 0 and at >= 0
            keep_timestamps(packet, kept, entry.stamp, tcp.options.u32(at + 4) if kept else 0)

        def opened(packet: Packet) -> None:
            entry = flows[find(packet)]
            learn(packet, entry)
            copy = packet.copy()
            acknowledge(copy, entry)
            copy.send(servers_at)
            tell(packet, entry)

        return opened

    def refuse(self) -> Callable[[Packet], None]:
        """The server's RST has the number that the client expects."""
        flows, find = self.flows, self._client()

        @seldom
        def refuse(packet: Packet) -> None:
            packet.header.seq = (flows[find(packet)].cookie + 1) & MASK

        return refuse

    def to_server(self) -> Callable[[Packet], None]:
        """Translate what a client sends."""
        flows = self.flows

        def to_server(packet: Packet) -> None:
            tcp = packet.header
            entry = flows[packet.flow()]
            if tcp.fin or tcp.rst:
                entry.closed = 1
            if tcp.ack_flag:
                tcp.ack = (tcp.ack - entry.offset) & MASK
            if tcp.data_offset > 5 and entry.stamps:
                at = timestamps_at(packet)
                if at >= 0:
                    tcp.options.put_u32(at + 4, (tcp.options.u32(at + 4) + entry.stamp_offset) & MASK)
                if tcp.data_offset > 8:
                    shift_sacks(packet, -entry.offset)

        return to_server

    def to_client(self, scale: int) -> Callable[[Packet], None]:
        """Translate what a server sends."""
        flows, find = self.flows, self._client()

        def to_client(packet: Packet) -> None:
            tcp = packet.header
            entry = flows[find(packet)]
            if tcp.fin or tcp.rst:
                entry.closed = 1
            tcp.seq = (tcp.seq + entry.offset) & MASK
            if entry.stamps:
                at = timestamps_at(packet)
                if at >= 0:
                    tcp.options.put_u32(at, (tcp.options.u32(at) - entry.stamp_offset) & MASK)
                if entry.client_scale != NO_SCALE and entry.server_scale != scale:
                    shift = entry.server_scale if entry.server_scale <= LARGEST_SCALE else 0
                    tcp.window = min(65535, (tcp.window << shift) >> scale)

        return to_client

    def _client(self) -> Callable[[Packet], FlowKey]:
        """The function that gives the flow of the client's packets, of a server's packet."""
        IP, version = self._ip, self._version

        def client(packet: Packet) -> FlowKey:
            ip, tcp = packet[IP, 0], packet.header
            return FlowKey(
                src=ip.dst,
                dst=ip.src,
                src_port=tcp.dst_port,
                dst_port=tcp.src_port,
                protocol=6,
                version=version,
            )

        return client

    def _swap(self) -> Callable[[Packet], None]:
        """The function that sends a packet back to where it came from."""
        IP = self._ip

        @seldom
        def swap(packet: Packet) -> None:
            ethernet, ip, tcp = packet[Ethernet, 0], packet[IP, 0], packet.header
            ethernet.src, ethernet.dst = ethernet.dst, ethernet.src
            ip.src, ip.dst = ip.dst, ip.src
            tcp.src_port, tcp.dst_port = tcp.dst_port, tcp.src_port

        return swap
