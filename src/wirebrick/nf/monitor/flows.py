"""The flows that a monitor saw, in order, and its report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from wirebrick.packet.flow import FlowKey
    from wirebrick.runtime.report import Report


class Flow(NamedTuple):
    """A flow and what was counted: the columns of the report and of the file."""

    src: str
    dst: str
    src_port: int
    dst_port: int
    protocol: int
    packets: int
    bytes: int


def by_size(items: Iterable[tuple[FlowKey, Any]]) -> list[Flow]:
    """The flows of a table, most bytes first; equal ones by version, addresses, ports and protocol."""
    found = []
    for key, stats in items:
        src, dst = key.src, key.dst
        ports = key.src_port, key.dst_port
        total = stats.bytes
        order = (-total, key.version, int(src), int(dst), *ports, key.protocol)
        found.append((order, Flow(str(src), str(dst), *ports, key.protocol, stats.packets, total)))
    found.sort()
    return [flow for _, flow in found]


def summary(flows: Sequence[Flow], top: int, expired: int, evicted: int, refused: int) -> Report:
    """The report: the ``top`` largest flows; its title says how many there are and what was forgotten.

    >>> flow = Flow("192.0.2.1", "192.0.2.2", 4711, 53, 17, 2, 180)
    >>> report = summary([flow, flow, flow], 1, 0, 12, 0)
    >>> report.title
    'top 1 of 3 flows by bytes; the table was full: 12 evicted (raise capacity)'
    >>> report.rows
    [('192.0.2.1', '192.0.2.2', 4711, 53, 17, 2, 180)]
    """
    from wirebrick import Report

    title = f"top {min(top, len(flows)):,} of {len(flows):,} flows by bytes"
    lost = {"idle forgotten": expired, "evicted": evicted, "refused": refused}
    named = [f"{count:,} {what}" for what, count in lost.items() if count]
    if named:
        title += f"; the table was full: {', '.join(named)} (raise capacity)"
    return Report(title, Flow._fields, [tuple(flow) for flow in flows[:top]])
