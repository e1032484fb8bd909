"""Tap: one capture's rings, one for each worker, and their reader; the tables by which workers find them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from wirebrick.packet.memory import load64, store64
from wirebrick.runtime import tap_native as native
from wirebrick.runtime.blocks import Blocks
from wirebrick.runtime.points import Point

RING_BYTES = 1 << 22  # of a worker's ring: some milliseconds of the fastest traffic
ALL = 1 << 62

_DRAIN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


class Tap:
    """Packets of a point, of ``workers`` workers: at most ``count`` of each, cut to ``snaplen`` bytes.

    ``matches``: address of a filter or 0. ``size``: bytes of a ring, a power of two.
    """

    def __init__(
        self,
        point: Point,
        workers: int,
        *,
        matches: int = 0,
        snaplen: int,
        count: int | None = None,
        size: int = RING_BYTES,
    ) -> None:
        # Imported here: describing runs needs no compiler.
        from wirebrick.compiler.native import load_native

        self.point = point
        self._drain = _DRAIN(load_native("wirebrick.runtime.tap_native", {"drain": 2})["drain"])
        self._blocks = Blocks()
        self.rings = [
            self._ring(size, matches, snaplen, ALL if count is None else count) for _ in range(workers)
        ]
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))

    def _ring(self, size: int, matches: int, snaplen: int, count: int) -> int:
        ring = self._blocks.take(native.TAP_RING)
        for word, value in (
            (native.T_BASE, self._blocks.take(size)),
            (native.T_MASK, size - 1),
            (native.T_FILTER, matches),
            (native.T_SNAPLEN, snaplen),
            (native.T_LEFT, count),
        ):
            store64(ring + word, value)
        return ring

    def read(self, worker: int) -> memoryview:
        """What one worker's ring has, whole records of a capture; good until the next call."""
        return self._view[: self._drain(self.rings[worker], self._address)]

    @property
    def taken(self) -> int:
        """Packets that matched and were kept."""
        return sum(load64(ring + native.T_TAKEN) for ring in self.rings)

    @property
    def missed(self) -> int:
        """Packets that matched while there was no room for them."""
        return sum(load64(ring + native.T_MISSED) for ring in self.rings)


class TapTable:
    """One worker's tap table: which rings watch which counter, of ``counters``, and which of ``ports``."""

    def __init__(self, worker: int, taps: Sequence[Tap], counters: int, ports: int) -> None:
        self._blocks = Blocks()
        self._taps = list(taps)  # whoever holds the table holds the rings
        self.address = self._blocks.take(native.TAP_POINTS + 8 * counters)
        receiving, transmitting = self._blocks.take(8 * ports), self._blocks.take(8 * ports)
        store64(self.address + native.TAP_RX, receiving)
        store64(self.address + native.TAP_TX, transmitting)
        for tap in taps:
            words = [self.address + native.TAP_POINTS + 8 * number for number in tap.point.counters]
            words += [receiving + 8 * port for port in tap.point.receiving]
            words += [transmitting + 8 * port for port in tap.point.transmitting]
            for word in words:
                self._link(word, tap.rings[worker])

    def _link(self, word: int, ring: int) -> None:
        link = self._blocks.take(native.LINK)
        store64(link + native.LINK_NEXT, load64(word))
        store64(link + native.LINK_RING, ring)
        store64(word, link)
