"""The report of the load balancer: its backends, and what each got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.nf.maglev.decide import Connections
from wirebrick.nf.maglev.fleet import Fleet, Member
from wirebrick.state.array import Array

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

COLUMNS = (
    "vip",
    "backend",
    "state",
    "weight",
    "share",
    "connections",
    "packets",
    "bytes",
    "replies",
    "reply bytes",
)


def summary(fleet: Fleet, traffic: Array, connections: Connections) -> Report:
    """A row for each backend, those that were removed last."""
    from wirebrick.runtime.report import Report

    totals = traffic.totals()
    rows = [_row(member, member.state, fleet.share(member), totals) for member in fleet.listed()]
    rows += [_row(member, "gone", 0.0, totals) for member in fleet.gone]
    title = f"Backends, {connections.entries:,} connections tracked"
    if connections.evicted:
        title += f", {connections.evicted:,} more gave way to new ones"
    return Report(title, COLUMNS, rows)


def _row(member: Member, state: str, share: float, totals: list[object]) -> list[object]:
    got = totals[member.number]
    fields = ("connections", "packets", "bytes", "replies", "reply_bytes")
    numbers = [getattr(got, name) for name in fields]
    return [member.vip.name, member.spec.name, state, member.spec.weight, f"{100 * share:.2f} %", *numbers]
