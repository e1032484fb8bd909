"""Random's native part: xoroshiro128+ (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021).

A block is two u64, not both zero. Of its output the upper bits are used: they are the better ones.

>>> import ctypes
>>> words = (ctypes.c_int64 * 2)()
>>> block = ctypes.addressof(words)
>>> random_seed(block, 1), random_below(block, 100), random_below(block, 100), random_chance(block, CERTAIN)
(0, 31, 95, 1)
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, shift_right, store64, wrap64

CERTAIN = 1 << 32  # a chance of 1
_MASK = (1 << 64) - 1


def _rotate(x: int, by: int) -> int:
    return wrap64(x << by) | shift_right(x, 64 - by)


def random_next(block: int) -> int:
    """32 random bits."""
    a = load64(block)
    b = load64(block + 8)
    found = shift_right(wrap64(a + b), 32)
    b = b ^ a
    store64(block, _rotate(a, 24) ^ b ^ wrap64(b << 16))
    store64(block + 8, _rotate(b, 37))
    return found


def _mix(x: int) -> int:
    """One step of SplitMix64 (Steele, Lea, Flood, 2014)."""
    x = wrap64((x ^ shift_right(x, 30)) * -4658895280553007687)
    x = wrap64((x ^ shift_right(x, 27)) * -7723592293110705685)
    return x ^ shift_right(x, 31)


def random_seed(block: int, seed: int) -> int:
    """Begin anew with a seed. Returns 0."""
    golden = -7046029254386353131
    store64(block, _mix(wrap64(seed + golden)))
    store64(block + 8, _mix(wrap64(seed + wrap64(2 * golden))) | 1)
    return 0


def random_below(block: int, n: int) -> int:
    """A number from 0 to ``n`` - 1, with ``n`` up to 2**31 each as likely as the others but for 1 in 2**32; 0 for 0."""
    return (random_next(block) * min(n, 1 << 31)) >> 32


def random_chance(block: int, likely: int) -> int:
    """1 in ``likely`` of CERTAIN cases."""
    return 1 if random_next(block) < likely else 0
