"""Flow records made while packets pass: when a flow was idle, gives way, goes on for long, and at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from wirebrick.nf.monitor.collector import Collector
from wirebrick.nf.monitor.netflow import ACTIVE, FORCED, IDLE, NO_ROOM, Exported, deltas
from wirebrick.nf.monitor.stats import ExportedStats
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.packet import Packet
from wirebrick.state.log import Log
from wirebrick.state.table import Table
from wirebrick.stream.events import every
from wirebrick.stream.graph import at_end

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wirebrick.runtime.report import Report

# Counts a packet in the record of its flow; the last two are bytes of IP and TCP's flags.
Note = Callable[[Any, Any, Packet, int, int], None]
SWEEP = 0.05  # seconds of packets' time between two looks for idle flows
SLOTS = 4  # of a table for each flow it has room for, at most


class Exporting(NamedTuple):
    """The table of exported flows, and what a user function does with each packet."""

    table: Table[FlowKey, ExportedStats]
    note: Note


def exporting(collector: Collector, capacity: int, idle: float, active: float) -> Exporting:
    """Make the state; ``collector`` gets every packet's share in one record or another, each once."""
    log = Log(Exported, collector.send)

    import numpy as np

    evicted = 0

    def gone(rows: NDArray[Any]) -> None:
        nonlocal evicted
        last = rows["value"]["last"]
        quiet = np.full(len(rows), table.evicted == evicted)
        evicted = table.evicted
        # How long one had been quiet is known by the others that went with it, about.
        quiet |= last.max() - last >= round(idle * 1e9)
        collector.send(deltas(rows[quiet], IDLE))
        collector.send(deltas(rows[~quiet], NO_ROOM))

    table = Table(FlowKey, ExportedStats, capacity=capacity, idle_timeout=idle, gone=gone)
    long = round(active * 1e9)
    # All slots within half of the idle time.
    slots = max(64, round(SLOTS * capacity * SWEEP / min(idle / 2, 1e4)))

    def note(stats: Any, flow: Any, packet: Packet, octets: int, flags: int) -> None:
        now = packet.timestamp
        if stats.packets == stats.told_packets:
            stats.since = now
        stats.packets += 1
        stats.bytes += packet.length
        stats.octets += octets
        stats.last = now
        stats.tcp_flags |= flags
        if now - stats.since >= long:
            log.add(
                Exported(
                    src=flow.src,
                    dst=flow.dst,
                    src_port=flow.src_port,
                    dst_port=flow.dst_port,
                    protocol=flow.protocol,
                    version=flow.version,
                    tcp_flags=stats.tcp_flags,
                    reason=ACTIVE,
                    packets=stats.packets - stats.told_packets,
                    octets=stats.octets - stats.told_octets,
                    first=stats.since,
                    last=now,
                )
            )
            stats.told_packets = stats.packets
            stats.told_octets = stats.octets

    def sweep() -> None:
        table.expire(slots)

    def finish() -> Report:
        collector.send(deltas(table.rows(united=False), FORCED))
        return collector.report(log.lost + table.untold)

    every(SWEEP, sweep)
    at_end(finish)
    return Exporting(table, note)
