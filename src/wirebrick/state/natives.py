"""Native functions called from Python threads, where only compiled code is atomic, or fast enough."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from wirebrick.errors import StateError

PATIENCE = 10.0  # seconds; a user function's fuel is used up long before


@cache
def compiled(module: str, function: str, arguments: int) -> Callable[..., int]:
    """A function of a native module as machine code, to be called with integers; it runs without the GIL.

    >>> compiled("wirebrick.state.views_native", "board_size", 1)(2)
    640
    """
    # Imported here: what is only listed or described needs no compiler.
    from wirebrick.compiler.native import load_native

    address = load_native(module, {function: arguments})[function]
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)(address)
    return lambda *values: int(call(*values))


@contextmanager
def held(lock: int, name: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock (``lock_native``) of the object called ``name``.

    Raises StateError where it stays taken for ``patience`` seconds.
    """
    take = compiled("wirebrick.state.lock_native", "lock_try", 1)
    give_back = compiled("wirebrick.state.lock_native", "lock_release", 1)
    deadline = time.monotonic() + patience
    while not take(lock):
        if time.monotonic() > deadline:
            raise StateError(
                f"{name} is in use by a worker that does not let go of it",
                cure="look for a warning that names a worker that hangs",
            )
        time.sleep(0)
    try:
        yield
    finally:
        give_back(lock)
