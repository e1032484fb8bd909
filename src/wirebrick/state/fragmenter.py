"""Fragmenter: IP packets larger than an MTU are split into fragments."""

from __future__ import annotations

from typing import Any

from wirebrick.packet.memory import load64, store64
from wirebrick.state import fragmenter_native as native
from wirebrick.state.arguments import whole
from wirebrick.state.record import Record
from wirebrick.state.remaker import Remaker, Step
from wirebrick.state.table import seed

LEAST, MOST = 28, 65535


class Fragmenter(Remaker):
    """Splits IPv4 and IPv6 packets larger than ``mtu`` bytes, for ``remake``.

    ``schema``: metadata whose field ``mtu`` (U16) says it for each packet. Later fragments have those options of
    IPv4 that say so, and the extension headers of IPv6 that routers look at. Fragments are split further. From
    outside: ``split`` and ``pieces``, packets that were split, and what they became. Raises GraphError for a
    wrong mtu.
    """

    steps = {"split": Step(native.fragment, ("cut_short", "dont_fragment", "no_room", "mtu_too_small"))}

    def __init__(self, mtu: int = MOST, schema: type[Record] | None = None) -> None:
        self.mtu = whole("Fragmenter", "mtu", mtu, LEAST, MOST, "bytes of the largest IP packet")
        self._meta = -1 if schema is None else schema.fields["mtu"].offset
        super().__init__(f"fragments of {mtu} bytes" if schema is None else "fragments")

    def block_size(self) -> int:
        """Bytes of a block."""
        return native.G_SIZE

    def _initialise(self, block: int) -> None:
        store64(block + native.G_MTU, self.mtu)
        store64(block + native.G_META, self._meta)
        store64(block + native.G_NEXT, (seed() ^ block >> 4) & 0xFFFFFFFF)

    def _layout(self) -> dict[str, Any]:
        return {"mtu": self.mtu, "meta": self._meta}

    @property
    def split(self) -> int:
        """Packets that were split."""
        return sum(load64(block + native.G_SPLIT) for block in self.blocks)

    @property
    def pieces(self) -> int:
        """Fragments that they became."""
        return sum(load64(block + native.G_PIECES) for block in self.blocks)
