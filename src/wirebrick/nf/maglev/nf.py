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
FRAGMENTS, FRAGMENT_TIME = 8192, 30.0  # datagrams, and for how many seconds (RFC 1122, 3.3.2: 60 to 120 at most)


@network_function
def maglev(
    packets: Stream,
    *,
    config: Path | None = None,
    capacity: int = 1 << 20,
    idle: float = 300.0,
    other: Literal["pass", "drop"] = "pass",
) -> Stream:
    """Spread connections over backends by Maglev hashing."""
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
        deliveries += [ways[NAT].transform(translated(version, table)), _error(ways[NAT_ERROR], version, table)]
        replies += [ways[REPLY].transform(answered(version, table)), _error(ways[REPLY_ERROR], version, table)]
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
    return packet.metadata.way  # type: ignore[no-any-return]


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
