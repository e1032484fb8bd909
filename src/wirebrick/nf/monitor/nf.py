"""monitor: the network function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wirebrick.errors import ParameterError
from wirebrick.headers import TCP, Ethernet, IPv4, IPv6
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.monitor.collector import Collector
from wirebrick.nf.monitor.connections import ConnectionRow, Connections, track_connections
from wirebrick.nf.monitor.export import check_target, export
from wirebrick.nf.monitor.exporting import Note, exporting
from wirebrick.nf.monitor.flows import Flows, summary
from wirebrick.nf.monitor.hitters import hitters
from wirebrick.nf.monitor.stats import FlowStats
from wirebrick.nf.monitor.talkers import talkers
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.packet import Packet
from wirebrick.state.heavy_hitters import HeavyHitters
from wirebrick.state.table import Table
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

MOST_FLOWS = 1 << 28
MOST_HEAVY = 1 << 24
ENDS = 7  # FIN, SYN, RST


@network_function
def monitor(
    packets: Stream,
    *,
    capacity: int = 1 << 20,
    idle: float = 60.0,
    top: int = 10,
    out: Path | None = None,
    tcp: bool = True,
    connections: Path | None = None,
    heavy: int = 0,
    collector: str | None = None,
    protocol: Literal["ipfix", "netflow9"] = "ipfix",
    active: float = 60.0,
) -> Stream:
    """Count packets and bytes of every flow, follow TCP connections, export flows.

    Parameters
        ``capacity``: for how many flows each worker has room, 1 to 268,435,456; 1,048,576 where it is not
        given. A flow takes 104 to 182 bytes, and as much again where flows are exported.

        ``idle``: after so many seconds (of the packets' time) without a packet a flow may be forgotten when
        there is no room left; 60 where it is not given. With a ``collector`` it is forgotten then, and told.

        ``top``: how many flows, hosts and heavy hitters the reports name, those with the most bytes; 10 where
        it is not given.

        ``out``: a file for all flows, ``.csv``, ``.json`` or ``.parquet`` (which needs ``wirebrick[parquet]``),
        written when the run ends; none where it is not given. Its columns are ``src``, ``dst``, ``src_port``,
        ``dst_port``, ``protocol`` (a number), ``packets`` and ``bytes``; the largest flows come first. A file
        of that name is replaced once the new one is whole.

        ``tcp``: whether TCP connections are followed; yes where it is not given.

        ``connections``: a file like ``out`` for TCP connections: ``client``, ``server``, their ports,
        ``state``, ``opened`` (seconds since 1970), ``to_server_ms`` and ``to_client_ms`` (round trips of the
        handshake from here); none where it is not given.

        ``heavy``: so many counters of a sketch find the flows with the most bytes, however many flows there
        are, each with a bound of its error; 0, for none, where it is not given.

        ``collector``: HOST:PORT of a collector that gets flow records by UDP; none where it is not given.

        ``protocol``: how it gets them, ``ipfix`` (the default) or ``netflow9``.

        ``active``: a flow that goes on is exported after so many seconds, again and again; 60 where it is not
        given.

    What it does
        Counts IPv4 and IPv6 packets, untagged or behind one or two VLAN tags, by source and destination
        address, source and destination port, and protocol. Each direction is a flow of its own; the VLAN
        makes no difference. Bytes are those of whole frames on the wire; a collector is told those of IP
        packets, as the protocols want it. Ports are those of TCP, UDP and SCTP, and 0 for other protocols and
        for fragments behind the first. All packets leave unchanged; frames without a well-formed IP header
        are not counted.

        A TCP connection is ``syn sent``, ``syn received``, ``established``, ``closing`` (one FIN), ``closed``
        (both), ``reset``, ``refused`` (a RST before it was established), or was ``met in the middle``. Round
        trips are those of handshakes of which no packet came twice: from the monitor to the server and back
        (SYN to SYN ACK), and to the client and back (SYN ACK to ACK).

        A flow is exported when it was idle, when it gives way to another, each ``active`` seconds while it
        goes on, and when the run ends. Packets that no record tells of are counted, as records that were lost.

    Drop reasons
        None.

    State
        A table of ``capacity`` flows in each worker; their sums are reported. A new flow that finds no room
        takes that of an idle flow, or else of the one of 32 that has been quiet for longest. The report's
        title says how often that happened: what was forgotten is in neither the report nor the file. A second
        table has half as many TCP connections. With several workers, both directions of a connection must come
        to one of them, or its state is two halves: they do from interfaces with symmetric RSS or fanout, and
        behind ``shuffle("flow")``.

    Example
        ``wirebrick run monitor:top=5,out=flows.csv --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> from wirebrick.headers import Ethernet, IPv4
        >>> ip = IPv4(src="192.0.2.1", dst="192.0.2.2", protocol=1, total_length=46)
        >>> frame = bytes(Ethernet(ethertype=0x0800)) + bytes(ip) + bytes(26)
        >>> result = wirebrick.run(monitor, rx=[frame, frame], interpret=True)
        >>> result.reports[0][1].rows
        [('192.0.2.1', '192.0.2.2', 0, 0, 1, 2, 120)]

    References
        RFC 5470 (what a flow is), RFC 7011 and 5102 (IPFIX), RFC 3954 (NetFlow 9), RFC 9293 (TCP's states);
        the Monitor network function of the NetBricks paper (OSDI 2016).
    """
    _check("capacity", capacity, 1, MOST_FLOWS)
    _check("top", top, 0, MOST_FLOWS)
    _check("heavy", heavy, 0, MOST_HEAVY)
    for name, seconds in (("idle", idle), ("active", active)):
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 1e9:
            cure = "give seconds, more than 0 and at most a billion"
            raise ParameterError(f"the monitor's {name} can't be {seconds!r}", cure=cure)
    target = None if out is None else check_target(Path(out))
    connected = None if connections is None else check_target(Path(connections), "connections")
    if connected is not None and not tcp:
        raise ParameterError("monitor: connections are not followed with tcp=no", cure="leave tcp=no out")
    sketch = HeavyHitters(FlowKey, heavy) if heavy else None
    followed = track_connections(max(1, capacity // 2), float(idle)) if tcp else None
    table: Table[FlowKey, Any]
    note: Note
    if collector is None:
        table, note = Table(FlowKey, FlowStats, capacity=capacity, idle_timeout=float(idle)), _note
    else:
        table, note = exporting(Collector(collector, protocol), capacity, float(idle), float(active))
    found = ip_packets(packets.parse(Ethernet))
    counting = Counting(table, note, sketch, followed)
    counted = [*_counted(found.v4, IPv4, counting), *_counted(found.v6, IPv6, counting)]

    def flows_report() -> Report:
        flows = Flows(table.rows())
        if target is not None:
            export(flows, target)
        return summary(flows, top, table.expired, table.evicted, table.refused)

    at_end(flows_report)
    at_end(lambda: talkers(table.rows(), top))
    if sketch is not None:
        at_end(lambda: hitters(sketch, top))
    if followed is not None:
        at_end(followed.states)
        at_end(followed.trips)
        if connected is not None:
            at_end(lambda: export(followed.rows(), connected, ConnectionRow._fields))
    return merge(*counted, *found.rest)


class Counting(NamedTuple):
    """What is counted, and with what."""

    table: Table[FlowKey, Any]
    note: Note
    sketch: HeavyHitters[FlowKey] | None
    followed: Connections | None


def _note(stats: Any, flow: Any, packet: Packet, octets: int, flags: int) -> None:
    """What a packet adds to its flow."""
    stats.packets += 1
    stats.bytes += packet.length


def _octets4(packet: Packet) -> int:
    return packet[IPv4].total_length


def _octets6(packet: Packet) -> int:
    return 40 + packet[IPv6].payload_length


def _counted(packets: Stream, version: type[IPv4 | IPv6], counting: Counting) -> list[Stream]:
    """Count the packets of an IP version."""
    table, note, sketch, followed = counting
    octets = _octets4 if version is IPv4 else _octets6

    def count(packet: Packet) -> None:
        flow = packet.flow()
        note(table[flow], flow, packet, octets(packet), 0)
        if sketch is not None:
            sketch.add(flow, packet.length)

    if followed is None:
        return [packets.map(count)]
    worth, follow = followed.worth, followed.follow

    def count_segment(packet: Packet) -> None:
        flow = packet.flow()
        stats = table[flow]
        flags = packet.header.flags
        note(stats, flow, packet, octets(packet), flags)
        if sketch is not None:
            sketch.add(flow, packet.length)
        if flags & ENDS or stats.packets == 1 or worth(flow):
            follow(packet)

    others = Stream()
    return [packets.parse(TCP, otherwise=others).map(count_segment), others.map(count)]


def _check(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        cure = f"give a whole number from {least} to {most}"
        raise ParameterError(f"the monitor's {name} can't be {value!r}", cure=cure)
