"""Memory primitives: loads, stores and moves at an address, in host (little-endian) or network order.

Functions written with them (checksums, tables, ports) run as they are in CPython and, compiled, as one machine
instruction each: the compiler puts its own primitives of the same names in their place. All values are integers;
64-bit loads are signed. Nothing here checks bounds: callers do.

>>> import ctypes
>>> cells = (ctypes.c_uint8 * 8)(0, 1, 2, 3, 4, 5, 6, 7)
>>> at = ctypes.addressof(cells)
>>> hex(load16be(at)), hex(load16(at)), hex(load32be(at + 4))
('0x1', '0x100', '0x4050607')
>>> store16be(at, 0xABCD); cells[0], cells[1]
(171, 205)
"""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., int])
_I64, _MASK64 = 1 << 63, (1 << 64) - 1
_CALLS = {n: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * n) for n in range(8)}


def apart(function: F) -> F:
    """Mark a function that is called, not put where it is called: what surrounds the call keeps its registers."""
    return function


def inlined(function: F) -> F:
    """Mark a function whose code stands wherever it is called, however long it is."""
    return function


def load8(address: int) -> int:
    """The byte at ``address``."""
    return ctypes.c_uint8.from_address(address).value


def load16(address: int) -> int:
    """Two bytes, host order."""
    return ctypes.c_uint16.from_address(address).value


def load32(address: int) -> int:
    """Four bytes, host order."""
    return ctypes.c_uint32.from_address(address).value


def load64(address: int) -> int:
    """Eight bytes, host order, signed."""
    return ctypes.c_int64.from_address(address).value


def store8(address: int, value: int) -> None:
    """Store the low 8 bits of ``value``."""
    ctypes.c_uint8.from_address(address).value = value & 0xFF


def store16(address: int, value: int) -> None:
    """Store the low 16 bits, host order."""
    ctypes.c_uint16.from_address(address).value = value & 0xFFFF


def store32(address: int, value: int) -> None:
    """Store the low 32 bits, host order."""
    ctypes.c_uint32.from_address(address).value = value & 0xFFFFFFFF


def store64(address: int, value: int) -> None:
    """Store the low 64 bits, host order."""
    ctypes.c_uint64.from_address(address).value = value & _MASK64


def store64x4(address: int, a: int, b: int, c: int, d: int) -> None:
    """Four of them side by side: compiled, one store of a vector."""
    for number, value in enumerate((a, b, c, d)):
        store64(address + 8 * number, value)


def load16be(address: int) -> int:
    """Two bytes, network order."""
    return int.from_bytes(ctypes.string_at(address, 2), "big")


def load32be(address: int) -> int:
    """Four bytes, network order."""
    return int.from_bytes(ctypes.string_at(address, 4), "big")


def load64be(address: int) -> int:
    """Eight bytes, network order, signed."""
    return int.from_bytes(ctypes.string_at(address, 8), "big", signed=True)


def store16be(address: int, value: int) -> None:
    """Store the low 16 bits, network order."""
    ctypes.memmove(address, (value & 0xFFFF).to_bytes(2, "big"), 2)


def store32be(address: int, value: int) -> None:
    """Store the low 32 bits, network order."""
    ctypes.memmove(address, (value & 0xFFFFFFFF).to_bytes(4, "big"), 4)


def store64be(address: int, value: int) -> None:
    """Store the low 64 bits, network order."""
    ctypes.memmove(address, (value & _MASK64).to_bytes(8, "big"), 8)


def copy(to: int, source: int, size: int) -> None:
    """Move ``size`` bytes; the ranges may overlap."""
    ctypes.memmove(to, source, size)


def fill(to: int, value: int, size: int) -> None:
    """Set ``size`` bytes to ``value``."""
    ctypes.memset(to, value, size)


def wrap64(value: int) -> int:
    """``value`` modulo 2**64, as a signed integer: makes wrap-around arithmetic alike in both ways to run."""
    value &= _MASK64
    return value - (1 << 64) if value & _I64 else value


def shift_right(value: int, bits: int) -> int:
    """Logical (zero-filling) shift of the 64-bit pattern of ``value``, by 0 to 63 bits."""
    return wrap64((value & _MASK64) >> bits)


def fold_multiply(a: int, b: int) -> int:
    """The lower half of the 128-bit product of two words, without signs, with its upper half xored in.

    >>> fold_multiply(3, 5), fold_multiply(-1, 2)
    (15, -1)
    """
    product = (a & _MASK64) * (b & _MASK64)
    return wrap64(product ^ product >> 64)


def opaque(value: int) -> int:
    """``value``, of which a compiler knows nothing: arithmetic that takes the place of a branch stays arithmetic."""
    return value


def trailing_zeros(value: int) -> int:
    """How many of the lowest of 64 bits are zero before the first that isn't; 64 of 0.

    >>> trailing_zeros(40), trailing_zeros(0)
    (3, 64)
    """
    value &= _MASK64
    return (value & -value).bit_length() - 1 if value else 64


def lanes_within(low: int, high: int, a: int, b: int) -> int:
    """1 where each of the eight 16-bit lanes of two words is from the lane at ``low`` to the one at ``high``.

    >>> bounds = (ctypes.c_uint16 * 16)(*[5] * 8, *[9] * 8)
    >>> at = ctypes.addressof(bounds)
    >>> lanes_within(at, at + 16, 0x0005_0006_0007_0008, 0x0009_0009_0009_0009)
    1
    >>> lanes_within(at, at + 16, 0x0005_0006_0007_0008, 0x0009_0009_0009_000A)
    0
    """
    lanes = struct.unpack("<8H", struct.pack("<QQ", a & _MASK64, b & _MASK64))
    lows = struct.unpack("<8H", ctypes.string_at(low, 16))
    highs = struct.unpack("<8H", ctypes.string_at(high, 16))
    return int(all(one <= lane <= other for one, lane, other in zip(lows, lanes, highs, strict=True)))


def to_float(value: int) -> float:
    """The float nearest to an integer."""
    return float(value)


def to_int(value: float) -> int:
    """A float without its fraction; it must fit 64 bits."""
    return int(value)


def cycles() -> int:
    """A counter that ticks at about the processor's clock: RDTSC compiled, nanoseconds in CPython."""
    return time.perf_counter_ns()


def load64_acquire(address: int) -> int:
    """As ``load64``; what another worker stored before it stored this is seen from here on."""
    return load64(address)


def store64_release(address: int, value: int) -> None:
    """As ``store64``; who loads this with ``load64_acquire`` sees what was stored before."""
    store64(address, value)


def load32_acquire(address: int) -> int:
    """As ``load32``, with the order of ``load64_acquire``: for rings that the kernel shares."""
    return load32(address)


def store32_release(address: int, value: int) -> None:
    """As ``store32``, with the order of ``store64_release``."""
    store32(address, value)


def add64_atomic(address: int, value: int) -> int:
    """Add to 64 bits in one step that no other worker can come between; what was there before.

    In CPython nothing is atomic: interpreted workers hold a lock around it.
    """
    old = load64(address)
    store64(address, old + value)
    return old


def swap64_atomic(address: int, expected: int, value: int) -> int:
    """Store ``value`` if ``expected`` is there, in one step: 1, else 0 and nothing is stored."""
    if load64(address) != expected:
        return 0
    store64(address, value)
    return 1


def prefetch(address: int) -> None:
    """Have the cache line fetched that will be needed soon; any address may be given."""


def pause() -> None:
    """Tell the processor that this thread spins."""


def call0(function: int) -> int:
    """Call native code at an address."""
    return int(_CALLS[0](function)())


def call1(function: int, a: int) -> int:
    """Call native code at an address."""
    return int(_CALLS[1](function)(a))


def call3(function: int, a: int, b: int, c: int) -> int:
    """Call native code at an address."""
    return int(_CALLS[3](function)(a, b, c))


def call4(function: int, a: int, b: int, c: int, d: int) -> int:
    """Call native code at an address."""
    return int(_CALLS[4](function)(a, b, c, d))


def call7(function: int, a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> int:
    """Call native code at an address."""
    return int(_CALLS[7](function)(a, b, c, d, e, f, g))
