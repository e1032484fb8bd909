"""Packets from and to Python: a source over an iterable of bytes, a sink that fills a list.

They share the native functions of captures: the source makes records in memory, the sink reads them back.

>>> source = ListSource([bytes(60), (1_000_000_001, bytes(1514))], receive=0)
>>> source.frame_size, source.refill(), source.refill()
(1514, True, False)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from wirebrick.errors import PortError
from wirebrick.ports.base import Sink, Source
from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.loader import receive_address, transmit_address
from wirebrick.ports.pcap.memory import SourceMemory
from wirebrick.ports.pcap.sections import Interface
from wirebrick.ports.pcap.writer import SinkMemory

_ETHERNET_LINK = 1
_PACKET = (bytes, bytearray, memoryview)
_END: Any = object()
_UNKNOWN_SIZE = 65535  # largest packet where the packets can't be looked at before the run


class ListSource(Source):
    """Packets of an iterable: bytes, or (nanoseconds since 1970, bytes); without a time it is 0.

    A list or tuple is looked through for the largest packet; any other iterable is read as the run goes on,
    its packets at most 65535 bytes long. Times lie in 1970 .. 2106, as in a capture. Raises PortError in
    ``refill`` where an element is no packet.
    """

    def __init__(self, packets: Iterable[bytes | tuple[int, bytes]], *, receive: int | None = None) -> None:
        self._memory = SourceMemory()
        self._memory.add_interface(Interface(_ETHERNET_LINK, multiply=1))
        self._total: int | None = None
        self.frame_size = _UNKNOWN_SIZE
        if isinstance(packets, list | tuple):
            self._total = len(packets)
            self.frame_size = max(map(_length, packets), default=0)
        self._packets: Iterator[bytes | tuple[int, bytes]] = iter(packets)
        self._next: bytes | None = None  # a record that found no room in the buffer
        self._taken = 0
        self.state = self._memory.state
        self.receive = receive_address() if receive is None else receive

    def refill(self) -> bool:
        """Take more packets; False when there are no more."""
        memory = self._memory
        memory.compact()
        fill = memory[layout.S_FILL]
        while True:
            record = self._next if self._next is not None else self._record()
            if record is None or fill + len(record) > layout.BUFFER:
                self._next = record
                break
            memory.view[fill : fill + len(record)] = record
            fill += len(record)
            self._next = None
        more = fill > memory[layout.S_FILL]
        memory[layout.S_FILL] = fill
        memory[layout.S_FINISHED] = int(not more)
        return more

    def progress(self) -> tuple[int, int] | None:
        """Packets taken and packets there are; None where their number is not known."""
        return None if self._total is None else (self._taken, self._total)

    def _record(self) -> bytes | None:
        """The next packet as a record, or None after the last."""
        element: Any = next(self._packets, _END)
        if element is _END:
            return None
        pair = isinstance(element, tuple) and len(element) == 2
        time, packet = element if pair else (0, element)
        limit = min(self.frame_size, layout.MAX_CAPTURED)
        if not isinstance(packet, _PACKET):
            name = type(packet).__name__
            raise PortError(f"packet {self._taken} is a {name}, not bytes", cure="give bytes(packet)")
        if len(packet) > limit:
            size = f"packet {self._taken} has {len(packet)} bytes, more than {limit}"
            raise PortError(size, cure="give the packets as a list, and none over 262144 bytes")
        if not isinstance(time, int) or not 0 <= time < layout.BILLION << 32:
            raise PortError(f"packet {self._taken} has the time {time!r}", cure="give nanoseconds since 1970")
        self._taken += 1
        seconds, rest = divmod(time, layout.BILLION)
        return struct.pack("<IIII", seconds, rest, len(packet), len(packet)) + packet


def _length(element: object) -> int:
    """The length of a packet; of anything else 0, as it is refused when its turn comes."""
    packet = element[1] if isinstance(element, tuple) and len(element) == 2 else element
    return len(packet) if isinstance(packet, _PACKET) else 0


class ListSink(Sink):
    """Packets into ``packets``, a list of bytes, and their times (nanoseconds) into ``times`` if given."""

    def __init__(
        self, packets: list[bytes], times: list[int] | None = None, *, transmit: int | None = None
    ) -> None:
        self._packets = packets
        self._times = times
        self._memory = SinkMemory(nanoseconds=True)
        self.state = self._memory.state
        self.transmit = transmit_address() if transmit is None else transmit

    def flush(self) -> None:
        """Append what is buffered to the list."""
        self.bytes_copied = self._memory[layout.T_COPIED]
        records, at = self._memory.records(), 0
        while at < len(records):
            seconds, rest, size, _ = struct.unpack_from("<IIII", records, at)
            at += layout.RECORD
            self._packets.append(bytes(records[at : at + size]))
            if self._times is not None:
                self._times.append(seconds * layout.BILLION + rest)
            at += size
        self._memory.clear()

    def close(self) -> None:
        """Flush."""
        self.flush()
