"""Comparing memory word by word: keys, records. Runs as it is in CPython, and compiled.

>>> import ctypes
>>> words = (ctypes.c_uint64 * 4)(1, 2, 1, 3)
>>> at = ctypes.addressof(words)
>>> same_words(at, at + 16, 8), same_words(at, at + 16, 16)
(1, 0)
"""

from __future__ import annotations

from wirebrick.packet.memory import load64


def same_words(a: int, b: int, size: int) -> int:
    """1 where ``size`` bytes, whole 64-bit words, are equal, else 0; a constant size needs no loop."""
    for offset in range(0, size, 8):
        if load64(a + offset) != load64(b + offset):
            return 0
    return 1
