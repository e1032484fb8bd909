"""A port over Python's own packets: an iterable of them to receive, a list to transmit to.

>>> PacketsPort(received=[bytes(60)]).can_transmit
False
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wirebrick.ports.base import Port, Sink, Source
from wirebrick.ports.pcap.packets import ListSink, ListSource


class PacketsPort(Port):
    """Receives from ``received`` (bytes, or (nanoseconds, bytes)), or appends bytes to ``transmitted``."""

    cuts = True
    burst = 256  # as of captures

    def __init__(
        self, *, received: Iterable[Any] | None = None, transmitted: list[bytes] | None = None
    ) -> None:
        super().__init__("packets from Python")
        self.can_receive = received is not None
        self.can_transmit = transmitted is not None
        self._received: Iterable[Any] = () if received is None else received
        self._transmitted: list[bytes] = [] if transmitted is None else transmitted
        self._largest = super().frame_size

    @property
    def frame_size(self) -> int:
        """The largest packet, in bytes."""
        return self._largest

    def source(self, worker: int, workers: int) -> Source:
        """A source over the packets, for the worker that receives for all."""
        source = ListSource(self._received)
        self._largest = source.frame_size
        return source

    def sink(self, worker: int, workers: int) -> Sink:
        """A sink that appends to the list, one for each worker."""
        return ListSink(self._transmitted)
