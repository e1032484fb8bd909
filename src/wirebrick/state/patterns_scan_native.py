"""A scan of Patterns, by the engine that they were made with."""

from __future__ import annotations

from wirebrick.packet.memory import load64
from wirebrick.state.hyperscan_native import hyperscan_search
from wirebrick.state.patterns_layout import F_COUNT, H_SCAN, P_HYPERSCAN
from wirebrick.state.patterns_native import patterns_begin, patterns_search

WORTHWHILE = 64  # bytes; Hyperscan takes as long as this to begin


def patterns_scan(block: int, found: int, data: int, size: int) -> int:
    """Fill the worker's list with the matches in ``size`` bytes; how many they are."""
    patterns_begin(found)
    patterns_search_all(block, found, data, size)
    return load64(found + F_COUNT)


def patterns_search_all(block: int, found: int, data: int, size: int) -> int:
    """Add all matches that lie in the data."""
    if size >= WORTHWHILE and load64(block + P_HYPERSCAN + H_SCAN) != 0:
        return hyperscan_search(block, found, data, size)
    return patterns_search(block, found, data, size)
