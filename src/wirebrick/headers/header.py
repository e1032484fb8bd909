"""Header: the base of every protocol header, shipped or the user's own."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from inspect import get_annotations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_args, get_origin

from wirebrick.addresses import Address
from wirebrick.declare import annotations_of
from wirebrick.errors import HeaderError, caller_place
from wirebrick.fields import Bits, Space, Variable
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.field import Condition, Field, OctetsField
from wirebrick.packet.octets import Octets

if TYPE_CHECKING:
    from wirebrick.packet.packet import Packet


class Header:
    """A protocol header, declared by annotated fields from its first bit on; also a view of one in a packet.

    Class attributes and methods that a header may give:

    - ``announced_by``: a condition, or a tuple of them, on headers before it (``UDP.dst_port == 4789``); none
      means that it may follow anything. ``starts_packet``: it may also be the first of a packet.
    - ``header_length(self)``: its length in bytes, where that depends on the contents (the fixed fields
      otherwise).
    - ``claimed_payload(self)``: how many bytes behind it are its payload, where it says so (negative:
      malformed).
    - ``valid(self)``: whether version and length fields make sense.
    - ``checksum_rule``: a ``Checksum``; ``pseudo_header``: its fields that a pseudo-header checksum covers.
    - ``length_field``: the field that counts the bytes behind the header (and ``length_includes_header``).

    The three methods, and those marked ``@computed``, are compiled like user functions. A header derived from
    another has its fields first. Raises HeaderError for a wrong declaration.

    >>> from wirebrick.fields import U4, U8, U16
    >>> from wirebrick.headers import UDP
    >>> class Probe(Header):
    ...     '''A probe of ours on UDP port 9999.'''
    ...     version: U4 = 1
    ...     hops: U4
    ...     kind: U8
    ...     serial: U16
    ...     announced_by = UDP.dst_port == 9999
    >>> probe = Probe(hops=3, serial=0x1234)
    >>> probe
    Probe(version=1, hops=3, kind=0, serial=4660)
    >>> bytes(probe), Probe.size
    (b'\\x13\\x00\\x124', 4)
    >>> Probe.from_bytes(b"\\x1f\\x00\\x00\\x01").hops
    15
    """

    size: ClassVar[int] = 0  # bytes of the fixed fields
    fields: ClassVar[dict[str, Field]] = {}
    octets_name: ClassVar[str | None] = None  # of the variable part
    announced_by: ClassVar[Any] = ()
    starts_packet: ClassVar[bool] = False
    checksum_rule: ClassVar[Checksum | None] = None
    pseudo_header: ClassVar[tuple[str, ...]] = ()
    length_field: ClassVar[str | None] = None
    length_includes_header: ClassVar[bool] = True

    _at: int
    _end: int
    _packet: Packet | None
    _index: int

    def __init_subclass__(cls) -> None:
        """Lay the fields out, behind those of the header it is derived from."""
        super().__init_subclass__()
        cls.fields = {name: field.of(cls) for name, field in cls.fields.items()}
        offset = cls.size * 8
        for name in get_annotations(cls):
            if name.startswith("_") or hasattr(Header, name):
                raise HeaderError(
                    f"{cls.__name__}.{name}: a field can't be called that",
                    place=caller_place(),
                    cure=f"write {name.strip('_') or 'reserved'}_field or another name",
                )
        for name, hint in annotations_of(cls):
            if cls.octets_name is not None:
                raise HeaderError(f"{cls.__name__}.{name}: nothing can follow Octets", place=caller_place())
            offset = cls._declare(name, hint, offset)
        if offset % 8:
            raise HeaderError(
                f"{cls.__name__} has {offset} bits: not a whole number of bytes",
                place=caller_place(),
                cure=f"add a field of {8 - offset % 8} bits",
            )
        cls.size = offset // 8
        conditions = cls.announced_by
        cls.announced_by = ()
        cls.also_announced_by(*(conditions if isinstance(conditions, tuple | list) else (conditions,)))

    @classmethod
    def _declare(cls, name: str, hint: Any, offset: int) -> int:
        address, bits, space = None, 0, None
        if isinstance(hint, type) and issubclass(hint, Address):
            address, bits = hint, hint.bits
        elif get_origin(hint) is Annotated:
            for mark in get_args(hint)[1:]:
                bits = mark.count if isinstance(mark, Bits) else bits
                space = mark.name if isinstance(mark, Space) else space
                if isinstance(mark, Variable):
                    cls.octets_name = name
                    setattr(cls, name, OctetsField(name, offset // 8))
                    return offset
        if not bits:
            raise HeaderError(
                f"{cls.__name__}.{name}: {hint!r} is not a field type",
                place=caller_place(),
                cure="use U1 .. U64, MacAddress, IPv4Address or IPv6Address of wirebrick.fields",
            )
        field = Field(cls, name, offset, bits, address=address, space=space)
        field.default = field.number(cls.__dict__.get(name, 0))
        cls.fields[name] = field
        setattr(cls, name, field)
        return offset + bits

    def __init__(self, **values: Any) -> None:
        """Build one from field values; what is not given has its default. Addresses may be given as text."""
        tail = values.pop(self.octets_name, b"") if self.octets_name else b""
        if not isinstance(tail, bytes | bytearray | Octets):
            raise HeaderError(
                f"{type(self).__name__}.{self.octets_name} = {tail!r} is not bytes", place=caller_place()
            )
        self._bind_bytes(bytes(self.size) + bytes(tail))
        for name, field in self.fields.items():
            setattr(self, name, field.number(values.pop(name, field.default)))
        if values:
            raise HeaderError(
                f"{type(self).__name__} has no field {next(iter(values))!r}",
                place=caller_place(),
                cure=f"its fields are {', '.join(self.fields)}",
            )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The header at the start of ``data``. Raises HeaderError where there are too few bytes."""
        if len(data) < cls.size:
            raise HeaderError(f"{cls.__name__} has {cls.size} bytes, not {len(data)}", place=caller_place())
        header = cls.__new__(cls)
        header._bind_bytes(data)
        return header

    @classmethod
    def view(cls, at: int, end: int, packet: Packet | None = None, index: int = 0) -> Self:
        """The header at address ``at`` in a packet whose bytes end at ``end``."""
        header = cls.__new__(cls)
        header._at, header._end, header._packet, header._index = at, end, packet, index
        return header

    def _bind_bytes(self, data: bytes) -> None:
        self._buffer = ctypes.create_string_buffer(data, max(1, len(data)))
        self._at = ctypes.addressof(self._buffer)
        self._end = self._at + len(data)
        self._packet, self._index = None, 0

    def _write(self, field: Field, data: bytes) -> None:
        if self._packet is None:
            ctypes.memmove(self._at + field.first, data, len(data))
        else:
            self._packet.write_field(self._index, field, data)

    def _patch(self, at: int, data: bytes) -> None:
        if self._packet is None:
            ctypes.memmove(at, data, len(data))
        else:
            self._packet.write_bytes(self._index, at, data)

    def _length(self) -> int:
        """Its length as far as its bytes go: all of them where it is truncated; in a packet, as parsed."""
        if self._packet is not None:
            return self._packet.header_size(self._index)
        present = self._end - self._at
        try:
            return max(self.size, min(self.header_length(), present))
        except IndexError:
            return present

    def _octets(self, start: int) -> Octets:
        return Octets(self._at + start, self._length() - start, self._patch)

    @property
    def raw(self) -> Octets:
        """The bytes from its start to the end of the packet: for ``header_length`` and its like."""
        return Octets(self._at, self._end - self._at, self._patch)

    @classmethod
    def also_announced_by(cls, *conditions: Any) -> None:
        """Add conditions that could not be named in the class (a header behind itself, or declared later)."""
        for condition in conditions:
            if not isinstance(condition, Condition):
                raise HeaderError(
                    f"{cls.__name__} can't be announced by {condition!r}",
                    place=caller_place(),
                    cure="compare a field of a header with a number, as in UDP.dst_port == 9999",
                )
        cls.announced_by = (*cls.announced_by, *conditions)

    def header_length(self) -> int:
        """Its length in bytes."""
        return self.size

    def valid(self) -> bool:
        """Whether version and length fields make sense."""
        return True

    def __bytes__(self) -> bytes:
        """Its bytes."""
        return ctypes.string_at(self._at, self._length())

    def __eq__(self, other: object) -> bool:
        """Same type and bytes."""
        return type(other) is type(self) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = [f"{name}={getattr(self, name)!s}" for name in self.fields]
        tail = bytes(getattr(self, self.octets_name)) if self.octets_name else b""
        if tail:
            values.append(f"{self.octets_name}={tail!r}")
        return f"{type(self).__name__}({', '.join(values)})"


def announcements(header: type[Header], parent: type[Header]) -> list[Condition]:
    """The conditions on ``parent`` under which ``header`` follows it."""
    conditions: Iterable[Condition] = header.announced_by
    return [condition for condition in conditions if condition.header is parent]


def may_follow(header: type[Header], parent: type[Header] | None) -> bool:
    """Whether ``header`` can come right behind ``parent`` (None: at the start of the packet)."""
    if parent is None:
        return header.starts_packet or not header.announced_by
    return not header.announced_by or bool(announcements(header, parent))
