"""nat: the network function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wirebrick.addresses import MacAddress
from wirebrick.headers import ARP, ICMP, TCP, UDP, Ethernet
from wirebrick.nf.ip_packets import IPPackets, ip_packets
from wirebrick.nf.nat.forwards import load_forwards
from wirebrick.nf.nat.fragments import WAITING, FragmentWork, fragment_functions
from wirebrick.nf.nat.log import BindingEvent, LogFile, pass_news
from wirebrick.nf.nat.report import summary
from wirebrick.nf.nat.settings import check_disjoint, external_addresses, make_timeouts, port_range, whole
from wirebrick.nf.nat.spread import by_host, by_port
from wirebrick.nf.nat.tables import Tables, make_tables
from wirebrick.nf.nat.translate import Direction, inward_functions, outward_functions
from wirebrick.nf.nat.wire import Wire, make_wire
from wirebrick.nf.watched import watch
from wirebrick.packet.packet import Packet
from wirebrick.state.bindings import Bindings
from wirebrick.state.bindings_layout import MOST
from wirebrick.state.log import Log
from wirebrick.state.static_mappings import StaticMappings
from wirebrick.stream.events import every
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

IPV4 = 0x0800
TAGS = (0x8100, 0x88A8, 0x9100)
TIDY = 0.01  # seconds between two looks for what is over
TIDY_MOST = 2048  # sessions looked at
ROOM = 1024  # forwards there is room for, at least: the file may grow while it runs
MOST_FRAGMENTS = 1 << 20


@network_function
def nat(
    packets: Stream,
    *,
    addresses: str | None = None,
    forwards: Path | None = None,
    filtering: Literal["endpoint", "address", "port"] = "address",
    pooling: Literal["paired", "arbitrary"] = "paired",
    ports: str = "1024-65535",
    preserve: bool = False,
    parity: bool = False,
    midstream: bool = False,
    capacity: int = 1 << 20,
    host_mappings: int = 65535,
    host_sessions: int = 1 << 20,
    udp: float = 300.0,
    dns: float | None = None,
    icmp: float = 60.0,
    tcp: float = 7440.0,
    transitory: float = 240.0,
    fragments: int = 4096,
    mac: MacAddress | None = None,
    other: Literal["allow", "drop"] = "allow",
    log: Path | None = None,
    inside: str = "in",
    outside: str = "out",
) -> Stream:
    """Translate the addresses and ports of an inside network to external ones, and back (NAPT44).

    Parameters
        ``addresses``: the external addresses: one, a prefix, a range, or several of these with spaces between,
        as ``"203.0.113.1 203.0.113.8/29"``; must be given.

        ``forwards``: a file with port forwards and static mappings, one a line: ``forward tcp 203.0.113.1:8080
        to 10.0.0.5:80``, ``static 203.0.113.7 to 10.0.0.7``; ``wirebrick.nf.nat.forwards`` describes it. It is
        read again when it changes; sessions there are stay. None where it is not given.

        ``filtering``: who may send to an external port that is in use: ``endpoint`` anybody, ``address`` hosts
        that the inside endpoint has sent to, ``port`` only the very endpoints; ``address`` where it is not given.

        ``pooling``: ``paired``, an inside host keeps one external address; ``arbitrary``, it gets another one
        where that has no port left. ``paired`` where it is not given.

        ``ports``: the external ports that are given out, an even and an odd number; ``1024-65535`` where it is
        not given. ``preserve``: a mapping gets the inside port, where it is free. ``parity``: even ports become
        even, odd ones odd. Both no where they are not given: ports are at random.

        ``midstream``: a TCP connection may begin in its middle, as after a restart; no where it is not given.

        ``capacity``: sessions there is room for in each worker, 1 to 67,108,864; 1,048,576 where it is not given.
        ``host_mappings``, ``host_sessions``: the most of one inside host; 65,535 and 1,048,576.

        ``udp``, ``dns``, ``icmp``, ``tcp``, ``transitory``: seconds after which a session ends that isn't used:
        of UDP, of UDP to port 53 (as ``udp`` where it is not given), of ICMP queries, of established TCP
        connections, of those that are not yet or no longer so; 300, 60, 7440 and 240.

        ``fragments``: datagrams whose fragments may be on their way at once; 4096 where it is not given.

        ``mac``: stand in the wire with this MAC address: ARP requests for external addresses are answered, and
        frames get the MAC addresses of hosts inside. Without it MAC addresses stay as they are: for a NAT beside
        a ``router``.

        ``other``: frames that are not IPv4, such as ARP and IPv6: ``allow``, they pass unchanged, or ``drop``;
        ``allow`` where it is not given.

        ``log``: a file for mappings made and ended, ``.jsonl`` or ``.csv``; none where it is not given.

        ``inside``, ``outside``: names of the ports; ``in`` and ``out`` where they are not given. What comes in by
        another port counts as inside.

    What it does
        The source of TCP, UDP and ICMP query packets from inside becomes an external address and port (or
        identifier), the same whatever the destination is; packets from outside to it find back. What is sent from
        inside to an external address comes back inside (hairpin). ICMP errors pass both ways, and the packet they
        quote is translated. First fragments are translated as whole packets are, later ones follow. Checksums are
        updated. TTLs are left to a ``router`` or ``ttl`` beside it. The page ``docs/nat.md`` has the details.

    Drop reasons
        ``no_binding``: from outside, to no endpoint in use. ``filtered``: to one in use, from a stranger.
        ``no_session``: a TCP segment of no known connection, which begins none. ``no_port``: all external ports
        are in use. ``table_full``: ``capacity`` sessions, all of them answered. ``host_limit``. ``protocol``:
        neither TCP, UDP nor ICMP. ``icmp_type``: neither query nor error. ``icmp_quote``, ``icmp_checksum``,
        ``icmp_unknown``: an error that quotes too little, is damaged, or is about no session.
        ``fragment_malformed``, ``fragment_unknown``: a first fragment without a whole header, a later one whose
        first didn't come before it or within 50 ms. ``fragments_waiting``: 256 are waiting for their first.
        ``not_unicast``. ``malformed``: not the IPv4 header that the ethertype says.
        ``tcp_...``, ``udp_...``, ``icmp_truncated``: headers that are no headers. ``too_many_tags``.
        ``not_ipv4``: by ``other``. ``no_neighbour``: by ``mac``, to a host inside that is asked for just now.
        ``arp_answer``: it was for the NAT itself.

    State
        Sessions, mappings, hosts and ports in each worker; see ``wirebrick.state.bindings``: about 168 bytes a
        session and 1.5 MB an external address. Several workers share the external ports out.

    Example
        ``wirebrick run nat:addresses=203.0.113.1,forwards=nat.conf --in xdp:lan --out xdp:wan``

        >>> import wirebrick
        >>> from wirebrick.headers import Ethernet, IPv4, UDP
        >>> ip = IPv4(src="10.0.0.1", dst="192.0.2.2", protocol=17, total_length=46)
        >>> frame = bytes(Ethernet(ethertype=0x0800)) + bytes(ip) + bytes(UDP(src_port=4000, length=26)) + bytes(18)
        >>> result = wirebrick.run(nat(addresses="203.0.113.1", preserve=True), rx=[frame], interpret=True)
        >>> IPv4.from_bytes(result.packets[0][14:]).src, UDP.from_bytes(result.packets[0][34:]).src_port
        (IPv4Address('203.0.113.1'), 4000)

    References
        RFC 4787 (UDP), RFC 5382 (TCP), RFC 5508 (ICMP), RFC 7857 (updates), RFC 6888 (limits, logging), RFC 3022;
        MazuNAT of Click, and the NAT of the NetBricks paper (OSDI 2016).
    """
    pool = external_addresses(addresses)
    static = [] if forwards is None else load_forwards(Path(forwards))
    check_disjoint(pool, static)
    file = None if log is None else LogFile(Path(log))
    bindings = Bindings(
        pool,
        capacity=whole("capacity", capacity, 1, MOST),
        ports=port_range(ports),
        filtering=filtering,
        paired=pooling == "paired",
        preserve=preserve,
        parity=parity,
        limit=whole("host_mappings", host_mappings, 1, 1 << 31),
        most=whole("host_sessions", host_sessions, 1, 1 << 31),
        midstream=midstream,
        timeouts=make_timeouts(
            udp=udp, dns=udp if dns is None else dns, icmp=icmp, tcp=tcp, transitory=transitory
        ),
        news=file is not None,
    )
    fixed = StaticMappings(static, capacity=max(ROOM, 2 * len(static)))
    hand_on = pass_news(bindings, None if file is None else Log(BindingEvent, file.write))
    tables = make_tables(bindings, fixed, hand_on, inside, outside)
    if forwards is not None:

        def read_again(path: Path) -> None:
            found = load_forwards(path)
            check_disjoint(pool, found)
            fixed.show(found)

        watch(Path(forwards), read_again)

    def tidy() -> None:
        bindings.expire(TIDY_MOST)
        hand_on()

    def finish() -> Report:
        return summary(bindings)

    every(TIDY, tidy)
    at_end(finish)
    runts = Stream()
    found = ip_packets(packets.parse(Ethernet, otherwise=runts))
    wire = None if mac is None else make_wire(tables, MacAddress(mac), outside)
    work = fragment_functions(tables, whole("fragments", fragments, 1, MOST_FRAGMENTS))
    translated = _ipv4(found.v4, tables, work, wire, outside)
    return merge(translated, *_others(found, runts, other, wire))


def _ipv4(
    packets: Stream,
    tables: Tables,
    fragment: tuple[FragmentWork, FragmentWork],
    wire: Wire | None,
    outside: str,
) -> Stream:
    """IPv4 packets of both sides. Those that come back inside are translated twice, as between two hosts."""
    inside = tables.inside

    def side(packet: Packet) -> int:
        return 1 if packet.ingress == outside else 0

    def back(packet: Packet) -> int:
        return 1 if packet.egress == inside else 0

    leaving, arriving = packets.group_by(2, side)
    if wire is not None:
        leaving = leaving.transform(wire.learn)
    left = _translated(leaving.shuffle(by_host), outward_functions(tables), fragment[0])
    away, returning = left.group_by(2, back)
    arriving = merge(arriving, returning)
    arrived = _translated(arriving.shuffle(by_port(tables.forwards)), inward_functions(tables), fragment[1])
    if wire is not None:
        arrived = arrived.transform(wire.deliver)
    return merge(away, arrived)


def _translated(packets: Stream, work: Direction, fragment: FragmentWork) -> Stream:
    """IPv4 packets of one side, by protocol."""
    tcp, udp, icmp, fragments, other = packets.group_by(5, _kind)
    other.drop("protocol")
    return merge(
        udp.parse(UDP, otherwise="drop").transform(work.udp),
        tcp.parse(TCP, otherwise="drop").transform(work.tcp),
        icmp.parse(ICMP, otherwise="drop").transform(work.icmp),
        fragments.hold(fragment.when, WAITING, reason="fragments_waiting").transform(fragment.work),
    )


def _kind(packet: Packet) -> int:
    """Which of the streams: TCP, UDP, ICMP, fragments, others."""
    ip = packet.header
    protocol = ip.protocol
    if ip.fragment_offset != 0 or ip.more_fragments != 0:
        return 3
    if protocol == 17:
        return 1
    if protocol == 6:
        return 0
    return 2 if protocol == 1 else 4


def _others(found: IPPackets, runts: Stream, other: str, wire: Wire | None) -> list[Stream]:
    """What isn't IPv4, as far as it passes. ARP has its own way where the NAT is in the wire."""
    untagged, tagged, twice_tagged = found.rest
    passed: list[Stream] = []
    if wire is not None:
        rest = Stream()
        passed.append(untagged.parse(ARP, otherwise=rest).transform(wire.arp))
        untagged = rest
    tags = twice_tagged.filter(_is_not_tagged, reason="too_many_tags")
    honest = [one.filter(_is_not_ipv4, reason="malformed") for one in (untagged, tagged, tags)]
    if other == "drop":
        merge(found.v6, *honest).drop("not_ipv4")
        runts.drop("not_ipv4")
        return passed
    return [*passed, found.v6, runts, *honest]


def _is_not_tagged(packet: Packet) -> bool:
    return packet.header.ethertype not in TAGS


def _is_not_ipv4(packet: Packet) -> bool:
    kind = packet.header.ethertype
    return kind != IPV4 and kind not in TAGS
