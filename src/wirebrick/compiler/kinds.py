"""Kinds of values in user functions: the static types that the front end works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wirebrick.addresses import Address
from wirebrick.state.base import State
from wirebrick.state.record import Record
from wirebrick.stream.graph import Slot

INT_MIN, INT_MAX, U64_MAX, WIDE_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1, (1 << 128) - 1


class Kind:
    """A static type."""

    word = "a value"

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Int(Kind):
    """An integer in 64 bits: ``nat`` 0 .. 2**63-1, ``u64`` 0 .. 2**64-1, ``int`` -2**63 .. 2**63-1."""

    range: str = "int"
    address: type[Address] | None = None
    word = "an integer"


@dataclass(frozen=True)
class Wide(Kind):
    """An unsigned integer of 128 bits: an IPv6 address. Its code is a pair: high and low word."""

    address: type[Address] | None = None
    word = "an IPv6 address"


@dataclass(frozen=True)
class Bool(Kind):
    """True or False."""

    word = "a truth value"


@dataclass(frozen=True)
class Float(Kind):
    """A double."""

    word = "a float"


@dataclass(frozen=True)
class Nothing(Kind):
    """None."""

    word = "None"


@dataclass(frozen=True)
class PacketKind(Kind):
    """The packet of the function (number 0), or a copy made in it."""

    number: int
    word = "a packet"


@dataclass(frozen=True)
class HeaderKind(Kind):
    """A header of a packet's stack."""

    slot: Slot
    packet: int
    word = "a header"

    def __str__(self) -> str:
        return f"a header ({self.slot.header.__name__})"


@dataclass(frozen=True)
class OctetsKind(Kind):
    """Bytes of a packet. Its code is a pair: begin and end, relative to the packet's start.

    ``slot`` is the header they belong to (its options) or None: the payload, which can be resized if ``whole``.
    """

    packet: int
    slot: Slot | None = None
    whole: bool = False
    writable: bool = True
    word = "bytes of the packet"


@dataclass(frozen=True)
class RecordKind(Kind):
    """A record in memory; its code is the address. ``fresh``: made by this function.

    ``state``: the state object that it is a part of, where not every worker may write that.
    """

    record: type[Record]
    fresh: bool = False
    state: State | None = None
    word = "a record"

    def __str__(self) -> str:
        of = f" of {self.state.name}" if self.state is not None else ""
        return f"a record ({self.record.__name__}{of})"


@dataclass(frozen=True)
class PortKind(Kind):
    """A port: its number, or NO_PORT."""

    word = "a port"


@dataclass(frozen=True)
class WindowKind(Kind):
    """The window of a window's function; ``schema``: of its metadata, or None."""

    schema: type[Record] | None
    word = "a window"


@dataclass(frozen=True)
class EventKind(Kind):
    """The event that an event's function was called for."""

    word = "an event"


@dataclass(frozen=True)
class TupleKind(Kind):
    """Several values."""

    items: tuple[Kind, ...]
    word = "a tuple"


@dataclass(frozen=True, eq=False)
class Known(Kind):
    """A Python object known when the graph is built: a class, function, state object, text, bytes, module."""

    value: Any

    def __str__(self) -> str:
        return f"{type(self.value).__name__} {getattr(self.value, '__name__', repr(self.value))}"


NAT, INT, U64, BOOL, FLOAT, NOTHING = Int("nat"), Int("int"), Int("u64"), Bool(), Float(), Nothing()


@dataclass
class Value:
    """A value while code is emitted: its kind, the text that gives it, and its number where that is known."""

    kind: Kind
    code: Any
    const: Any = None
    delta: int | None = None  # it is the field's old value plus this, where that fits

    @property
    def is_const(self) -> bool:
        """Whether its number is known."""
        return self.const is not None


def constant(value: int | float | bool) -> Value:
    """The value of a literal."""
    if isinstance(value, bool):
        return Value(BOOL, str(value), value)
    if isinstance(value, float):
        return Value(
            FLOAT, f"float({str(value)!r})" if value != value or abs(value) == float("inf") else repr(value)
        )
    number = int(value)
    address = type(value) if isinstance(value, Address) else None
    if 0 <= number <= INT_MAX and not (address and address.bits > 64):
        return Value(Int("nat", address), str(number), number)
    if INT_MIN <= number < 0:
        return Value(Int("int", address), f"({number})", number)
    if 0 <= number <= U64_MAX and not (address and address.bits > 64):
        return Value(Int("u64", address), f"({number - (1 << 64)})", number)
    high, low = number >> 64, number & U64_MAX
    return Value(Wide(address), (signed(high), signed(low)), number)


def signed(word: int) -> str:
    """The int64 with the bits of an unsigned word, as text."""
    return f"({word - (1 << 64)})" if word >> 63 else str(word)


def join(a: Int, b: Int) -> Int:
    """The kind that a variable has which holds both."""
    address = a.address if a.address is b.address else None
    if a.range == b.range:
        return Int(a.range, address)
    ranges = {a.range, b.range}
    return Int("u64" if ranges == {"nat", "u64"} else "int", address)
