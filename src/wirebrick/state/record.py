"""Record: a fixed-size structure of typed fields, in host byte order: table values, keys, metadata."""

from __future__ import annotations

import ctypes
import struct
from typing import Any, ClassVar, Self, get_args, get_origin

from wirebrick.addresses import Address
from wirebrick.declare import annotations_of
from wirebrick.errors import HeaderError, caller_place
from wirebrick.fields import Bits, Float
from wirebrick.packet.faults import OWNER, Fault


class RecordField:
    """A field of a record: ``size`` bytes (1, 2, 4, 8 or 16) at ``offset``; 16 are two words, high then low."""

    def __init__(
        self, owner: type[Record], name: str, offset: int, bits: int, kind: type[Address] | type[float] | None
    ) -> None:
        self.owner = owner
        self.name = name
        self.size = size_of(bits)
        self.offset = -(-offset // min(self.size, 8)) * min(self.size, 8)
        self.bits = bits
        self.is_float = kind is float
        self.address = kind if kind is not None and issubclass(kind, Address) else None
        self.mask = (1 << bits) - 1

    @property
    def kind_name(self) -> str:
        """How users write its type.

        >>> from wirebrick.packet.flow import FlowKey
        >>> FlowKey.fields["src_port"].kind_name
        'U16'
        """
        return "F64" if self.is_float else self.address.__name__ if self.address else f"U{self.bits}"

    def read(self, at: int) -> Any:
        """The value in the record at address ``at``."""
        raw = ctypes.string_at(at + self.offset, self.size)
        if self.is_float:
            return struct.unpack("<d", raw)[0]
        value = int.from_bytes(raw[:8], "little")
        if self.size == 16:
            value = value << 64 | int.from_bytes(raw[8:], "little")
        return self.address(value) if self.address else value

    def write(self, at: int, value: Any) -> None:
        """Store the low bits of ``value``."""
        if self.is_float:
            raw = struct.pack("<d", value)
        else:
            number = int(value) & self.mask
            raw = (number >> 64).to_bytes(8, "little") if self.size == 16 else b""
            raw += (number & ((1 << 64) - 1)).to_bytes(min(self.size, 8), "little")
        ctypes.memmove(at + self.offset, raw, self.size)

    def __get__(self, record: Record | None, owner: type[Record]) -> Any:
        """The value in a record, or the field itself of a class."""
        return self if record is None else self.read(record._at)

    def __set__(self, record: Record, value: Any) -> None:
        """Store the low bits of ``value``. Raises Fault where the worker may only read the record (Bounded)."""
        if "_read_only" in record.__dict__:
            raise Fault(OWNER)
        self.write(record._at, value)


def size_of(bits: int) -> int:
    """Bytes that hold ``bits`` bits: 1, 2, 4, 8 or 16."""
    return next(size for size in (1, 2, 4, 8, 16) if bits <= 8 * size)


class Record:
    """A structure of annotated fields: U1 .. U64, F64, MacAddress, IPv4Address, IPv6Address.

    Values that don't fit keep their low bits. Equal when all fields are. Raises HeaderError for a wrong declaration
    or an unknown field.

    >>> from wirebrick.fields import U16, U64, IPv4Address
    >>> class Seen(Record):
    ...     address: IPv4Address
    ...     port: U16
    ...     count: U64
    >>> seen = Seen(address=IPv4Address("192.0.2.7"), port=65537)
    >>> seen.count += 2
    >>> seen
    Seen(address=192.0.2.7, port=1, count=2)
    """

    fields: ClassVar[dict[str, RecordField]] = {}
    size: ClassVar[int] = 0  # bytes, a multiple of 8

    def __init_subclass__(cls) -> None:
        """Lay the fields out."""
        super().__init_subclass__()
        cls.fields = {}
        end = 0
        for name, hint in annotations_of(cls):
            field = cls._declare(name, hint, end)
            end = field.offset + field.size
        cls.size = -(-end // 8) * 8

    @classmethod
    def _declare(cls, name: str, hint: Any, offset: int) -> RecordField:
        if hasattr(Record, name):
            raise HeaderError(
                f"{cls.__name__}.{name}: every record has a {name!r} of its own",
                place=caller_place(),
                cure=f"name the field differently: {name}_, say",
            )
        kind: Any = None
        bits = 0
        if isinstance(hint, type) and issubclass(hint, Address):
            kind, bits = hint, hint.bits
        elif get_origin(hint) is not None:
            for mark in get_args(hint)[1:]:
                bits = mark.count if isinstance(mark, Bits) else bits
                if isinstance(mark, Float):
                    kind, bits = float, 64
        if not bits:
            raise HeaderError(
                f"{cls.__name__}.{name}: {hint!r} is not a field type",
                place=caller_place(),
                cure="use U1 .. U64, F64 or an address type of wirebrick.fields",
            )
        field = RecordField(cls, name, offset, bits, kind)
        cls.fields[name] = field
        setattr(cls, name, field)
        return field

    def __init__(self, **values: Any) -> None:
        """Build one from field values; what is not given is zero."""
        self._own(bytes(max(1, self.size)))
        for name, value in values.items():
            if name not in self.fields:
                raise HeaderError(
                    f"{type(self).__name__} has no field {name!r}",
                    place=caller_place(),
                    cure=f"its fields are {', '.join(self.fields)}",
                )
            setattr(self, name, value)

    def _own(self, data: bytes) -> None:
        self._buffer = ctypes.create_string_buffer(data, len(data))
        self._at = ctypes.addressof(self._buffer)

    @classmethod
    def at(cls, address: int) -> Self:
        """The record that lies at ``address``: a view, not a copy."""
        record = cls.__new__(cls)
        record._at = address
        return record

    def copy(self) -> Self:
        """One of its own with the same values."""
        record = type(self).__new__(type(self))
        record._own(bytes(self))
        return record

    def __bytes__(self) -> bytes:
        """The memory it is kept in, padding included (always zero)."""
        return ctypes.string_at(self._at, self.size)

    def __eq__(self, other: object) -> bool:
        """Same type and values."""
        return type(other) is type(self) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        """By value."""
        return hash(bytes(self))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!s}" for name in self.fields)
        return f"{type(self).__name__}({values})"
