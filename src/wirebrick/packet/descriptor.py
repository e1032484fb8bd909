"""Descriptor: a packet's 32 bytes in the burst, by name (see ``frame.py``)."""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, D_EGRESS, D_FRAME, D_INGRESS, D_LENGTH, D_TIME, D_WIRE
from wirebrick.packet.memory import load16, load32, load64, store16


class Descriptor:
    """The descriptor at address ``at``; lengths in bytes, time in nanoseconds."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at

    @property
    def data(self) -> int:
        """Address of the packet's first byte."""
        return load64(self.at + D_DATA)

    @property
    def length(self) -> int:
        """Bytes of the packet that are in the frame."""
        return load32(self.at + D_LENGTH)

    @property
    def wire(self) -> int:
        """Bytes of the packet on the wire."""
        return load32(self.at + D_WIRE)

    @property
    def time(self) -> int:
        """Nanoseconds since 1970."""
        return load64(self.at + D_TIME)

    @property
    def ingress(self) -> int:
        """Number of the port it came from."""
        return load16(self.at + D_INGRESS)

    @property
    def egress(self) -> int:
        """Number of the port it leaves by, or NO_PORT."""
        return load16(self.at + D_EGRESS)

    @egress.setter
    def egress(self, port: int) -> None:
        store16(self.at + D_EGRESS, port)

    @property
    def frame(self) -> int:
        """Number of its frame in the mempool."""
        return load32(self.at + D_FRAME)
