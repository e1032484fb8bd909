"""Network functions that only measuring needs."""

from __future__ import annotations

from wirebrick import FlowKey, Stream, Table, merge, network_function
from wirebrick.headers import Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.monitor.nf import FlowStats
from wirebrick.packet.packet import Packet


@network_function
def discard(packets: Stream) -> None:
    """Drop every packet unseen: what is left is the work of receiving."""
    packets.drop("discarded")


@network_function
def count_flows(packets: Stream, *, capacity: int) -> Stream:
    """What monitor does with packets, without its report: sorting a million flows takes longer than a run."""
    table = Table(FlowKey, FlowStats, capacity=capacity, idle_timeout=60.0)

    def count(packet: Packet) -> None:
        stats = table[packet.flow()]
        stats.packets += 1
        stats.bytes += packet.length

    found = ip_packets(packets.parse(Ethernet))
    return merge(found.v4.map(count), found.v6.map(count), *found.rest)
