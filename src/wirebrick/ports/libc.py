"""Addresses of functions of the C library, for native code to call.

>>> address_of("send") > 0
True
"""

from __future__ import annotations

import ctypes
from functools import cache

from wirebrick.errors import PortError


@cache
def address_of(name: str) -> int:
    """The address of the C library's function ``name``. Raises PortError where there is none."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except AttributeError:
        raise PortError(f"the C library has no {name}()", cure="live ports need Linux") from None
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)
