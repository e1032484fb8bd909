"""Counter's native part: a block is one u64."""

from __future__ import annotations

from wirebrick.packet.memory import add64_atomic, load64, store64, wrap64


def counter_add(block: int, n: int) -> int:
    """Add ``n``, modulo 2**64."""
    store64(block, wrap64(load64(block) + n))
    return 0


def counter_add_atomic(block: int, n: int) -> int:
    """Add ``n`` in one step that no other worker can come between."""
    add64_atomic(block, n)
    return 0
