"""maglev: the network function."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from wirebrick.errors import ParameterError
from wirebrick.headers import ARP, ICMP, Ethernet, ICMPv6
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.maglev.config import Config, load_config
from wirebrick.nf.maglev.decide import Connection, FragmentKey, Traffic, decider
from wirebrick.nf.maglev.deliver import answered, error_translated, to_backend, translated
from wirebrick.nf.maglev.fleet import Fleet
from wirebrick.nf.maglev.health import TICK, Health
from wirebrick.nf.maglev.icmp import answer_echo, say_too_long
from wirebrick.nf.maglev.leave import by_client, to_clients, to_servers
from wirebrick.nf.maglev.neighbours import answer_arp, answer_discovery, ask_for_neighbours, neighbour_log
from wirebrick.nf.maglev.summary import summary
from wirebrick.nf.maglev.tunnel import encapsulated
from wirebrick.nf.maglev.ways import (
    DROPS,
    LOCAL,
    MAC,
    NAT,
    NAT_ERROR,
    NEIGHBOUR,
    NO_BACKEND,
    OTHER,
    REPLY,
    REPLY_ERROR,
    TOO_LONG,
    TUNNELS,
    WAY,
    WAYS,
    Decision,
)
from wirebrick.nf.watched import Telling, watch
from wirebrick.packet.flow import FlowKey
from wirebrick.state.array import Array
from wirebrick.state.maglev import Maglev
from wirebrick.state.table import Table
from wirebrick.stream.events import every
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MOST_FLOWS = 1 << 28
FRAGMENTS, FRAGMENT_TIME = (
    8192,
    30.0,
)  # datagrams, and for how many seconds (RFC 1122, 3.3.2: 60 to 120 at most)


@network_function
def maglev(
    packets: Stream,
    *,
    config: Path | None = None,
    capacity: int = 1 << 20,
    idle: float = 300.0,
    other: Literal["pass", "drop"] = "pass",
) -> Stream:
    """Spread connections over the backends of services, by Maglev hashing.

    Parameters
        ``config``: the file that describes services and backends, TOML; must be given. See docs/maglev.md.

        ``capacity``: how many connections each worker keeps, 1 to 268,435,456; 1,048,576 where it is not given. A
        connection takes 104 to 182 bytes.

        ``idle``: after so many seconds (of the packets' time) without a packet a connection may be forgotten when
        there is no room left; 300 where it is not given.

        ``other``: what happens to frames that are not for a service: ``pass`` or ``drop``; ``pass`` where it is not
        given.

    What it does
        Takes the packets to a service, a virtual IPv4 or IPv6 address with ports of TCP, UDP or SCTP or with all
        protocols, in frames to the balancer's MAC address, and delivers each to a backend. The connections of a
        service are spread by Maglev hashing with weights; a connection stays with its backend as long as that is
        there and up, whatever else changes. Backends that drain, or have the weight 0, keep their connections and
        get no new ones. Delivery is by address translation (replies that come by get the service's address back),
        by the frame's destination alone (direct server return), or in IP-in-IP or GRE. Fragments follow the first
        one; ICMP errors find the backend of the connection that they are about. What is too long for a tunnel is
        answered with "fragmentation needed" or "packet too big". The balancer answers ARP, neighbour solicitations
        and pings for its addresses, and asks for the MAC addresses of backends.

        Backends may be checked over TCP or HTTP, beside the workers. When the file changes while a run goes on, it
        is read again; an invalid one is refused and what was there stays. With several workers, a service with
        address translation has all packets of a client go to one of them.

    Drop reasons
        ``no_backend``: none of the service's backends is up and takes connections. ``no_neighbour``: the MAC address
        to reach it is not known (yet). ``no_service``: a packet to the balancer's address that is for no service.
        ``no_fragment``: a fragment whose first one did not come before. ``too_long``: for a tunnel, and no error may
        be sent. ``tagged_tunnel``: behind a VLAN tag, and delivery is by a tunnel. ``taken``: an answer to the
        balancer itself. ``other``: by the parameter.

    State
        A table of ``capacity`` connections and one of 8,192 datagrams in fragments, in each worker. When it is full
        a new connection takes the place of an idle one, or of the one of 32 that has been quiet for longest; the
        hashing still gives it the same backend, unless these have changed. Services, backends and look-up tables are
        in one block for all workers. The report has each backend's state, share, connections, packets and bytes.

    Example
        ``wirebrick run maglev:config=lb.toml,other=drop --in xdp:eth1 --out xdp:eth2``

        >>> import tempfile, wirebrick
        >>> from wirebrick.headers import TCP, Ethernet, IPv4
        >>> text = '''
        ... [balancer]
        ... mac = "02:00:00:00:00:fe"
        ... [[vip]]
        ... address = "192.0.2.100"
        ... ports = 80
        ... delivery = "nat"
        ... [[vip.backend]]
        ... address = "192.0.2.11"
        ... mac = "02:00:00:00:01:01"
        ... '''
        >>> frame = bytes(Ethernet(dst="02:00:00:00:00:fe", ethertype=0x0800))
        >>> frame += bytes(IPv4(protocol=6, dst="192.0.2.100", total_length=40)) + bytes(TCP(dst_port=80))
        >>> with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        ...     _ = file.write(text)
        ...     file.flush()
        ...     result = wirebrick.run(maglev(config=file.name), rx=[frame], interpret=True)
        >>> IPv4.from_bytes(result.packets[0][14:34]).dst
        IPv4Address('192.0.2.11')

    References
        D. E. Eisenbud et al., *Maglev: a fast and reliable software network load balancer*, NSDI 2016. RFC 2003, RFC
        2473, RFC 4213 (IP in IP), RFC 2784 (GRE), RFC 1624 (checksums), RFC 5508 (ICMP errors behind translation),
        RFC 1191, RFC 8201 (path MTU), RFC 826, RFC 4861 (neighbours).
    """
    if config is None:
        raise ParameterError(
            "the load balancer needs a configuration",
            cure="name the file: maglev:config=lb.toml, or maglev(config=...)",
        )
    if other not in ("pass", "drop"):
        raise ParameterError(f"maglev: other can't be {other!r}", cure="it is pass or drop")
    _check("capacity", capacity, int, MOST_FLOWS)
    _check("idle", idle, (int, float), 1e9)
    first = load_config(config)
    table = Maglev(**room_for(first))
    connections = Table(FlowKey, Connection, capacity=capacity, idle_timeout=float(idle))
    fragments = Table(FragmentKey, Decision, capacity=FRAGMENTS, idle_timeout=FRAGMENT_TIME)
    traffic = Array(Traffic, table.backends)
    egresses = tuple(dict.fromkeys(b.egress for vip in first.vips for b in vip.backends if b.egress))
    fleet = Fleet(first, table, egresses)
    log = neighbour_log(fleet.learn)
    _look_after(Path(config), fleet)
    ask_for_neighbours(table, (first.servers, *egresses))
    at_end(lambda: summary(fleet, traffic, connections))

    runts, not_arp = Stream(), Stream()
    found = ip_packets(packets.parse(Ethernet, otherwise=runts))
    arp = answer_arp(found.rest[0].parse(ARP, otherwise=not_arp), table, log)
    translates = any(vip.delivery == "nat" for vip in first.vips)
    deliveries: list[Stream] = []
    replies: list[Stream] = []
    answers: list[Stream] = []
    others = [runts, not_arp, *found.rest[1:]]
    whole: dict[int, list[Stream]] = {way: [] for way in (MAC, *TUNNELS)}  # of both versions
    for version, stream in ((4, found.v4), (6, found.v6)):
        if translates:  # both directions of a connection must meet where it is known
            stream = stream.shuffle(by_client(table))
        decide = decider(version, table, connections, fragments, traffic)
        ways = stream.metadata(Decision, decide).group_by(WAYS, way_of)
        deliveries += [
            ways[NAT].transform(translated(version, table), checksums=False),
            _error(ways[NAT_ERROR], version, table),
        ]
        replies += [
            ways[REPLY].transform(answered(version, table), checksums=False),
            _error(ways[REPLY_ERROR], version, table),
        ]
        answers += [answer_echo(ways[LOCAL], version, table), say_too_long(ways[TOO_LONG], version, table)]
        if version == 6:
            answers.append(answer_discovery(ways[NEIGHBOUR], table, log))
        else:
            ways[NEIGHBOUR].drop("no_service")
        for way, streams in whole.items():
            streams.append(ways[way].deparse())
        others.append(ways[OTHER])
        for number, reason in enumerate(DROPS):
            ways[NO_BACKEND + number].drop(reason)
    deliveries.append(merge(*whole[MAC]).transform(to_backend(table)))
    deliveries += [encapsulated(merge(*whole[way]), way, table) for way in TUNNELS]
    passing = [to_clients(merge(*replies), first.clients)]
    if other == "drop":
        merge(*others).drop("other")
    else:
        passing.append(to_clients(merge(*others), first.clients))
    return merge(arp, *answers, to_servers(merge(*deliveries), table, egresses), *passing)


def way_of(packet: Any) -> int:
    """The way of a packet."""
    return packet.metadata.verdict & WAY  # type: ignore[no-any-return]


def room_for(config: Config) -> dict[str, int]:
    """How large a Maglev object must be for a configuration, and for what may come while it runs."""
    places = sum(len(vip.ports or (0,)) * len(vip.backends) for vip in config.vips)
    return {
        "services": max(16, 2 * len(config.vips)),
        "backends": max(256, 2 * sum(len(vip.backends) for vip in config.vips)),
        "places": max(1024, 2 * places),
        "size": config.table,
    }


def _look_after(path: Path, fleet: Fleet) -> None:
    """Read the file again when it has changed, and check backends, in the background."""
    health = Health(fleet)

    def reload(path: Path) -> str:
        return fleet.replace(load_config(path))

    def check(event: Telling) -> None:
        health.turn(event.tell)

    watch(path, reload)
    every(TICK, check, on="background")
    at_end(health.close)


def _error(stream: Stream, version: int, table: Maglev) -> Stream:
    """ICMP errors with the addresses changed in both IP headers."""
    parsed = stream.parse(ICMP if version == 4 else ICMPv6, otherwise="drop")
    return parsed.transform(error_translated(version, table))


def _check(name: str, value: Any, kind: Any, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value <= most:
        raise ParameterError(f"maglev: {name} can't be {value!r}", cure=f"give a number up to {most:,.0f}")
