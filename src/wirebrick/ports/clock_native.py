"""The time of a burst: the C library's clock, asked once for all of its packets.

>>> import ctypes
>>> cell = (ctypes.c_int64 * 2)()
>>> function = ctypes.cast(ctypes.CDLL(None).clock_gettime, ctypes.c_void_p).value
>>> 1_700_000_000 < clock(function, ctypes.addressof(cell)) // 1_000_000_000 < 4_000_000_000
True
"""

from __future__ import annotations

from wirebrick.packet.memory import call3, load64

REALTIME = 0


def clock(function: int, cell: int) -> int:
    """Nanoseconds since 1970; ``function``: address of clock_gettime(3), ``cell``: of 16 bytes to write to."""
    call3(function, REALTIME, cell, 0)
    return load64(cell) * 1_000_000_000 + load64(cell + 8)
