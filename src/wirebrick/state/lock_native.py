"""The lock of a state object that workers share: a word of its own pair of cache lines, 0: free, 1: taken.

Native code, and compiled for Python threads too: in CPython itself nothing is atomic.
"""

from __future__ import annotations

from wirebrick.packet.frame import W_YIELD
from wirebrick.packet.memory import call0, load64, load64_acquire, pause, store64_release, swap64_atomic

SPINS = 1000  # looks at a lock, some microseconds, before another thread is let run: it may be the holder


def lock_acquire(lock: int, context: int) -> int:
    """Wait for the lock and take it; ``context`` is the worker's."""
    spins = 0
    while swap64_atomic(lock, 0, 1) == 0:
        while load64_acquire(lock) != 0:
            pause()
            spins += 1
            if spins == SPINS:
                spins = 0
                if load64(context + W_YIELD) != 0:
                    call0(load64(context + W_YIELD))
    return 0


def lock_try(lock: int) -> int:
    """Take the lock if it is free: 1, else 0."""
    return swap64_atomic(lock, 0, 1)


def lock_release(lock: int) -> int:
    """Give the lock back; what was stored under it is seen by whoever takes it next."""
    store64_release(lock, 0)
    return 0
