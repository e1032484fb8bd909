"""router: the network function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wirebrick.errors import ParameterError
from wirebrick.headers import ARP, Ethernet, IPv4, IPv6
from wirebrick.nf.icmp_error import IcmpErrors
from wirebrick.nf.router import links as at
from wirebrick.nf.router.ask import ask_again, ask_v4, ask_v6
from wirebrick.nf.router.config import Config, read_config
from wirebrick.nf.router.decide_v4 import make_decide_v4
from wirebrick.nf.router.decide_v6 import make_decide_v6
from wirebrick.nf.router.here import arp_here, back, echo_v4, echo_v6
from wirebrick.nf.router.links import REASONS, Links, WayV4, WayV6
from wirebrick.nf.watched import watch
from wirebrick.packet.packet import Packet
from wirebrick.state.token_bucket import TokenBucket
from wirebrick.stream.graph import at_end, most_copies
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.remake import remake
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

MOST_NEIGHBOURS = 1 << 20


@network_function
def router(
    packets: Stream,
    *,
    config: Path | None = None,
    routes: Path | None = None,
    neighbours: int = 4096,
    errors: int = 1000,
) -> Stream:
    """Forward IP packets between interfaces by longest prefix match.

    Parameters
        ``config``: the file (TOML) with the interfaces (port, MAC address, addresses, MTU) and routes; must be
        given. ``wirebrick.nf.router.config`` describes it, and docs/router.md.

        ``routes``: a file with more routes, one a line, such as ``203.0.113.0/24 via 198.51.100.1``; none where
        it is not given.

        ``neighbours``: how many neighbours' MAC addresses are known at once, 1 to 1,048,576; 4,096 where it is
        not given.

        ``errors``: how many ICMP errors each worker sends a second, 1 to 1,000,000; 1,000 where it is not given.

    What it does
        A router for IPv4 (RFC 1812) and IPv6 between any number of ports. The longest prefix that holds the
        destination decides: a neighbour's network, one or several next hops (flows are spread over them by
        weight; a flow keeps its way), "blackhole", "unreachable" or "prohibited". The TTL or hop limit goes
        down by one, the MAC addresses are set, the packet leaves by its interface.

        MAC addresses of neighbours are found by ARP (RFC 826) and neighbour discovery (RFC 4861): asked for
        when they are needed, again while they are used, and questions are answered. Packets for a neighbour
        that isn't known yet wait, up to 16 for each and 256 in all, for three seconds at most.

        ICMP and ICMPv6 errors say where packets can't go on: time exceeded, network, host or port unreachable,
        prohibited, fragmentation needed or packet too big. They go out of the interface by which the packet
        came, to who sent it there. IPv4 packets that are larger than the MTU and may be split are. Echoes to
        the router's addresses are answered; everything else for it is answered with "unreachable" but for ARP,
        neighbour discovery and ICMP itself. It speaks no routing protocol, and sends no redirects and no router
        advertisements. Multicasts are not routed.

        When one of the files changes, its routes take the place of the old ones at once, without a packet lost;
        a file with a mistake is refused, and what was there before stays. Interfaces can't change so.

    Drop reasons
        ``not_for_router``: to another MAC address. ``not_routed``: neither IP nor ARP; VLAN tags.
        ``martian``: from or to an address that can't be. ``bad_checksum``: of the IPv4 header.
        ``link_broadcast``: to one host by a broadcast or multicast on the link. ``multicast``. ``broadcast``: to
        a network's or all hosts. ``source_invalid``: by ``source`` of the interface. ``source_routed``: by an
        option of IPv4. ``link_local``: to an address of one link. ``blackhole``. ``kept``: waits for a
        neighbour's MAC address; it leaves later, as a packet made. ``not_kept``: too large to wait.
        ``neighbours_full``. ``fragment_here``: of a packet for the router. ``icmp_ignored``. ``no_error``,
        ``error_limited``, ``no_address``: an ICMP error that may not be sent, or not now, or has no address to
        come from. ``arp_done``, ``nd_done``, ``arp_malformed``, ``nd_malformed``, ``nobody_waited``: messages
        that were for the router alone. ``cut_short``, ``no_room``, ``mtu_too_small``: of packets to be split.

    State
        The routes, one table for all workers: 1 MB, 16 bytes (IPv4) or 48 (IPv6) for each, twice. The neighbours,
        one table for all workers. Packets that wait. Counters of each interface, reported at the end.

    Example
        ``wirebrick run router:config=router.toml --port in=eth1 --port out=eth2``

        >>> import tempfile, wirebrick
        >>> lines = ["[[interface]]", 'port = "in"', 'mac = "02:00:00:00:00:01"', 'addresses = ["192.0.2.254/24"]']
        >>> with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        ...     print(*lines, sep=chr(10), file=file, flush=True)
        ...     wirebrick.run(router(config=file.name), rx=[bytes(60)], interpret=True).drops
        {'router.not_for_router': 1}

    References
        RFC 1812 (IPv4 routers); RFC 8200 (IPv6); RFC 792, 1191, 4443 (ICMP); RFC 826, 5227 (ARP); RFC 4861
        (neighbour discovery); RFC 2992 (next hops by hash); RFC 3704 (checks of sources).
    """
    if config is None:
        raise ParameterError(
            "the router needs a configuration",
            cure="name the file with interfaces and routes: router:config=router.toml, or router(config=...)",
        )
    _check("neighbours", neighbours, MOST_NEIGHBOURS)
    _check("errors", errors, 1_000_000)
    found = read_config(config, routes)
    links = Links.of(found, neighbours, None)
    answers = IcmpErrors(TokenBucket(rate=errors, burst=max(10, errors // 10)))
    for path in filter(None, (config, routes)):
        watch(path, lambda _: _exchange(found, links, config, routes))
    ask_again(links)
    most_copies(at.WAITING_EACH)
    at_end(lambda: _report(links))

    not_arp, not_v4, others = Stream(), Stream(), Stream()
    frames = packets.parse(Ethernet, otherwise="drop").filter(_for_router(links), reason="not_for_router")
    v4 = frames.parse(IPv4, otherwise=not_v4)
    v6 = not_v4.parse(IPv6, otherwise=not_arp)
    arp = not_arp.parse(ARP, otherwise=others)
    others.drop("not_routed")
    return merge(
        arp_here(arp, links),
        _v4(v4.metadata(WayV4, make_decide_v4(links)), links, answers),
        _v6(v6.metadata(WayV6, make_decide_v6(links)), links, answers),
    )


def _check(name: str, value: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ParameterError(
            f"the router's {name} can't be {value!r}", cure=f"give a whole number from 1 to {most}"
        )


def _for_router(links: Links) -> Any:
    """Whether a frame is for the router: to its MAC address on that link, or to several."""
    ports, table = links.ports, links.table

    def is_for_router(packet: Packet) -> bool:
        dst = packet.header.dst
        return bool(dst >> 40 & 1 == 1 or dst == table[ports.index(packet.ingress)].mac)

    return is_for_router


def _action(packet: Packet) -> int:
    return int(packet.metadata.action)


def _v4(packets: Stream, links: Links, errors: IcmpErrors) -> Stream:
    """IPv4 packets go their ways."""
    table, ports, sent, sizes = links.table, links.ports, links.sent, links.bytes

    def forward(packet: Packet) -> None:
        way = packet.metadata
        ethernet = packet[Ethernet]
        packet.header.ttl -= 1
        ethernet.dst = way.mac
        ethernet.src = table[way.link].mac
        packet.egress = ports[way.link]
        sent[way.link] += 1
        sizes[way.link] += packet.length

    ways = packets.group_by(at.DROPS + len(REASONS), _action)
    for reason, stream in zip(REASONS, ways[at.DROPS :], strict=True):
        stream.drop(reason)

    def prepare(packet: Packet) -> None:
        packet.header.ttl -= 1
        packet[Ethernet].src = table[packet.metadata.link].mac

    remake(ways[at.WAIT].transform(prepare), links.waiting, "keep").drop("kept")
    told = ways[at.ERROR].filter(lambda packet: packet.metadata.src != 0, reason="no_address")
    return merge(
        ways[at.FORWARD].transform(forward),
        remake(ways[at.FRAGMENT].transform(forward), links.fragmenter, "split"),
        echo_v4(ways[at.HERE], links, errors),
        back(errors.v4(told)),
        ask_v4(ways[at.ASK].transform(prepare), links),
    )


def _v6(packets: Stream, links: Links, errors: IcmpErrors) -> Stream:
    """IPv6 packets go their ways."""
    table, ports, sent, sizes = links.table, links.ports, links.sent, links.bytes

    def forward(packet: Packet) -> None:
        way = packet.metadata
        ethernet = packet[Ethernet]
        packet.header.hop_limit -= 1
        ethernet.dst = way.mac
        ethernet.src = table[way.link].mac
        packet.egress = ports[way.link]
        sent[way.link] += 1
        sizes[way.link] += packet.length

    ways = packets.group_by(at.DROPS + len(REASONS), _action)
    for reason, stream in zip(REASONS, ways[at.DROPS :], strict=True):
        stream.drop(reason)
    ways[at.FRAGMENT].drop("too_big")

    def prepare(packet: Packet) -> None:
        packet.header.hop_limit -= 1
        packet[Ethernet].src = table[packet.metadata.link].mac

    remake(ways[at.WAIT].transform(prepare), links.waiting, "keep").drop("kept")
    return merge(
        ways[at.FORWARD].transform(forward),
        echo_v6(ways[at.HERE], links, errors),
        back(errors.v6(ways[at.ERROR])),
        ask_v6(ways[at.ASK].transform(prepare), links),
    )


def _exchange(first: Config, links: Links, config: Path, routes: Path | None) -> str:
    """Put the routes that the files have now in the place of all. Raises ParameterError where they can't be."""
    found = read_config(config, routes)
    if found.interfaces != first.interfaces:
        raise ParameterError(
            "interfaces can't change while the router runs",
            cure="change routes only, or start the router again",
        )
    links.fib.show(found.routes)
    return f"{len(found.routes):,} routes from {config}"


def _report(links: Links) -> Report:
    from wirebrick import Report

    known = links.neighbours.known()
    resolved = sum(1 for neighbour in known if neighbour.mac is not None)
    title = f"interfaces; {len(links.fib):,} routes, {resolved:,} neighbours known"
    if links.conflicts.value:
        title += f"; {links.conflicts.value:,} ARP messages of others with the router's addresses"
    rows = zip(links.ports, links.received.totals(), links.sent.totals(), links.bytes.totals(), strict=True)
    return Report(title, ["interface", "received", "forwarded", "bytes forwarded"], list(rows))
