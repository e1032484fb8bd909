"""What generated code calls: small integer functions, compiled together with it.

Written like every native module, so they run in CPython too; ``unlikely`` and the other primitives that only generated
code uses are in ``intrinsics``.
"""

from __future__ import annotations

from wirebrick.packet.checksum import adjust, adjust_optional
from wirebrick.packet.frame import (
    DESCRIPTOR,
    LIST_HEAD,
    W_BURST,
    W_COUNTERS,
    W_LISTS,
)
from wirebrick.packet.memory import (
    load16,
    load16be,
    load64,
    shift_right,
    store16,
    store32,
    store64,
    to_float,
    to_int,
    wrap64,
)
from wirebrick.state.table_layout import T_COUNT

INT_MAX = (1 << 63) - 1


def range_count(start: int, stop: int, step: int) -> int:
    """How many numbers ``range(start, stop, step)`` has.

    >>> range_count(0, 10, 3), range_count(5, 0, -2), range_count(3, 3, 1)
    (4, 3, 0)
    """
    if step > 0:
        if stop <= start:
            return 0
        return steps(wrap64(stop - start - 1), step)
    if stop >= start:
        return 0
    if step < -INT_MAX:
        return 1 if wrap64(start - stop - 1) >= 0 else 2
    return steps(wrap64(start - stop - 1), -step)


def steps(distance: int, step: int) -> int:
    """``distance // step + 1`` of an unsigned distance, at most 2**63 - 1.

    >>> steps(-1, 1 << 62)  # 2**64 - 1
    4
    """
    if distance >= 0:
        return min(distance // step, INT_MAX - 1) + 1
    half = shift_right(distance, 1) // step
    if half > INT_MAX // 2 - 1:
        return INT_MAX
    rest = wrap64(distance - wrap64(2 * half * step))
    return 2 * half + (1 if 0 <= rest < step else 2)


def shift_left(value: int, bits: int) -> int:
    """The low 64 bits of ``value << bits``."""
    if bits > 63:
        return 0
    return wrap64(value << bits)


def shl_overflows(value: int, bits: int) -> int:
    """Whether ``value << bits`` leaves 64 signed bits."""
    if value == 0 or bits == 0:
        return 0
    if bits > 63:
        return 1
    if bits == 63:
        return 0 if value == -1 else 1
    limit = 1 << (63 - bits)
    return 0 if -limit <= value < limit else 1


def i_shift_right(value: int, bits: int) -> int:
    """``value >> bits`` for any number of bits."""
    if bits > 63:
        return -1 if value < 0 else 0
    return value >> bits


def u_shift_right(value: int, bits: int) -> int:
    """``value >> bits`` of an unsigned integer, for any number of bits.

    >>> u_shift_right(-1, 63), u_shift_right(-1, 64)
    (1, 0)
    """
    if bits > 63:
        return 0
    return shift_right(value, bits)


def order_int(value: int, number: float) -> int:
    """How an integer compares with a float, exactly: -1, 0 or 1; 2 if the float is no number.

    >>> order_int((1 << 53) + 1, 2.0 ** 53), order_int(-1, -0.5), order_int(3, float("nan"))
    (1, -1, 2)
    """
    if number != number:
        return 2
    if number >= 9223372036854775808.0:
        return -1
    if number < -9223372036854775808.0:
        return 1
    whole = to_int(number)
    if value != whole:
        return -1 if value < whole else 1
    rest = number - to_float(whole)
    if rest == 0.0:
        return 0
    return -1 if rest > 0.0 else 1


def order_u64(value: int, number: float) -> int:
    """The same of an unsigned integer, given by its 64 bits.

    >>> order_u64(-1, 2.0 ** 64), order_u64(-(1 << 63), 2.0 ** 63), order_u64(5, 4.5)
    (-1, 0, 1)
    """
    if value >= 0:
        return order_int(value, number)
    if number != number:
        return 2
    if number < 9223372036854775808.0:
        return 1
    return order_int(wrap64(value + INT_MAX + 1), number - 9223372036854775808.0)


def floor_div(a: int, b: int) -> int:
    """``a // b``, towards minus infinity; ``b`` is not zero."""
    return a // b


def floor_mod(a: int, b: int) -> int:
    """``a % b``, with the sign of ``b``."""
    if b == -1:
        return 0
    return a % b


def adjust_transport(at: int, old: int, new: int, protocol: int) -> None:
    """A transport checksum follows; of UDP (17) one that becomes zero is written as 0xFFFF (RFC 768)."""
    if protocol == 17:
        adjust_optional(at, old, new)
    else:
        adjust(at, old, new)


def count(context: int, number: int) -> int:
    """Add one to a counter."""
    at = load64(context + W_COUNTERS) + 8 * number
    store64(at, load64(at) + 1)
    return 0


def transmit(context: int, port: int, position: int) -> int:
    """Put a packet on a port's list."""
    listed = load64(load64(context + W_LISTS) + 8 * port)
    length = load64(listed)
    store32(listed + LIST_HEAD + 4 * length, position)
    store64(listed, length + 1)
    return 0


def position_descriptor(context: int, position: int) -> int:
    """The address of a descriptor."""
    return load64(context + W_BURST) + position * DESCRIPTOR


def table_length(block: int) -> int:
    """How many entries a table has."""
    return load64(block + T_COUNT)


def flow_ports(at: int, end: int, protocol: int, fragment: int) -> int:
    """Source port in the low, destination port in the next 16 bits: of TCP, UDP and SCTP, first fragments only."""
    if fragment != 0 or at + 4 > end:
        return 0
    if protocol == 6 or protocol == 17 or protocol == 132:
        return load16be(at) | load16be(at + 2) << 16
    return 0


def full_checksum(at: int, total: int, optional: int) -> int:
    """Store the checksum of a folded sum; an optional one that is zero is written as 0xFFFF (RFC 768)."""
    word = ~total & 0xFFFF
    if optional != 0 and word == 0:
        word = 0xFFFF
    store16(at, word)
    return load16(at)
