"""Writing captures: a sink whose records gather in a buffer and go to the file whole.

>>> import io
>>> sink = PcapSink(io.BytesIO(), transmit=0)
>>> sink.flush()
>>> sink.packets
0
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import BinaryIO

from wirebrick.ports.base import Sink
from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.loader import transmit_address
from wirebrick.ports.pcap.output import Output


class SinkMemory:
    """A sink's state block, whose words are reached by their byte offset, and its buffer."""

    def __init__(self, *, nanoseconds: bool, capacity: int = layout.BUFFER) -> None:
        self._words = (ctypes.c_int64 * (layout.SINK_STATE // 8))()
        self._bytes = bytearray(capacity)
        self._view = memoryview(self._bytes)
        self.state = ctypes.addressof(self._words)
        self[layout.T_BASE] = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))
        self[layout.T_CAPACITY] = capacity
        self[layout.T_DIVIDE] = 1 if nanoseconds else 1000

    def __getitem__(self, offset: int) -> int:
        return int(self._words[offset // 8])

    def __setitem__(self, offset: int, value: int) -> None:
        self._words[offset // 8] = value

    def records(self) -> memoryview:
        """The records in the buffer."""
        return self._view[: self[layout.T_FILL]]

    def clear(self) -> None:
        """Forget the records in the buffer."""
        self[layout.T_FILL] = self[layout.T_PACKETS] = 0


class PcapSink(Sink):
    """Packets into a capture: a path, ``-`` (standard output), an open binary file, or a shared Output.

    Times are written in microseconds, or in nanoseconds where ``nanoseconds`` says so; an Output knows
    itself. Raises PortError where the file can't be opened or written.
    """

    def __init__(
        self, file: Output | str | Path | BinaryIO, nanoseconds: bool = False, *, transmit: int | None = None
    ) -> None:
        self.transmit = transmit_address() if transmit is None else transmit
        self._shared = isinstance(file, Output)
        self.output = file if isinstance(file, Output) else Output(file, nanoseconds=nanoseconds)
        self._memory = SinkMemory(nanoseconds=self.output.nanoseconds)
        self.state = self._memory.state

    @property
    def packets(self) -> int:
        """Packets that are in the file, of all sinks that share it."""
        return self.output.packets

    def flush(self) -> None:
        """Write what is buffered, whole records only. Raises PortError where the file takes no more."""
        memory = self._memory
        self.bytes_copied = memory[layout.T_COPIED]
        if memory[layout.T_FILL]:
            self.output.append(memory.records(), memory[layout.T_PACKETS])
            memory.clear()

    def close(self) -> None:
        """Flush and close; quiet about a failure that flush() told already."""
        try:
            if self.output.failure is None:
                self.flush()
        finally:
            if not self._shared:
                self.output.close()
