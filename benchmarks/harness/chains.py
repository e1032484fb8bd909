"""Network functions that only measuring needs."""

from __future__ import annotations

from wirebrick import Stream, network_function


@network_function
def discard(packets: Stream) -> None:
    """Drop every packet unseen: what is left is the work of receiving."""
    packets.drop("discarded")
