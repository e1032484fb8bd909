"""Functions of the C library, for native code to call."""

from __future__ import annotations

import ctypes


def libc_address(name: str) -> int:
    """Where a function of the C library is.

    >>> libc_address("send") != 0
    True
    """
    return int(ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0)
