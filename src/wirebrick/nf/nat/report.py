"""What a NAT reports at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.state.bindings import PROTOCOLS, Bindings

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report


def summary(bindings: Bindings) -> Report:
    """Mappings made and left, by protocol; the title has sessions and what there was no room for."""
    from wirebrick import Report

    created, live = bindings.created, bindings.live
    title = f"bindings; {bindings.made:,} sessions, {bindings.peak:,} at most at once"
    if bindings.evicted:
        title += f"; {bindings.evicted:,} that nobody answered made room (raise capacity)"
    rows = [(protocol, created[protocol], live[protocol]) for protocol in PROTOCOLS]
    return Report(title, ["protocol", "made", "left"], rows)
