"""MatchList: where the matches of a scan are put, each worker's own."""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64
from wirebrick.state import patterns_layout as layout
from wirebrick.state.base import State


class MatchList(State):
    """Room for ``most`` matches; ``literals``: how many can be told apart where each is wanted once, else 0."""

    saveable = False

    def __init__(self, name: str, most: int, literals: int) -> None:
        super().__init__(name)
        self.most = most
        self.literals = literals

    def block_size(self) -> int:
        """Bytes of a worker's list."""
        return layout.F_MATCHES + layout.MATCH * self.most + 4 * self.literals

    def _begin(self, block: int, number: int) -> None:
        store64(block + layout.F_WORKER, number)
        store64(block + layout.F_MOST, self.most)
        store64(block + layout.F_ONCE, 4 * self.literals)

    @property
    def lost(self) -> int:
        """Matches for which there was no room, in all workers."""
        return sum(load64(block + layout.F_LOST) for block in self.blocks)
