"""Hyperscan's scan from compiled code, and the function that it calls for each match, compiled too."""

from __future__ import annotations

from wirebrick.packet.memory import call7, load64
from wirebrick.state.patterns_layout import (
    F_WORKER,
    H_CALLBACK,
    H_DATABASE,
    H_SCAN,
    H_SCRATCHES,
    MASK32,
    P_HYPERSCAN,
)
from wirebrick.state.patterns_native import patterns_add


def hyperscan_search(block: int, found: int, data: int, size: int) -> int:
    """Add all matches that lie in the data."""
    own = block + P_HYPERSCAN
    scratch = load64(load64(own + H_SCRATCHES) + 8 * load64(found + F_WORKER))
    call7(
        load64(own + H_SCAN),
        load64(own + H_DATABASE),
        data,
        size,
        0,
        scratch,
        load64(own + H_CALLBACK),
        found,
    )
    return 0


def hyperscan_match(number: int, begin: int, end: int, flags: int, found: int) -> int:
    """``match_event_handler``: go on (0) behind each match. Of ``number``, a C int, only 32 bits are there."""
    patterns_add(found, number & MASK32, end)
    return 0
