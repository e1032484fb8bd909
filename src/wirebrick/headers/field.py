"""A field of a header: where its bits are, named once; reads, writes and conditions follow from that."""

from __future__ import annotations

import copy
import ctypes
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, overload

from wirebrick.addresses import Address
from wirebrick.errors import HeaderError, caller_place

if TYPE_CHECKING:
    from wirebrick.headers.header import Header


@dataclass(frozen=True)
class Term:
    """One comparison of a condition: this field, or computed value, of that header equals a value."""

    header: type[Header]
    name: str
    value: int


class Condition:
    """Fields of one header that must have certain values: what announces the header after it.

    >>> from wirebrick.headers import IPv4
    >>> (IPv4.protocol == 6) & (IPv4.fragment_offset == 0)
    IPv4.protocol == 6 & IPv4.fragment_offset == 0
    """

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self.terms = terms

    @property
    def header(self) -> type[Header]:
        """The header whose fields are compared."""
        return self.terms[0].header

    def __and__(self, other: Condition) -> Condition:
        """Both must hold. Raises HeaderError where they are about different headers."""
        if self.header is not other.header:
            raise HeaderError(
                f"{self!r} and {other!r} are about different headers",
                place=caller_place(),
                cure="all conditions joined with & must be about the header right before",
            )
        return Condition(self.terms + other.terms)

    def __bool__(self) -> bool:
        """Refused: ``and``, ``or`` and ``not`` would lose half of a condition. Raises HeaderError."""
        raise HeaderError(
            f"{self!r} is a condition on packets to come, neither true nor false",
            place=caller_place(),
            cure="join conditions with &, each in parentheses; a tuple of conditions means any of them",
        )

    def __repr__(self) -> str:
        return " & ".join(f"{t.header.__name__}.{t.name} == {t.value}" for t in self.terms)


class _Comparable:
    """What ``Header.name == value`` makes a condition of."""

    owner: type[Header]
    name: str

    def of(self, owner: type[Header]) -> Self:
        """The same, as ``owner``, a header derived from its own, has it."""
        if owner is self.owner:
            return self
        mine = copy.copy(self)
        mine.owner = owner
        return mine

    def __eq__(self, other: object) -> Any:
        """A condition, for an integer."""
        if isinstance(other, int):
            return Condition((Term(self.owner, self.name, int(other)),))
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Field(_Comparable):
    """Bits ``offset`` .. ``offset + bits`` of a header, most significant bit first (RFC 791, appendix B)."""

    def __init__(
        self,
        owner: type[Header],
        name: str,
        offset: int,
        bits: int,
        *,
        default: int = 0,
        address: type[Address] | None = None,
        space: str | None = None,
    ) -> None:
        self.owner = owner
        self.name = name
        self.offset = offset
        self.bits = bits
        self.default = default
        self.address = address
        self.space = space
        self.first = offset // 8  # first byte that holds bits of it
        self.bytes = (offset + bits + 7) // 8 - self.first
        self.shift = self.bytes * 8 - (offset % 8) - bits
        self.mask = (1 << bits) - 1

    def number(self, value: Any) -> int:
        """``value`` as a number that fits; of addresses, text and bytes too. Raises HeaderError."""
        try:
            if self.address and isinstance(value, str | bytes):
                value = self.address(value)
            number = operator.index(value)
        except (TypeError, ValueError) as error:
            raise HeaderError(
                f"{self.owner.__name__}.{self.name} = {value!r}: {error}", place=caller_place()
            ) from None
        if not 0 <= number <= self.mask:
            raise HeaderError(
                f"{self.owner.__name__}.{self.name} = {number} does not fit its {self.bits} bits",
                place=caller_place(),
            )
        return number

    def read(self, at: int) -> int:
        """Its value in the header that starts at address ``at``."""
        raw = ctypes.string_at(at + self.first, self.bytes)
        value = int.from_bytes(raw, "big") >> self.shift & self.mask
        return self.address(value) if self.address else value

    def spliced(self, at: int, value: int) -> bytes:
        """The bytes that hold it, as they are after ``value`` is stored. Raises TypeError for text and bytes."""
        if isinstance(value, str | bytes):
            raise TypeError(f"{self.owner.__name__}.{self.name} takes a number, not {value!r}")
        raw = int.from_bytes(ctypes.string_at(at + self.first, self.bytes), "big")
        raw = raw & ~(self.mask << self.shift) | (int(value) & self.mask) << self.shift
        return raw.to_bytes(self.bytes, "big")

    def __get__(self, header: Header | None, owner: type[Header]) -> Any:
        """The value in a header, or the field itself of a class."""
        return self.of(owner) if header is None else self.read(header._at)

    def __set__(self, header: Header, value: int) -> None:
        """Store the low bits of ``value``; checksums that cover it follow."""
        header._write(self, self.spliced(header._at, value))

    def __repr__(self) -> str:
        return f"<field {self.owner.__name__}.{self.name}: {self.bits} bits at {self.offset}>"


class Computed(_Comparable):
    """A value that a method computes from the bytes: read like a field, compiled like user functions."""

    def __init__(self, function: Callable[[Any], int]) -> None:
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type[Header], name: str) -> None:
        self.owner = owner

    @overload
    def __get__(self, header: None, owner: type[Header]) -> Self: ...

    @overload
    def __get__(self, header: Header, owner: type[Header]) -> int: ...

    def __get__(self, header: Header | None, owner: type[Header]) -> Any:
        """The value in a header, or the description itself of a class."""
        return self.of(owner) if header is None else self.function(header)


def computed(function: Callable[[Any], int]) -> Computed:
    """Make a method of a header a value that reads like a field (``header.name``), in conditions too."""
    return Computed(function)


class OctetsField:
    """The bytes between a header's fixed fields and its end (options, extension headers)."""

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.start = start

    def __get__(self, header: Header | None, owner: type[Header]) -> Any:
        """A bounds-checked view of the bytes."""
        return self if header is None else header._octets(self.start)
