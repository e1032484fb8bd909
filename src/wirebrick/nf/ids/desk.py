"""Desk: what each worker has of its own while it looks at packets: flows, filters' counts, hits, scratch memory."""

from __future__ import annotations

from collections import Counter

from wirebrick.nf.ids import layout
from wirebrick.packet.memory import load64, store64
from wirebrick.state.base import LINES, State
from wirebrick.state.patterns_layout import F_MATCHES, F_MOST, F_ONCE, F_WORKER, MATCH
from wirebrick.state.regexes_layout import W_LISTS
from wirebrick.state.regexes_native import LISTS, STACK
from wirebrick.state.table import seed
from wirebrick.state.table_layout import T_COUNT, T_EVICTED, table_init, table_size, table_stride

COUNTERS = {
    "packets": layout.C_PACKETS,
    "pieces of streams": layout.C_CHUNKS,
    "given up": layout.C_GIVEN_UP,
    "alerts beyond 64 of a packet": layout.C_CROWDED,
    "dropped": layout.C_DROPPED,
    "resets": layout.C_RESETS,
    "flows blocked": layout.C_BLOCKS,
}


class Desk(State):
    """``rules``, ``slots``, ``literals``: for how many there is room; ``bits``: flow bits of a flow."""

    saveable = False

    def __init__(self, *, rules: int, slots: int, literals: int, bits: int, flows: int, idle: float) -> None:
        super().__init__("what ids knows of flows")
        self.words = -(-bits // 64)
        self.flows, self.slots, self.literals, self.idle = flows, slots, literals, round(idle * 1e9)
        self.value = 8 + 8 * self.words
        at = _line(layout.D_END)
        self.parts: dict[int, int] = {}
        for word, size in (
            (layout.D_HITS, 16 * slots),
            (layout.D_SEEN, 4 * rules),
            (layout.D_LIST, 4 * rules),
            (layout.D_FOUND, F_MATCHES + (MATCH + 4) * literals),
            (layout.D_WAYS, W_LISTS + 3 * LISTS + STACK),
            (layout.D_FLOWS, table_size(flows, layout.KEY, self.value)),
            (layout.D_TRACKS, table_size(flows, layout.TRACK, layout.TRACKED)),
        ):
            self.parts[word] = at
            at = _line(at + size)
        self.size = at

    def block_size(self) -> int:
        """Bytes of a worker's."""
        return self.size

    def _begin(self, block: int, number: int) -> None:
        for word, offset in self.parts.items():
            store64(block + word, offset)
        found = block + self.parts[layout.D_FOUND]
        store64(found + F_WORKER, number)
        store64(found + F_MOST, self.literals)
        store64(found + F_ONCE, 4 * self.literals)
        flows, tracks = (block + self.parts[word] for word in (layout.D_FLOWS, layout.D_TRACKS))
        table_init(flows, self.flows, layout.KEY, self.value, self.idle, 0, seed())
        table_init(tracks, self.flows, layout.TRACK, layout.TRACKED, 0, 0, seed())
        store64(block + layout.D_FLOW_STRIDE, table_stride(layout.KEY, self.value))
        store64(block + layout.D_TRACK_STRIDE, table_stride(layout.TRACK, layout.TRACKED))
        store64(block + layout.D_BITS, self.words)

    def counters(self) -> dict[str, int]:
        """What was counted in all workers."""
        found = {name: sum(load64(block + at) for block in self.blocks) for name, at in COUNTERS.items()}
        for name, part in (("flows forgotten", layout.D_FLOWS), ("filters forgotten", layout.D_TRACKS)):
            found[name] = sum(load64(block + self.parts[part] + T_EVICTED) for block in self.blocks)
        return found

    @property
    def known(self) -> int:
        """Flows that are remembered, in all workers."""
        return sum(load64(block + self.parts[layout.D_FLOWS] + T_COUNT) for block in self.blocks)

    def hits(self, count: int) -> tuple[Counter[int], Counter[int]]:
        """How often the rules of the first ``count`` slots matched, and how often that was told."""
        matched, told = Counter[int](), Counter[int]()
        for block in self.blocks:
            at = block + self.parts[layout.D_HITS]
            for slot in range(count):
                matched[slot] += load64(at + 16 * slot)
                told[slot] += load64(at + 16 * slot + 8)
        return matched, told


def _line(size: int) -> int:
    return -(-size // LINES) * LINES
