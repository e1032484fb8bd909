"""Scanning many payloads one after the other, compiled: what baselines/hyperscan.c does."""

from __future__ import annotations

from wirebrick.packet.memory import load64
from wirebrick.state.patterns_scan_native import patterns_scan


def scan_all(block: int, found: int, payloads: int, count: int, rounds: int) -> int:
    """Scan ``count`` payloads (words: address, size) so often; the matches of all."""
    total = 0
    for _ in range(rounds):
        at = payloads
        for _ in range(count):
            total += patterns_scan(block, found, load64(at), load64(at + 8))
            at += 16
    return total
