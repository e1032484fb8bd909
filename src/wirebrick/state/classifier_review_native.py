"""How the rows of a classifier lie to each other: which are covered whole by an earlier one, and which overlap."""

from __future__ import annotations

from wirebrick.packet.memory import lanes_within, load8, load32, load64, store32, store64
from wirebrick.state.classifier_native import CHUNK

# The job: 64-bit words, by byte offset.
V_COUNT = 0  # rows
V_CHUNKS = 8
V_RARE_CHUNKS = 16
V_BOXES = 24  # address of the rows' boxes
V_RARE = 32  # address of the boxes of their rare parts
V_ASKS = 40  # address of a byte for each row: whether its rare part counts
V_GROUPS = 48  # address of the groups that rows are of, u32
V_KINDS = 56  # address of a byte for each row: rows of the same kind don't contradict each other
V_COVERED = 64  # address, u32 for each row: one more than the first row that covers it whole, or 0
V_PAIRS = 72  # address of pairs of rows that overlap in part, u32 each
V_MOST = 80  # pairs there is room for
V_FOUND = 88  # pairs there are
V_BOUNDS = 96  # address of a chunk of the least, and one of the greatest numbers
JOB = 104


def review(job: int) -> int:
    """Look at every two rows of different groups; what is found stands where the job says."""
    chunks = load64(job + V_CHUNKS)
    rare = load64(job + V_RARE_CHUNKS)
    asks = load64(job + V_ASKS)
    groups = load64(job + V_GROUPS)
    kinds = load64(job + V_KINDS)
    boxes = load64(job + V_BOXES)
    rares = load64(job + V_RARE)
    bounds = load64(job + V_BOUNDS)
    size = 2 * CHUNK * chunks
    for later in range(1, load64(job + V_COUNT)):
        inner = boxes + later * size
        for earlier in range(later):
            outer = boxes + earlier * size
            if meet(outer, inner, chunks, bounds) == 0 or load32(groups + 4 * earlier) == load32(
                groups + 4 * later
            ):
                continue
            looked = load8(asks + earlier) | load8(asks + later)
            rare_outer = rares + earlier * rare * (2 * CHUNK)
            rare_inner = rares + later * rare * (2 * CHUNK)
            if looked != 0 and meet(rare_outer, rare_inner, rare, bounds) == 0:
                continue
            covered = holds(outer, inner, chunks)
            if covered != 0 and load8(asks + earlier) != 0:
                covered = holds(rare_outer, rare_inner, rare)
            if covered != 0:
                store32(load64(job + V_COVERED) + 4 * later, earlier + 1)
                break
            if load8(kinds + earlier) == load8(kinds + later):
                continue
            covers = holds(inner, outer, chunks)
            if covers != 0 and load8(asks + later) != 0:
                covers = holds(rare_inner, rare_outer, rare)
            if covers == 0:
                found = load64(job + V_FOUND)
                if found < load64(job + V_MOST):
                    store32(load64(job + V_PAIRS) + 8 * found, earlier)
                    store32(load64(job + V_PAIRS) + 8 * found + 4, later)
                store64(job + V_FOUND, found + 1)
    return 0


def meet(one: int, other: int, chunks: int, bounds: int) -> int:
    """1 where some key is in both boxes."""
    for chunk in range(chunks):
        low = one + chunk * CHUNK
        low2 = other + chunk * CHUNK
        high2 = low2 + chunks * CHUNK
        if lanes_within(low, bounds + CHUNK, load64(high2), load64(high2 + 8)) == 0:
            return 0
        if lanes_within(bounds, low + chunks * CHUNK, load64(low2), load64(low2 + 8)) == 0:
            return 0
    return 1


def holds(outer: int, inner: int, chunks: int) -> int:
    """1 where all keys of a box are in another."""
    for chunk in range(chunks):
        low = outer + chunk * CHUNK
        high = low + chunks * CHUNK
        low2 = inner + chunk * CHUNK
        high2 = low2 + chunks * CHUNK
        if lanes_within(low, high, load64(low2), load64(low2 + 8)) == 0:
            return 0
        if lanes_within(low, high, load64(high2), load64(high2 + 8)) == 0:
            return 0
    return 1
