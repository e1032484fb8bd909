"""Receiving: one worker's ring, and what was counted there."""

from __future__ import annotations

import struct

import numpy as np

from wirebrick.ports.afpacket import layout
from wirebrick.ports.afpacket.options import Options
from wirebrick.ports.afpacket.packet_socket import PacketSocket
from wirebrick.ports.base import Source
from wirebrick.ports.libc import libc_address

_NATIVE = "wirebrick.ports.afpacket.receive_native"
_FUNCTIONS = {"receive_blocks": 3, "receive_slots": 3}
_COUNTS = {
    "truncated": layout.S_TRUNCATED,
    "too_long": layout.S_TOO_LONG,
    "joined_dropped": layout.S_JOINED,
    "joined_cut": layout.S_CUT,
}


class PacketSource(Source):
    """A source on an open socket, which it closes."""

    live = True

    def __init__(self, packets: PacketSocket, options: Options) -> None:
        # Imported here: describing ports needs no compiler.
        from wirebrick.compiler.native import load_native

        functions = load_native(_NATIVE, _FUNCTIONS)
        self.receive = functions["receive_blocks" if options.ring == "v3" else "receive_slots"]
        self.packets = packets
        self.fd = packets.fd
        self._begun = False
        self._kernel = [0, 0]
        self._closed = False
        self._stage = np.empty(layout.VNET + layout.LARGEST, np.uint8)
        self._state = np.zeros(layout.SOURCE // 8, np.int64)
        self.state = self._state.ctypes.data
        self._set(layout.S_FD, packets.fd)
        self._set(layout.S_RECV, libc_address("recv"))
        self._set(layout.S_STAGE, self._stage.ctypes.data)
        self._aim()

    @property
    def bytes_copied(self) -> int:
        """Bytes copied into frames, so far."""
        return self._get(layout.S_COPIED)

    @property
    def counts(self) -> dict[str, int]:
        """What the kernel counted, and what could not be received."""
        if not self._closed:
            self._count()
        kernel = dict(zip(("kernel_packets", "kernel_drops"), self._kernel, strict=True))
        return kernel | {name: self._get(at) for name, at in _COUNTS.items()}

    def begin(self) -> None:
        """Receive from now on: what came before the run is none of its business."""
        self.packets.open()
        self._begun = True

    def replace(self, newer: PacketSocket) -> None:
        """Go on with another socket; what was in the old one's ring is lost."""
        self._count()
        self.packets.take_over(newer)
        self._aim()
        if self._begun:
            self.packets.open()

    def close(self) -> None:
        """Close the socket, once all is counted."""
        if not self._closed:
            self._count()
            self._closed = True
            self.packets.close()

    def _aim(self) -> None:
        """Begin with the first block or slot of the ring."""
        packets = self.packets
        for at in (layout.S_FIRST, layout.S_BLOCK, layout.S_HEADER):
            self._set(at, packets.address)
        self._set(layout.S_LEFT, 0)
        self._set(layout.S_DATA, 0)
        self._set(layout.S_STEP, packets.step)
        self._set(layout.S_END, packets.address + packets.size // packets.step * packets.step)

    def _count(self) -> None:
        """Add what the kernel counted since the last time: reading sets it back."""
        counted = struct.unpack("=2I", self.packets.query(layout.PACKET_STATISTICS, 8))
        self._kernel = [total + new for total, new in zip(self._kernel, counted, strict=True)]

    def _get(self, at: int) -> int:
        return int(self._state[at // 8])

    def _set(self, at: int, value: int) -> None:
        self._state[at // 8] = value
