"""vxlan: an endpoint of a VXLAN network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wirebrick.addresses import IPv4Address, MacAddress
from wirebrick.errors import ParameterError
from wirebrick.fields import U16, U64
from wirebrick.headers import ARP, UDP, VXLAN, Ethernet, IPv4
from wirebrick.nf.underlay import Underlay
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.directory import Directory
from wirebrick.state.lpm import LongestPrefixMatch
from wirebrick.state.neighbours import Neighbour
from wirebrick.state.record import Record
from wirebrick.stream.graph import at_end, most_copies
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

MOST_REMOTES, MOST_CAPACITY = 64, 1 << 20
PORT, FIRST_PORT = 4789, 49152  # of the destination; of sources, 16,384 of them
INSIDE = 0  # the number of stations that are inside; remote n has n + 1
ROWS = 1000


class Station(Record):
    """A MAC address of the network."""

    mac: U64


class Way(Record):
    """How a frame leaves: by remote ``to`` or (INSIDE) by all; the UDP port that tells flows apart."""

    to: U16
    port: U16


def frame_entropy(packet: Packet) -> int:
    """A number that tells flows of frames (Ethernet parsed) apart: by addresses, protocol and ports of IP, if it is."""
    ethernet, payload = packet.header, packet.payload
    mixed = int(ethernet.dst ^ ethernet.src)
    if ethernet.ethertype == 0x0800 and len(payload) >= 20:
        mixed = payload.u32(12) * 3 ^ payload.u32(16) ^ payload.u8(9) << 32
        header = (payload.u8(0) & 15) * 4
        first = payload.u16(6) & 0x3FFF == 0 and (payload.u8(9) == 6 or payload.u8(9) == 17)
        if first and len(payload) >= header + 4:
            mixed = mixed ^ payload.u32(header) << 8
    elif ethernet.ethertype == 0x86DD and len(payload) >= 44:
        mixed = (
            payload.u32(12)
            ^ payload.u32(20) * 3
            ^ payload.u32(28)
            ^ payload.u32(36) * 5
            ^ payload.u32(0) << 8
        )
        if payload.u8(6) == 6 or payload.u8(6) == 17:
            mixed = mixed ^ payload.u32(40)
    mixed = (mixed ^ mixed >> 32) * 0x9E3779B1 & 0xFFFFFFFF
    return mixed ^ mixed >> 15


@network_function
def vxlan(
    packets: Stream,
    *,
    vni: int = 0,
    local: IPv4Address | None = None,
    mac: MacAddress | None = None,
    remotes: str = "",
    gateway: IPv4Address | None = None,
    inside: str = "in",
    outside: str = "out",
    checksum: bool = False,
    learning: bool = True,
    ageing: float = 300.0,
    capacity: int = 16384,
) -> Stream:
    """Join an Ethernet with others over an IPv4 network: a VXLAN tunnel endpoint.

    Parameters
        ``vni``: the number of the VXLAN network, 1 to 16,777,215; must be given.

        ``local``, ``mac``: IPv4 and MAC address of this endpoint on the outside; must be given.

        ``remotes``: IPv4 addresses of the other endpoints, with spaces between them, 1 to 64; must be given.

        ``gateway``: the router on the outside by which they are reached; none where it is not given: they are on
        the link.

        ``inside``, ``outside``: names of the ports; ``in`` and ``out`` where they are not given.

        ``checksum``: ``yes``: the outer UDP header has a checksum; ``no`` where it is not given: it is zero
        (RFC 7348, 5).

        ``learning``: ``no``: frames go to all remotes always; ``yes`` where it is not given: it learns which
        station is behind which remote.

        ``ageing``: after so many seconds without a frame from it a station is forgotten; 300 where not given.

        ``capacity``: how many stations are known at once, 1 to 1,048,576; 16,384 where it is not given.

    What it does
        Frames from the inside leave in UDP (port 4789) to the remote behind which their station is, or as a
        copy to each where that isn't known, and for broadcasts and multicasts. The source port is made of the
        inner flow, so that networks spread flows over their ways. What comes from a remote for this endpoint and
        this VNI leaves inside as the frame that it was; its source is behind that remote from then on.

        On the outside it answers ARP for its address, and finds the MAC addresses of remotes or gateway itself.
        Frames are never fragmented: the outside needs an MTU 50 bytes larger (RFC 7348, 4.3), or ``fragment``
        behind it. An outer checksum is not verified. The outside is IPv4.

    Drop reasons
        ``same_port``: the station is inside too. ``unresolved``: the MAC address of who comes next isn't known
        yet. ``not_for_endpoint``: not to this address. ``not_vxlan``: something else, or a fragment.
        ``other_vni``. ``unknown_remote``: from nobody that is named. ``bad_source``: the inner source is a group
        address. ``arp_done``. ``ethernet_truncated`` and the like: cut short.

    State
        A table of stations, one for all workers, reported at the end of a run; the MAC addresses of neighbours.

    Example
        ``wirebrick run vxlan:vni=7,local=198.51.100.1,mac=02:00:00:00:00:01,remotes=198.51.100.2 --in a --out b``

        >>> import wirebrick
        >>> ends = {"local": IPv4Address("198.51.100.1"), "mac": MacAddress("02:00:00:00:00:01")}
        >>> tunnel = vxlan(vni=7, remotes="198.51.100.2", **ends)
        >>> wirebrick.run(tunnel, rx=[bytes(6) + bytes([2]) + bytes(53)], interpret=True).drops
        {'vxlan.unresolved': 1}

    References
        RFC 7348 (VXLAN).
    """
    ends = _remotes(remotes)
    _check("vni", vni, 1, (1 << 24) - 1)
    _check("capacity", capacity, 1, MOST_CAPACITY)
    if isinstance(ageing, bool) or not isinstance(ageing, int | float) or not 1 <= ageing <= 1e6:
        raise ParameterError(f"vxlan: the ageing can't be {ageing!r}", cure="give seconds, 1 to a million")
    if inside == outside:
        raise ParameterError(f"vxlan: {inside!r} can't be inside and outside", cure="name two ports")
    hops = ends if gateway is None else (gateway,)
    below = Underlay.make("vxlan", local, mac, outside, hops)
    stations = Directory(Station, capacity=capacity, idle_timeout=float(ageing))
    most_copies(len(ends) + 1)
    at_end(lambda: _report(stations, ends))

    from_inside, from_outside, elsewhere = packets.group_by(3, _side(inside, outside))
    elsewhere.drop("not_for_endpoint")
    return merge(
        _encapsulate(from_inside, below, stations, ends, gateway, vni, checksum, learning),
        _decapsulate(from_outside, below, stations, ends, vni, inside, learning),
    )


def _side(inside: str, outside: str) -> Any:
    def side(packet: Packet) -> int:
        if packet.ingress == inside:
            return 0
        return 1 if packet.ingress == outside else 2

    return side


def _encapsulate(
    packets: Stream,
    below: Underlay,
    stations: Directory,
    ends: tuple[IPv4Address, ...],
    gateway: IPv4Address | None,
    vni: int,
    checksum: bool,
    learning: bool,
) -> Stream:
    """Frames from inside leave to their remotes."""
    remotes = Array(U64, values=[int(end) for end in ends])
    count, port, neighbours = len(ends), below.port, below.neighbours
    hop = 0 if gateway is None else int(gateway)
    own_mac, local = int(below.mac), int(below.local)
    numbers = Array(U64, 1)

    def decide(packet: Packet) -> Way:
        ethernet = packet.header
        to = 0
        if learning:
            if ethernet.src >> 40 & 1 == 0:
                stations.learn(Station(mac=ethernet.src), INSIDE)
            if ethernet.dst >> 40 & 1 == 0:
                to = stations.get(Station(mac=ethernet.dst)) + 1
        elsewhere = 0  # 0: not known, 1: inside, n + 2: remote n
        if to > 0:
            elsewhere = to
        return Way(to=elsewhere, port=FIRST_PORT | (frame_entropy(packet) & 0x3FFF))

    def hardware(packet: Packet) -> None:
        packet.header.src = own_mac

    def network(packet: Packet) -> None:
        ip: Any = packet.header
        ip.src = local
        ip.ttl = 64
        numbers[0] += 1
        ip.identification = numbers[0]

    def datagram(packet: Packet) -> None:
        packet.header.src_port = packet.metadata.port
        packet.header.dst_port = PORT

    def bare(packet: Packet) -> None:
        packet.header.src_port = packet.metadata.port
        packet.header.dst_port = PORT
        packet.header.checksum = 0

    def number(packet: Packet) -> None:
        packet.header.vni = vni

    def leave(packet: Packet) -> None:
        way = packet.metadata
        ethernet: Any = packet[Ethernet]
        ip: Any = packet[IPv4]
        if way.to >= 2:
            end = remotes[way.to - 2]
            mac = neighbours.look(Neighbour(low=hop if hop != 0 else end, version=4))
            if mac < 0:
                packet.drop("unresolved")
                return
            ethernet.dst = mac
            ip.dst = end
            packet.egress = port
            return
        found = False
        for one in range(count):
            end = remotes[one]
            mac = neighbours.look(Neighbour(low=hop if hop != 0 else end, version=4))
            if mac >= 0:
                if found:
                    copy = packet.copy()
                    copy.send(port)
                found = True
                ethernet.dst = mac
                ip.dst = end
        if not found:
            packet.drop("unresolved")
            return
        packet.egress = port

    frames = packets.parse(Ethernet, otherwise="drop").metadata(Way, decide)
    frames = frames.filter(lambda packet: packet.metadata.to != 1, reason="same_port").deparse()
    outer = frames.push(Ethernet, hardware).push(IPv4, network).push(UDP, datagram if checksum else bare)
    return outer.push(VXLAN, number).transform(leave)


def _decapsulate(
    packets: Stream,
    below: Underlay,
    stations: Directory,
    ends: tuple[IPv4Address, ...],
    vni: int,
    inside: str,
    learning: bool,
) -> Stream:
    """What remotes sent leaves inside."""
    known = LongestPrefixMatch({f"{end}/32": number for number, end in enumerate(ends)})
    local, mac = int(below.local), int(below.mac)

    def is_for_it(packet: Packet) -> bool:
        return bool(packet.header.dst >> 40 & 1 == 1 or packet.header.dst == mac)

    def out(packet: Packet) -> None:
        if learning:
            stations.learn(Station(mac=packet.header.src), known.lookup(packet[IPv4].src) + 1)
        packet.egress = inside

    not_arp, not_ip, not_udp, not_vxlan = Stream(), Stream(), Stream(), Stream()
    frames = packets.parse(Ethernet, otherwise="drop").filter(is_for_it, reason="not_for_endpoint")
    arp = below.arp(frames.parse(ARP, otherwise=not_arp))
    mine = not_arp.parse(IPv4, otherwise=not_ip).filter(
        lambda packet: packet.header.dst == local, reason="not_for_endpoint"
    )
    datagrams = mine.parse(UDP, otherwise=not_udp).parse(VXLAN, otherwise=not_vxlan)
    right = datagrams.filter(lambda packet: packet.header.vni == vni, reason="other_vni")
    told = right.filter(lambda packet: known.lookup(packet[IPv4].src) >= 0, reason="unknown_remote")
    inner = told.parse(Ethernet, otherwise="drop")
    inner = inner.filter(lambda packet: packet.header.src >> 40 & 1 == 0, reason="bad_source")
    for stream in (not_ip, not_udp, not_vxlan):
        stream.drop("not_vxlan")
    return merge(arp, inner.transform(out).deparse().pop().pop().pop().pop())


def _remotes(text: str) -> tuple[IPv4Address, ...]:
    """The addresses of remotes. Raises ParameterError."""
    words = text.replace(",", " ").split()
    try:
        found = tuple(IPv4Address(word) for word in words)
    except ValueError as error:
        raise ParameterError(f"vxlan: {error}", cure="remotes are IPv4 addresses") from None
    if not 1 <= len(found) <= MOST_REMOTES or len(set(found)) != len(found):
        cure = f'name 1 to {MOST_REMOTES}, each once: remotes="198.51.100.2 198.51.100.3"'
        raise ParameterError(f"vxlan: remotes can't be {text!r}", cure=cure)
    return found


def _check(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        cure = f"give a whole number from {least} to {most}"
        raise ParameterError(f"vxlan: the {name} can't be {value!r}", cure=cure)


def _report(stations: Directory, ends: tuple[IPv4Address, ...]) -> Report:
    from wirebrick import Report

    found = stations.items()
    rows = [
        (str(MacAddress(int(key.mac))), "inside" if number == INSIDE else str(ends[number - 1]))
        for key, number, _ in found[:ROWS]
    ]
    return Report(f"{len(found):,} stations; {stations.moved:,} moved", ["station", "where"], rows)
