"""Transmitting: one worker's ring, and what could not be sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import numpy as np

from wirebrick.packet.memory import call1, load32
from wirebrick.ports.afpacket import layout
from wirebrick.ports.afpacket.packet_socket import PacketSocket
from wirebrick.ports.base import Sink
from wirebrick.ports.libc import libc_address

_NATIVE = "wirebrick.ports.afpacket.transmit_native"
_FUNCTIONS = {"transmit": 4, "send": 1}
_PATIENCE, _NAP = 0.1, 1e-3  # seconds that the ring has to drain at the end
_ETHERNET = 14


class PacketSink(Sink):
    """A sink on an open socket, which it closes."""

    def __init__(self, packets: PacketSocket, mtu: int) -> None:
        # Imported here: describing ports needs no compiler.
        from wirebrick.compiler.native import load_native

        functions = load_native(_NATIVE, _FUNCTIONS)
        self.transmit = functions["transmit"]
        self._send = functions["send"]
        self.packets = packets
        self._closed = False
        self._lock = threading.Lock()  # a worker that flushes counts as standing still: the ring must stay
        self._state = np.zeros(layout.SINK // 8, np.int64)
        self.state = self._state.ctypes.data
        self._set(layout.T_FD, packets.fd)
        self._set(layout.T_SEND, libc_address("send"))
        self._aim()
        self.set_mtu(mtu)

    @property
    def dropped(self) -> Mapping[str, tuple[int, int]]:
        """What could not be sent, by reason."""
        counts = {
            reason: (self._get(layout.T_DROPS + at), self._get(layout.T_DROPS + at + 8))
            for reason, at in layout.REASONS.items()
        }
        return {reason: found for reason, found in counts.items() if found[0]}

    @property
    def pending(self) -> bool:
        """Whether the kernel hasn't taken all yet."""
        return not self._closed and self._get(layout.T_WAITING) > 0

    def flush(self) -> None:
        """Have the kernel take what waits, if it can."""
        self.bytes_copied = self._get(layout.T_COPIED)
        with self._lock:
            if self.pending:
                call1(self._send, self.state)

    def set_mtu(self, mtu: int) -> None:
        """Take frames as large as the interface does, and a slot can hold."""
        room = self.packets.step - layout.V2_HEADER - _ETHERNET
        self._set(layout.T_LARGEST, min(mtu, room) + _ETHERNET)

    def replace(self, newer: PacketSocket) -> None:
        """Go on with another socket; what waits in the old one's ring is not sent."""
        with self._lock:
            self._give_up()
            self.packets.take_over(newer)
            self._aim()

    def close(self) -> None:
        """Wait a moment until the kernel has all; close the socket."""
        if self._closed:
            return
        self.flush()
        end = time.perf_counter() + _PATIENCE
        while self.pending and time.perf_counter() < end:
            time.sleep(_NAP)
            self.flush()
        self._give_up()
        self._closed = True
        self.packets.close()

    def _aim(self) -> None:
        packets = self.packets
        for at in (layout.T_NEXT, layout.T_UNSENT, layout.T_FIRST):
            self._set(at, packets.address)
        self._set(layout.T_WAITING, 0)
        self._set(layout.T_STEP, packets.step)
        self._set(layout.T_END, packets.address + packets.size // packets.step * packets.step)

    def _give_up(self) -> None:
        """Count what waits as not sent."""
        slot, end = self._get(layout.T_UNSENT), self._get(layout.T_END)
        waiting = self._get(layout.T_WAITING)
        size = 0
        for _ in range(waiting):
            size += load32(slot + layout.V2_LENGTH)
            slot += self._get(layout.T_STEP)
            slot = self._get(layout.T_FIRST) if slot == end else slot
        at = layout.T_DROPS + layout.NOT_SENT
        self._set(at, self._get(at) + waiting)
        self._set(at + 8, self._get(at + 8) + size)
        self._set(layout.T_WAITING, 0)

    def _get(self, at: int) -> int:
        return int(self._state[at // 8])

    def _set(self, at: int, value: int) -> None:
        self._state[at // 8] = value
