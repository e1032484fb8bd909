"""Body: a packet's bytes in its frame, with everything that stores to them: what ``Packet`` stands on."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Protocol

from wirebrick.headers.field import Field
from wirebrick.headers.header import Header
from wirebrick.packet.bracket import Bracket
from wirebrick.packet.descriptor import Descriptor
from wirebrick.packet.edit import payload_edit
from wirebrick.packet.faults import RAISE, ROOM, Fault
from wirebrick.packet.frame import DESCRIPTOR, W_BURST
from wirebrick.packet.layer import Layer, find_layer
from wirebrick.packet.maintain import Maintainer
from wirebrick.packet.memory import load64

if TYPE_CHECKING:
    from wirebrick.packet.packet import Packet
    from wirebrick.packet.payload import Payload
    from wirebrick.state.record import Record

Fate = tuple[str, str]  # "send" and a port, "drop" and a reason


class Ends(Protocol):
    """Who puts copies on their way."""

    def end_copy(self, copy: Packet, fate: Fate) -> None:
        """Send or drop ``copy`` now."""


class Body:
    """Where a packet lies, which headers are parsed, and what may be done to it now.

    Stores go through ``write_field``, ``write_bytes`` and ``write_payload``: they refuse what may not be
    written and let the checksums follow.
    """

    __slots__ = (
        "_checksums",
        "_context",
        "_copied",
        "_copies",
        "_descriptor",
        "_ender",
        "_fate",
        "_layers",
        "_memory",
        "_metadata",
        "_own",
        "_payload",
        "_pending",
        "_ports",
        "_position",
        "_writable",
    )

    def __init__(self, context: int, position: int, ports: list[str], ender: Ends | None = None) -> None:
        self._context = context
        self._position = position
        self._ports = ports
        self._ender = ender
        self._descriptor = Descriptor(load64(context + W_BURST) + position * DESCRIPTOR)
        self._layers: list[Layer] = []
        self._pending: dict[str, int] = {}
        self._metadata: Record | None = None
        self._memory: Any = None
        self._fate: Fate | None = None
        self._copied = False  # a copy's end takes effect at once
        self._begin(True, True, frozenset())

    def header_size(self, index: int) -> int:
        """Bytes of header ``index``, options included, as it was parsed: writes do not change it."""
        return self._layers[index].begin - self._layers[index].start

    def write_field(self, index: int, field: Field, data: bytes) -> None:
        """Store a field of header ``index``; checksums follow."""
        self._write()
        self._store(index, self._layers[index].start + field.first, data, field)

    def write_bytes(self, index: int, at: int, data: bytes) -> None:
        """Store into the variable part of header ``index``, at an address; elsewhere raises IndexError."""
        self._write()
        layer = self._layers[index]
        offset = at - self._descriptor.data
        if offset < layer.start + layer.header.size or offset + len(data) > layer.begin:
            raise IndexError(f"{layer.header.__name__}: bytes outside of its {layer.header.octets_name}")
        self._store(index, offset, data, None)

    def write_payload(self, at: int, data: bytes) -> None:
        """Store into the payload, at an address. Raises IndexError outside of it."""
        self._write()
        begin, end = self._payload_range()
        offset = at - self._descriptor.data
        if offset < begin or offset + len(data) > end:
            raise IndexError("bytes outside of the payload")
        self._store(len(self._layers), offset, data, None)

    def _store(self, index: int, offset: int, data: bytes, field: Field | None) -> None:
        start = self._descriptor.data
        if self._checksums:
            Maintainer(start, self._layers, self._own).store(index, offset, data, field)
        else:
            ctypes.memmove(start + offset, data, len(data))

    def _edit_payload(self, at: int, delta: int) -> None:
        """Grow or shrink the payload by ``delta`` bytes at offset ``at``; lengths and checksums follow."""
        self._write()
        if self._cut:
            raise Fault(ROOM)
        start = self._descriptor.data
        begin, end = self._payload_range()
        bracket = Bracket(start, self._layers, self._own, False) if self._checksums else None
        if payload_edit(self._context, self._descriptor.at, begin, end, begin + at, delta) < 0:
            raise Fault(ROOM)
        for layer in self._layers:
            layer.grow_length(start, end + delta - layer.wire)
            layer.end = layer.wire = end + delta
        if bracket is not None:
            bracket.close(start, self._layers)

    def _begin(self, writable: bool, checksums: bool, own: frozenset[type[Header]]) -> None:
        """Get ready for a user function: may it write, do checksums follow, which are its own business."""
        self._writable = writable
        self._checksums = checksums
        self._own = own
        self._copies: list[Packet] = []
        self._payload: Payload | None = None

    def _parse(self, header: type[Header]) -> Layer | str:
        """Parse the next header; gives its layer, or why it is not there."""
        parent = self._layers[-1] if self._layers else None
        of = self._descriptor
        found = find_layer(header, parent, of.data, of.length, of.wire)
        if isinstance(found, Layer):
            self._layers.append(found)
        return found

    @property
    def _cut(self) -> bool:
        return self._descriptor.length != self._descriptor.wire

    def _payload_range(self) -> tuple[int, int]:
        if not self._layers:
            return 0, self._descriptor.length
        return self._layers[-1].begin, self._layers[-1].end

    def _port(self, name: str) -> int:
        if name not in self._ports:
            raise TypeError(f"{name!r} is no port: there are {', '.join(self._ports)}")
        return self._ports.index(name)

    def _use(self) -> None:
        if self._fate is not None:
            raise Fault(RAISE)

    def _write(self) -> None:
        self._use()
        if not self._writable:
            raise TypeError("this operator's function may read the packet, not change it: use transform()")
