"""The memory of a source: its state block, its buffer and its interface table.

>>> memory = SourceMemory()
>>> memory[layout.S_FILL] = 7
>>> memory[layout.S_FILL], memory.view[memory[layout.S_FILL] :].nbytes == layout.BUFFER - 7
(7, True)
"""

from __future__ import annotations

import ctypes

from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.linktypes import kind
from wirebrick.ports.pcap.sections import Interface

_WORDS = layout.INTERFACE // 8


class SourceMemory:
    """A state block whose words are reached by their byte offset, and the memory it points to."""

    def __init__(self) -> None:
        self._bytes = bytearray(layout.BUFFER)
        self._words = (ctypes.c_int64 * (layout.SOURCE_STATE // 8))()
        self._interfaces = (ctypes.c_int64 * _WORDS)()
        self.view = memoryview(self._bytes)
        self.state = ctypes.addressof(self._words)
        self[layout.S_BASE] = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))
        self[layout.S_HEAD] = layout.RECORD
        self[layout.S_INTERFACES] = ctypes.addressof(self._interfaces)

    def __getitem__(self, offset: int) -> int:
        return int(self._words[offset // 8])

    def __setitem__(self, offset: int, value: int) -> None:
        self._words[offset // 8] = value

    def rest(self) -> memoryview:
        """What lies unread in the buffer."""
        return self.view[self[layout.S_POSITION] : self[layout.S_FILL]]

    def compact(self) -> int:
        """Move what is unread to the start of the buffer; by how many bytes."""
        position, fill = self[layout.S_POSITION], self[layout.S_FILL]
        if position:
            self.view[: fill - position] = self.view[position:fill]
            self[layout.S_POSITION], self[layout.S_FILL] = 0, fill - position
        return position

    def clear_interfaces(self) -> None:
        """Forget the interfaces: a new section begins."""
        self[layout.S_INTERFACE_COUNT] = 0

    def add_interface(self, interface: Interface) -> None:
        """Append to the interface table, which moves when it is full."""
        count = self[layout.S_INTERFACE_COUNT]
        if (count + 1) * _WORDS > len(self._interfaces):
            larger = (ctypes.c_int64 * (len(self._interfaces) * 2))(*self._interfaces)
            self._interfaces = larger
            self[layout.S_INTERFACES] = ctypes.addressof(larger)
        entry = count * _WORDS
        self._interfaces[entry + layout.I_LINK // 8] = kind(interface.link)
        self._interfaces[entry + layout.I_MULTIPLY // 8] = interface.multiply
        self._interfaces[entry + layout.I_DIVIDE // 8] = interface.divide
        self._interfaces[entry + layout.I_SHIFT // 8] = interface.shift
        self._interfaces[entry + layout.I_OFFSET // 8] = interface.offset
        self._interfaces[entry + layout.I_SNAPLEN // 8] = interface.snaplen
        self[layout.S_INTERFACE_COUNT] = count + 1
