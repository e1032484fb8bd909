"""Counting what live ports don't send: packets, and behind that their bytes on the wire. Plain code, also compiled.

>>> import ctypes
>>> cells = (ctypes.c_int64 * 2)(5, 300)
>>> drop(ctypes.addressof(cells), 60), list(cells)
(0, [6, 360])
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64


def drop(counter: int, size: int) -> int:
    """Count a packet of ``size`` bytes that isn't sent; returns 0."""
    store64(counter, load64(counter) + 1)
    store64(counter + 8, load64(counter + 8) + size)
    return 0
