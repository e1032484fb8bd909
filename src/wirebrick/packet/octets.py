"""Views of bytes in a packet: payloads and the variable parts of headers, bounds-checked, in place."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import overload

Patch = Callable[[int, bytes], None]


class Octets:
    """Bytes at an address: index, slice, ``len``, comparison with ``bytes``, big-endian integers at an offset.

    Indexes count as in Python (negative from the end); one out of range raises IndexError, which costs a running
    NF that packet. Stores go to the packet itself, and the checksums that cover them follow.

    >>> import ctypes
    >>> memory = (ctypes.c_uint8 * 6)(*b"GET /x")
    >>> view = Octets(ctypes.addressof(memory), 6)
    >>> view[0], view[-1], len(view), view[0:3] == b"GET", hex(view.u16(4)), view.find(b"/")
    (71, 120, 6, True, '0x2f78', 4)
    """

    def __init__(self, at: int, size: int, patch: Patch | None = None) -> None:
        self._at = at
        self._size = size
        self._patch = patch

    def __len__(self) -> int:
        """How many bytes."""
        return self._size

    def __bytes__(self) -> bytes:
        """A copy of them (for interactive use and tests; not in compiled user functions)."""
        return ctypes.string_at(self._at, self._size)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Octets: ...

    def __getitem__(self, index: int | slice) -> int | Octets:
        """A byte, or a view of a range (step 1)."""
        if isinstance(index, slice):
            start, stop, step = index.indices(self._size)
            if step != 1:
                raise IndexError("a slice of bytes has step 1")
            return Octets(self._at + start, max(0, stop - start), self._patch)
        return ctypes.string_at(self._at + self._checked(index, 1), 1)[0]

    def __setitem__(self, index: int, value: int) -> None:
        """Store the low 8 bits of ``value``."""
        self._store(index, value, 1)

    def __iter__(self) -> Iterator[int]:
        """The bytes, one by one."""
        for index in range(self._size):
            yield ctypes.string_at(self._at + index, 1)[0]

    def __eq__(self, other: object) -> bool:
        """Equal bytes."""
        return isinstance(other, bytes | Octets) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Octets({bytes(self)!r})"

    def u8(self, offset: int) -> int:
        """The byte at ``offset``."""
        return self._load(offset, 1)

    def u16(self, offset: int) -> int:
        """The big-endian 16-bit integer at ``offset``."""
        return self._load(offset, 2)

    def u32(self, offset: int) -> int:
        """The big-endian 32-bit integer at ``offset``."""
        return self._load(offset, 4)

    def u64(self, offset: int) -> int:
        """The big-endian 64-bit integer at ``offset``."""
        return self._load(offset, 8)

    def put_u8(self, offset: int, value: int) -> None:
        """Store the low 8 bits of ``value`` at ``offset``."""
        self._store(offset, value, 1)

    def put_u16(self, offset: int, value: int) -> None:
        """Store the low 16 bits of ``value``, big-endian."""
        self._store(offset, value, 2)

    def put_u32(self, offset: int, value: int) -> None:
        """Store the low 32 bits of ``value``, big-endian."""
        self._store(offset, value, 4)

    def put_u64(self, offset: int, value: int) -> None:
        """Store the low 64 bits of ``value``, big-endian."""
        self._store(offset, value, 8)

    def startswith(self, prefix: bytes) -> bool:
        """Whether the first bytes are ``prefix``."""
        return self._size >= len(prefix) and ctypes.string_at(self._at, len(prefix)) == prefix

    def endswith(self, suffix: bytes) -> bool:
        """Whether the last bytes are ``suffix``."""
        begin = self._at + self._size - len(suffix)
        return self._size >= len(suffix) and ctypes.string_at(begin, len(suffix)) == suffix

    def find(self, needle: bytes, start: int = 0) -> int:
        """The offset of the first occurrence at or behind ``start``, or -1."""
        return bytes(self).find(needle, start)

    def _checked(self, offset: int, size: int) -> int:
        at = offset + self._size if offset < 0 else offset
        if at < 0 or at + size > self._size:
            raise IndexError(f"{size} byte(s) at {offset} of {self._size}")
        return at

    def _load(self, offset: int, size: int) -> int:
        return int.from_bytes(ctypes.string_at(self._at + self._checked(offset, size), size), "big")

    def _store(self, offset: int, value: int, size: int) -> None:
        at = self._at + self._checked(offset, size)
        data = (int(value) & ((1 << 8 * size) - 1)).to_bytes(size, "big")
        if self._patch:
            self._patch(at, data)
        else:
            ctypes.memmove(at, data, size)
