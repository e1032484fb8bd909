"""Waiting: packets that wait for what isn't known yet; one for all workers."""

from __future__ import annotations

from typing import Any

from wirebrick.packet.memory import load64, store64
from wirebrick.state import waiting_native as native
from wirebrick.state.arguments import whole
from wirebrick.state.consistency import Strict
from wirebrick.state.record import Record
from wirebrick.state.remaker import Remaker, Step

MOST, LARGEST = 4096, 9216
LIFE = 3_000_000_000  # nanoseconds


class Waiting(Remaker):
    """Up to ``capacity`` packets of up to 9,216 bytes, ``most`` of them for one key, for at most three seconds.

    ``schema``: metadata with the key in three words from the field ``field`` on. The step ``keep`` takes packets
    in: they are dropped as ``kept`` (or ``not_kept``, where they are too large); the oldest make room. ``copy``
    keeps their bytes and lets them go on, to become something else. ``give`` gives back those with the key in the
    metadata of a packet, which becomes the first of them, or is dropped as ``nobody_waited``. From outside:
    ``kept``, ``gave``, ``ousted``.
    """

    steps = {
        "keep": Step(native.waiting_keep, ("kept", "not_kept")),
        "copy": Step(native.waiting_copy, ()),
        "give": Step(native.waiting_give, ("nobody_waited",)),
    }

    def __init__(self, capacity: int, most: int, schema: type[Record], field: str) -> None:
        self.capacity = whole("Waiting", "capacity", capacity, 1, MOST, "how many packets may wait")
        self.most = whole("Waiting", "most", most, 1, capacity, "how many of one key")
        self._meta = schema.fields[field].offset
        super().__init__("waiting", Strict())

    def block_size(self) -> int:
        """Bytes of the block; slots that are never used take no memory."""
        return native.A_BEGIN + self.capacity * (native.W_BYTES + LARGEST)

    def _initialise(self, block: int) -> None:
        for at, value in (
            (native.A_SLOTS, self.capacity),
            (native.A_SIZE, native.W_BYTES + LARGEST),
            (native.A_NEXT, 1),
            (native.A_MOST, self.most),
            (native.A_LIFE, LIFE),
            (native.A_META, self._meta),
        ):
            store64(block + at, value)

    def _layout(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "most": self.most, "meta": self._meta}

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    @property
    def kept(self) -> int:
        """Packets that were taken in."""
        return self._sum(native.A_KEPT)

    @property
    def gave(self) -> int:
        """Packets that were given back."""
        return self._sum(native.A_GIVEN)

    @property
    def ousted(self) -> int:
        """Packets that made room for newer ones or waited too long."""
        return self._sum(native.A_OUSTED)
