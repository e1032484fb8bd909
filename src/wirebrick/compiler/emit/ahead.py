"""Fetching ahead: what a burst will need of large tables is asked for before its first packet is processed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.packet import frame
from wirebrick.packet.flow import FlowKey
from wirebrick.state.consistency import Partitioned
from wirebrick.state.table import Table

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def fetches(fused: Fused) -> list[str]:
    """Lines for each table of flows that a function with ``packet.flow()`` uses; packets come from a port."""
    lines = []
    for number, state in enumerate(fused.shared.states):
        flows = (
            isinstance(state, Table) and state.key is FlowKey and isinstance(state.consistency, Partitioned)
        )
        if flows and _looked_up(fused, number):
            lines.append(f"        prefetch_flows(w, t{number}, {state.stride})")
    return [f"    if load64(w + {frame.W_ENTRY}) == 0:", *lines] if lines else []


def _looked_up(fused: Fused, number: int) -> bool:
    """Whether a function that asks for a packet's flow uses a state object."""
    return any(
        "flow" in found.facts.reads and f"t{number}" in found.function.needs
        for found in fused.functions.values()
    )
