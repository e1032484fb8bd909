"""gre: an endpoint of a GRE tunnel."""

from __future__ import annotations

from typing import Any, Literal

from wirebrick.addresses import IPv4Address, MacAddress
from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import ARP, GRE, Ethernet, IPv4
from wirebrick.nf.arp_reply import REQUEST, arp_reply
from wirebrick.nf.underlay import Underlay
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.consistency import Strict
from wirebrick.state.neighbours import Neighbour
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

BRIDGED, V4, V6 = 0x6558, 0x0800, 0x86DD  # what is carried
HALF = 1 << 31


def whole_sum(packet: Packet) -> int:
    """The one's complement sum of the last parsed header and all behind it: 0xFFFF where a checksum in it is right."""
    raw = packet.header.raw
    size = len(raw)
    total = 0
    at = 0
    while at + 8 <= size:
        total += raw.u32(at) + raw.u32(at + 4)
        at += 8
    while at + 2 <= size:
        total += raw.u16(at)
        at += 2
    if at < size:
        total += raw.u8(at) << 8
    total = (total & 0xFFFF) + (total >> 16 & 0xFFFF) + (total >> 32)
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)


@network_function
def gre(
    packets: Stream,
    *,
    local: IPv4Address | None = None,
    mac: MacAddress | None = None,
    remote: IPv4Address | None = None,
    gateway: IPv4Address | None = None,
    carry: Literal["ethernet", "ip"] = "ethernet",
    key: int | None = None,
    sequence: bool = False,
    checksum: bool = False,
    inside: str = "in",
    outside: str = "out",
    host: MacAddress | None = None,
    address: IPv4Address | None = None,
) -> Stream:
    """Carry Ethernet frames or IP packets to another endpoint by GRE over IPv4, and back.

    Parameters
        ``local``, ``mac``: IPv4 and MAC address of this endpoint on the outside; must be given.

        ``remote``: IPv4 address of the other endpoint; must be given.

        ``gateway``: the router on the outside by which it is reached; none where it is not given: it is on the
        link.

        ``carry``: ``ethernet``: whole frames (protocol 0x6558, as Linux's gretap); ``ip``: IPv4 and IPv6 packets
        alone. ``ethernet`` where it is not given.

        ``key``: a number, 0 to 4,294,967,295, that both endpoints use; none where it is not given.

        ``sequence``: ``yes``: packets are numbered, and those that come late are dropped; ``no`` where it is not
        given.

        ``checksum``: ``yes``: packets have a checksum of all they carry; ``no`` where it is not given.

        ``inside``, ``outside``: names of the ports; ``in`` and ``out`` where they are not given.

        ``host``: with ``carry=ip``, the MAC address of the host or router inside, which gets what comes out; must
        be given then.

        ``address``: with ``carry=ip``, an IPv4 address inside for which ARP is answered, with ``mac``: the
        gateway of those inside. None where it is not given.

    What it does
        What comes in from inside leaves as GRE in IPv4 to the remote; what comes from the remote leaves inside as
        what it was. On the outside it answers ARP for its address, and finds the MAC address of remote or gateway
        itself. Checksums that come are verified, whether or not ``checksum`` is given. TTLs inside are not
        changed. Packets are never fragmented: the outside needs a larger MTU, or ``fragment`` behind it. The
        outside is IPv4; routing (RFC 1701) and version 1 (PPTP) are not spoken.

    Drop reasons
        ``unresolved``: the MAC address of who comes next isn't known yet. ``not_ip``: with ``carry=ip``, from
        inside. ``not_for_endpoint``: not to this address, or not from the remote. ``not_gre``: something else,
        or a fragment. ``other_key``: another key, or none, or one where none should be. ``other_protocol``:
        carries something else. ``bad_checksum``. ``out_of_order``: late, or again. ``arp_done``.
        ``ethernet_truncated``.

    State
        The MAC address of who comes next. The numbers of packets, for all workers.

    Example
        ``wirebrick run gre:local=198.51.100.1,mac=02:00:00:00:00:01,remote=198.51.100.2,key=7 --in a --out b``

        >>> import wirebrick
        >>> ends = {"local": IPv4Address("198.51.100.1"), "mac": MacAddress("02:00:00:00:00:01")}
        >>> tunnel = gre(remote=IPv4Address("198.51.100.2"), **ends)
        >>> wirebrick.run(tunnel, rx=[bytes(60)], interpret=True).drops
        {'gre.unresolved': 1}

    References
        RFC 2784 (GRE); RFC 2890 (key and sequence number); RFC 7637, 3.2, and Linux's gretap (Ethernet).
    """
    if remote is None or not 1 <= int(remote) >> 24 <= 223:
        raise ParameterError(f"gre: the remote can't be {remote}", cure="remote=198.51.100.2")
    if key is not None and (isinstance(key, bool) or not isinstance(key, int) or not 0 <= key < 1 << 32):
        raise ParameterError(
            f"gre: the key can't be {key!r}", cure="give a whole number from 0 to 4294967295"
        )
    if carry not in ("ethernet", "ip"):
        raise ParameterError(f"gre: carry can't be {carry!r}", cure="it is ethernet or ip")
    if carry == "ip" and host is None:
        raise ParameterError("gre: carry=ip needs host", cure="host=02:00:00:00:00:05: who is inside")
    if inside == outside:
        raise ParameterError(f"gre: {inside!r} can't be inside and outside", cure="name two ports")
    below = Underlay.make("gre", local, mac, outside, (remote if gateway is None else gateway,))

    from_inside, from_outside, elsewhere = packets.group_by(3, _side(inside, outside))
    elsewhere.drop("not_for_endpoint")
    ready, answers = from_inside, None
    if carry == "ip":
        ready, answers = _ip_alone(from_inside, below, address, inside)
    sent = _encapsulate(ready, below, remote, carry == "ip", key, sequence, checksum)
    got = _decapsulate(from_outside, below, remote, carry == "ip", key, sequence, inside, host)
    return merge(sent, got) if answers is None else merge(answers, sent, got)


def _side(inside: str, outside: str) -> Any:
    def side(packet: Packet) -> int:
        if packet.ingress == inside:
            return 0
        return 1 if packet.ingress == outside else 2

    return side


def _ip_alone(
    packets: Stream, below: Underlay, address: IPv4Address | None, inside: str
) -> tuple[Stream, Stream]:
    """IP packets to the endpoint (Ethernet parsed, without padding), and answers to ARP."""
    mac, own = below.mac, 0 if address is None else int(address)

    def answer(packet: Packet) -> None:
        if own != 0 and packet.header.target_ip == own and packet.header.operation == REQUEST:
            arp_reply(packet, mac)
            packet.egress = inside
        else:
            packet.drop("arp_done")

    def trim(packet: Packet) -> None:
        payload = packet.payload
        if len(payload) >= 20:
            size = payload.u16(2) if packet.header.ethertype == V4 else payload.u16(4) + 40
            if size < len(payload):
                payload.resize(size)

    others = Stream()
    frames = packets.parse(Ethernet, otherwise="drop")
    answers = frames.parse(ARP, otherwise=others).transform(answer)
    ours = others.filter(
        lambda packet: (
            packet.header.dst == mac and (packet.header.ethertype == V4 or packet.header.ethertype == V6)
        ),
        reason="not_ip",
    )
    return ours.transform(trim), answers


def _encapsulate(
    packets: Stream,
    below: Underlay,
    remote: IPv4Address,
    alone: bool,
    key: int | None,
    sequence: bool,
    checksum: bool,
) -> Stream:
    """What leaves for the remote: frames, or where ``alone`` IP packets (Ethernet parsed)."""
    size = 4 * (checksum + (key is not None) + sequence)
    key_at, sequence_at = 4 * checksum, 4 * (checksum + (key is not None))
    number = -1 if key is None else key
    keyed = key is not None
    numbers = Array(U64, 1)
    sequences = Array(U64, 1, consistency=Strict()) if sequence else numbers
    mac, local, port, neighbours = int(below.mac), int(below.local), below.port, below.neighbours
    hop = int(below.hops[0])

    def network(packet: Packet) -> None:
        ip: Any = packet.header
        ip.src = local
        ip.dst = remote
        ip.ttl = 64
        numbers[0] += 1
        ip.identification = numbers[0]

    def options(packet: Packet) -> None:
        if size > 0:
            packet.payload.insert(0, size)
        if keyed:
            packet.payload.put_u32(key_at, number)
        if sequence:
            packet.payload.put_u32(sequence_at, sequences[0])
            sequences[0] += 1

    def head(packet: Packet) -> None:
        tunnel = packet.header
        if not alone:
            tunnel.protocol = BRIDGED
        tunnel.checksum_present = checksum
        tunnel.key_present = keyed
        tunnel.sequence_present = sequence

    def leave(packet: Packet) -> None:
        found = neighbours.look(Neighbour(low=hop, version=4))
        if found < 0:
            packet.drop("unresolved")
            return
        if checksum:
            packet.payload.put_u16(0, whole_sum(packet) ^ 0xFFFF)
        ethernet: Any = packet[Ethernet]
        ethernet.dst = found
        ethernet.src = mac
        packet.egress = port

    outer = packets if alone else packets.push(Ethernet)
    return outer.push(IPv4, network).transform(options).push(GRE, head).transform(leave)


def _decapsulate(
    packets: Stream,
    below: Underlay,
    remote: IPv4Address,
    alone: bool,
    key: int | None,
    sequence: bool,
    inside: str,
    host: MacAddress | None,
) -> Stream:
    """What the remote sent leaves inside."""
    local, mac = below.local, below.mac
    keyed, number = int(key is not None), 0 if key is None else key
    newest = Array(U64, values=[HALF << 1], consistency=Strict()) if sequence else None

    def right_key(packet: Packet) -> bool:
        return bool(packet.header.key_present == keyed and packet.header.key == number)

    def right_sum(packet: Packet) -> bool:
        return bool(packet.header.checksum_present == 0 or whole_sum(packet) == 0xFFFF)

    def in_order(packet: Packet) -> bool:
        got = packet.header.sequence
        if newest is None or packet.header.sequence_present == 0:
            return newest is None
        last = newest[0]
        if last < HALF << 1 and (got - last - 1) & 0xFFFFFFFF >= HALF:
            return False
        newest[0] = got
        return True

    not_arp, not_ip, not_gre = Stream(), Stream(), Stream()
    frames = packets.parse(Ethernet, otherwise="drop").filter(
        lambda packet: packet.header.dst == mac or packet.header.dst >> 40 & 1 == 1, reason="not_for_endpoint"
    )
    arp = below.arp(frames.parse(ARP, otherwise=not_arp))
    mine = not_arp.parse(IPv4, otherwise=not_ip).filter(
        lambda packet: packet.header.dst == local and packet.header.src == remote, reason="not_for_endpoint"
    )
    tunnel = mine.parse(GRE, otherwise=not_gre)
    for stream in (not_ip, not_gre):
        stream.drop("not_gre")
    checked = tunnel.filter(right_sum, reason="bad_checksum").filter(right_key, reason="other_key")
    if sequence:
        checked = checked.filter(in_order, reason="out_of_order")

    def enter(packet: Packet) -> None:
        packet.egress = inside

    if not alone:
        other = Stream()
        inner = checked.parse(Ethernet, otherwise=other)
        other.drop("other_protocol")
        return merge(arp, inner.deparse().pop().pop().pop().transform(enter))

    def address(packet: Packet) -> None:
        packet.header.dst = host
        packet.header.src = mac
        packet.egress = inside

    ip = checked.filter(
        lambda packet: packet.header.protocol == V4 or packet.header.protocol == V6, reason="other_protocol"
    )
    return merge(arp, ip.pop().pop().transform(address))
