"""Saved contents of a state object, in memory: the parts of its blocks that aren't zero."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wirebrick.state.record import Record

CHUNK = 1 << 16  # bytes looked at at once: runs of zeros that are shorter are kept


@dataclass
class Part:
    """``size`` bytes: zeros but for ``runs``, pairs of offset and bytes.

    >>> memory = ctypes.create_string_buffer(b"state", 200000)
    >>> part = Part.of(ctypes.addressof(memory), 200000)
    >>> [(offset, len(data)) for offset, data in part.runs]
    [(0, 65536)]
    >>> other = ctypes.create_string_buffer(200000)
    >>> part.put(ctypes.addressof(other)); other.value
    b'state'
    """

    size: int
    runs: list[tuple[int, bytes]]

    @classmethod
    def of(cls, address: int, size: int) -> Part:
        """A copy of memory."""
        # Imported here: commands that only list or describe NFs needn't wait for it.
        import numpy as np

        memory = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
        runs = []
        for offset in range(0, size, CHUNK):
            chunk = memory[offset : offset + CHUNK]
            if chunk.any():
                runs.append((offset, chunk.tobytes()))
        return cls(size, runs)

    def put(self, address: int) -> None:
        """Write it into memory that is zero."""
        for offset, data in self.runs:
            ctypes.memmove(address + offset, data, len(data))

    def bytes(self) -> bytearray:
        """All of it."""
        whole = bytearray(self.size)
        for offset, data in self.runs:
            whole[offset : offset + len(data)] = data
        return whole


@dataclass
class Saved:
    """What a file has of a state object: its blocks, by worker where each has its own."""

    path: Path
    blocks: list[Part]


def fields_of(record: type[Record] | None) -> list[Any]:
    """How a record lies in memory, to be compared.

    >>> from wirebrick.fields import U16, IPv4Address
    >>> class Key(Record):
    ...     host: IPv4Address
    ...     port: U16
    >>> fields_of(Key)
    ['host: IPv4Address', 'port: U16']
    """
    return [f"{name}: {field.kind_name}" for name, field in record.fields.items()] if record else []
