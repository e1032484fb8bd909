"""Reassembler: fragments of IP packets become the packets they were."""

from __future__ import annotations

from typing import Any

from wirebrick.packet.memory import load64, store64
from wirebrick.state import reassembler_native as native
from wirebrick.state.arguments import whole
from wirebrick.state.remaker import Remaker, Step
from wirebrick.state.table import seed

MOST = 1 << 16

REASONS = ("fragment_kept", "cut_short", "malformed", "overlapping", "duplicate", "too_large")


class Reassembler(Remaker):
    """Joins fragments of up to ``capacity`` IPv4 and IPv6 packets at once, for ``remake``; each for ``timeout`` ns.

    The packet with the last missing fragment becomes the whole; those before are dropped as ``fragment_kept``. One
    fragment that overlaps another spoils the packet; one that comes twice is a ``duplicate``. ``largest``: bytes
    of the largest packet that frames are to hold; larger ones are dropped as ``too_large``. Memory of a worker:
    74 KB for each packet, as far as it was ever used. From outside: ``totals()``.
    """

    steps = {"join": Step(native.reassemble, REASONS)}

    def __init__(self, capacity: int, timeout: int, largest: int) -> None:
        self.capacity = whole("Reassembler", "capacity", capacity, 1, MOST, "how many packets at once")
        self.timeout = timeout
        self.least_frame = largest
        self._sets = 1
        while self._sets * native.WAYS < capacity:
            self._sets *= 2
        super().__init__("fragments")

    def block_size(self) -> int:
        """Bytes of a block."""
        return native.R_BEGIN + self._sets * native.WAYS * native.SLOT

    def _initialise(self, block: int) -> None:
        store64(block + native.R_SETS, self._sets)
        store64(block + native.R_LIFE, self.timeout)
        store64(block + native.R_RANDOM, seed())
        store64(block + native.R_RANDOM + 8, seed() * 0x9E3779B97F4A7C15)

    def _layout(self) -> dict[str, Any]:
        return {"sets": self._sets, "timeout": self.timeout}

    def totals(self) -> dict[str, int]:
        """What was counted, over all workers."""
        words = {
            "fragments": native.R_FRAGMENTS,
            "packets": native.R_WHOLE,
            "timed out": native.R_TIMEOUT,
            "overlapping": native.R_OVERLAPPING,
            "ousted": native.R_OUSTED,
            "too large": native.R_TOO_LARGE,
        }
        return {name: sum(load64(block + word) for block in self.blocks) for name, word in words.items()}
