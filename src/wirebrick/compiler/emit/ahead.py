"""Fetching ahead: what a burst will need of large tables is asked for before its first packet is processed.

A name that a function needs from its caller says so: ``aheadN`` is where what was found out ahead about state N stands,
or 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.state.flow_prefetch_native import SMALL
from wirebrick.state.table import Table

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused

LONG = 16  # user functions: of longer chains few packets are under way at once, and look-ups are waited for
FEW = 64  # flows: tables of fewer aren't looked at ahead there


def fetches(fused: Fused) -> list[str]:
    """Lines for each table of flows (fetched is what packets ask for with ``packet.flow()``), and for what says how."""
    lines = []
    small = FEW if len(fused.functions) > LONG else SMALL
    for number, state in enumerate(fused.shared.states):
        users = [found for found in fused.functions.values() if f"ahead{number}" in found.function.needs]
        if users:
            if isinstance(state, Table):
                asked = any("flow" in found.facts.reads for found in users)
                what = f"prefetch_flows(w, t{number}, {state.stride}, {small})" if asked else "0"
            else:
                assert state.ahead is not None
                fused.shared.modules.add(state.ahead.__module__)
                what = f"{state.ahead.__name__}(w, t{number})"
            lines.append(f"    ahead{number} = {what}")
    return lines
