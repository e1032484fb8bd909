"""monitor: the network function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.monitor.export import check_target, export
from wirebrick.nf.monitor.flows import Flows, summary
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.packet import Packet
from wirebrick.state.record import Record
from wirebrick.state.table import Table
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

MOST_FLOWS = 1 << 28


class FlowStats(Record):
    """What is known of a flow."""

    packets: U64
    bytes: U64


@network_function
def monitor(
    packets: Stream,
    *,
    capacity: int = 1 << 20,
    idle: float = 60.0,
    top: int = 10,
    out: Path | None = None,
) -> Stream:
    """Count packets and bytes of every flow.

    Parameters
        ``capacity``: for how many flows each worker has room, 1 to 268,435,456; 1,048,576 where it is not
        given. A flow takes 104 to 182 bytes.

        ``idle``: after so many seconds (of the packets' time) without a packet a flow may be forgotten when
        there is no room left; 60 where it is not given.

        ``top``: how many flows the report names, those with the most bytes; 10 where it is not given.

        ``out``: a file for all flows, ``.csv`` or ``.json``, written when the run ends; none where it is not
        given. Its columns are ``src``, ``dst``, ``src_port``, ``dst_port``, ``protocol`` (a number),
        ``packets`` and ``bytes``; the largest flows come first. A file of that name is replaced once the new
        one is whole.

    What it does
        Counts IPv4 and IPv6 packets, untagged or behind one or two VLAN tags, by source and destination
        address, source and destination port, and protocol. Each direction is a flow of its own; the VLAN
        makes no difference. Bytes are those of whole frames on the wire. Ports are those of TCP, UDP and
        SCTP, and 0 for other protocols and for fragments behind the first. All packets leave unchanged;
        frames without a well-formed IP header are not counted.

    Drop reasons
        None.

    State
        A table of ``capacity`` flows in each worker; their sums are reported. A new flow that finds no room
        takes that of an idle flow, or else of the one of 32 that has been quiet for longest. The report's
        title says how often that happened: what was forgotten is in neither the report nor the file.

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
        RFC 5470 (what a flow is); the Monitor network function of the NetBricks paper (OSDI 2016).
    """
    _check("capacity", capacity, 1, MOST_FLOWS)
    _check("top", top, 0, MOST_FLOWS)
    if isinstance(idle, bool) or not isinstance(idle, int | float) or not 0 < idle <= 1e9:
        cure = "give seconds, more than 0 and at most a billion"
        raise ParameterError(f"the monitor's idle can't be {idle!r}", cure=cure)
    target = None if out is None else check_target(Path(out))
    table = Table(FlowKey, FlowStats, capacity=capacity, idle_timeout=float(idle))

    def count(packet: Packet) -> None:
        stats = table[packet.flow()]
        stats.packets += 1
        stats.bytes += packet.length

    def finish() -> Report:
        flows = Flows(table.rows())
        if target is not None:
            export(flows, target)
        return summary(flows, top, table.expired, table.evicted, table.refused)

    at_end(finish)
    found = ip_packets(packets.parse(Ethernet))
    return merge(found.v4.map(count), found.v6.map(count), *found.rest)


def _check(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        cure = f"give a whole number from {least} to {most}"
        raise ParameterError(f"the monitor's {name} can't be {value!r}", cure=cure)
