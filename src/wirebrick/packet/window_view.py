"""WindowView: what an interpreted window function sees of a stream."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from wirebrick.packet.flow import FlowKey
from wirebrick.packet.memory import load64
from wirebrick.packet.octets import Octets
from wirebrick.state.reassembly_layout import F_CLOSED, F_DATA, F_GAP, F_KEY, F_META, F_OFFSET, F_SIZE
from wirebrick.state.record import Record

Emit = Callable[[int, int], None]


class WindowView:
    """A window of a stream: its bytes and where they are, from the record at address ``flow``.

    ``emit_at(address, size)`` takes bytes that go on; without it there is nowhere they could go. Good until
    the function returns.
    """

    def __init__(self, flow: int, schema: type[Record] | None, emit_at: Emit | None) -> None:
        self.data = Octets(load64(flow + F_DATA), load64(flow + F_SIZE))
        self.offset = load64(flow + F_OFFSET)
        self.gap = load64(flow + F_GAP)
        self.closed = load64(flow + F_CLOSED) != 0
        self._flow = flow
        self._schema = schema
        self._emit_at = emit_at

    @property
    def flow(self) -> FlowKey:
        """The stream's flow, a copy."""
        return FlowKey.at(self._flow + F_KEY).copy()

    @property
    def metadata(self) -> Record:
        """The stream's own record, in place. Raises TypeError where none was declared."""
        if self._schema is None:
            raise TypeError("this window has no metadata")
        return self._schema.at(self._flow + F_META)

    def emit(self, *parts: bytes | Octets) -> None:
        """Bytes that go on, one part after the other."""
        if self._emit_at is None:
            raise TypeError("what a window(..., forward=True) emits would go nowhere")
        for part in parts:
            if isinstance(part, Octets):
                self._emit_at(part._at, len(part))
            elif isinstance(part, bytes):
                kept = ctypes.create_string_buffer(part, max(1, len(part)))
                self._emit_at(ctypes.addressof(kept), len(part))
            else:
                raise TypeError(f"emit() takes bytes, not {part!r}")
