"""The flows with the most bytes by a sketch: what a table that is too small would forget is bounded, not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.nf.monitor.flows import address_text
from wirebrick.packet.flow import FlowKey
from wirebrick.state.heavy_hitters import HeavyHitters

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report


def hitters(sketch: HeavyHitters[FlowKey], top: int) -> Report:
    """A report of the ``top`` flows of a sketch. Bytes are never too low, and too high by at most ``error``."""
    from wirebrick import Report

    rows = []
    for key, amount, error in sketch.items()[:top]:
        version, half = key.version, (1 << 64) - 1
        ends = (address_text(version, int(end) >> 64, int(end) & half) for end in (key.src, key.dst))
        rows.append((*ends, key.src_port, key.dst_port, key.protocol, amount, error))
    bound = sketch.total // sketch.capacity
    title = (
        f"heavy hitters of {sketch.total:,} bytes; every flow of more than {bound:,} is among the counters"
    )
    return Report(title, ("src", "dst", "src_port", "dst_port", "protocol", "bytes", "error"), rows)
