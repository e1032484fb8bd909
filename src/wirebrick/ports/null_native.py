"""The native part of `null:`: nothing comes in, everything that goes out is taken.

>>> import ctypes
>>> three = (ctypes.c_uint8 * 20)(3)
>>> transmit(0, 0, ctypes.addressof(three), 1)
2
>>> receive(0, 0, 32)
-1
"""

from __future__ import annotations

from wirebrick.packet.memory import load64
from wirebrick.ports.base import ENDED


def receive(state: int, context: int, room: int) -> int:
    """End at once: there is nothing to receive."""
    return ENDED


def transmit(state: int, context: int, transmit_list: int, start: int) -> int:
    """Take the packets at list positions ``start`` to the end, all of them."""
    return load64(transmit_list) - start
