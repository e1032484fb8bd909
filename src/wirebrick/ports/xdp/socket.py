"""An AF_XDP socket: the memory it may use, its rings, and the queue it is bound to (linux/if_xdp.h)."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
import time
from contextlib import suppress

from wirebrick.errors import PortError
from wirebrick.packet.memory import store64
from wirebrick.ports.xdp.layout import (
    FRAME_ENTRY,
    RING_CONSUMER,
    RING_ENTRIES,
    RING_FLAGS,
    RING_MASK,
    RING_PRODUCER,
    RING_SEEN,
    RX_ENTRY,
)
from wirebrick.runtime.mempool import Mempool

AF_XDP, SOL_XDP = 44, 283
_MMAP_OFFSETS, _RX, _TX, _UMEM, _FILL, _COMPLETION, _STATISTICS, _OPTIONS, _TX_BUDGET = range(1, 10)
_SHARED_UMEM, _COPY, _ZEROCOPY, _NEED_WAKEUP = 1, 2, 4, 8
_BUSY = 0.5  # seconds that the kernel is given to free a queue
_PAGES = {_RX: 0, _TX: 0x80000000, _FILL: 0x100000000, _COMPLETION: 0x180000000}
STATISTICS = (
    "rx_dropped",
    "rx_invalid_descriptors",
    "tx_invalid_descriptors",
    "rx_ring_full",
    "fill_ring_empty",
)
_STATISTICS_SIZE = 48  # bytes; the last of six counts how often there was nothing to send, which says nothing


class XdpSocket:
    """A socket over the memory of ``pool``; ``entries`` in each ring. Raises PortError where there can't be one."""

    def __init__(self, pool: Mempool, entries: int) -> None:
        try:
            self._socket = socket.socket(AF_XDP, socket.SOCK_RAW, 0)
        except OSError as error:
            raise PortError(_no_socket(error), cure="use afpacket: instead") from None
        self.pool = pool
        self.entries = entries
        self._maps: list[mmap.mmap] = []

    @property
    def fd(self) -> int:
        """Its descriptor."""
        return self._socket.fileno()

    def register(self) -> None:
        """Register the mempool's memory and make the rings of empty frames. Raises PortError."""
        pool = self.pool
        memory = struct.pack("<QQIIII", pool.address, pool.frames * pool.stride, pool.stride, 0, 0, 0)
        try:
            self._socket.setsockopt(SOL_XDP, _UMEM, memory)
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                size = pool.frames * pool.stride >> 10
                raise PortError(
                    f"the kernel lets this process lock less memory than the {size:,} KiB of its packets",
                    cure="raise the limit (ulimit -l unlimited), or run with CAP_IPC_LOCK",
                ) from None
            raise
        self._size(_FILL)
        self._size(_COMPLETION)

    def rings(self, *, receives: bool, transmits: bool) -> None:
        """Make the rings of packets."""
        if receives:
            self._size(_RX)
        if transmits:
            self._size(_TX)
            with suppress(OSError):  # Linux 6.17: how many packets one call may send, 32 if nobody says so
                self._socket.setsockopt(SOL_XDP, _TX_BUDGET, struct.pack("<I", self.entries))

    def bind(self, interface: int, queue: int, shared: XdpSocket | None = None, copy: bool = False) -> None:
        """Bind to a queue; ``shared``: with the memory and rings of a socket bound there. Raises OSError.

        A queue may be busy for a moment after a socket on it was closed: so long it is tried again.
        """
        flags = _SHARED_UMEM if shared else _NEED_WAKEUP | (_COPY if copy else 0)
        address = struct.pack("<HHIII", AF_XDP, flags, interface, queue, shared.fd if shared else 0)
        libc = ctypes.CDLL(None, use_errno=True)
        end = time.monotonic() + _BUSY
        while libc.bind(self.fd, address, len(address)) < 0:
            code = ctypes.get_errno()
            if code != errno.EBUSY or time.monotonic() > end:
                raise OSError(code, os.strerror(code))
            time.sleep(_BUSY / 50)

    @property
    def zerocopy(self) -> bool:
        """Whether the driver writes packets into the mempool by itself."""
        return bool(struct.unpack("<I", self._socket.getsockopt(SOL_XDP, _OPTIONS, 4))[0] & 1)

    @property
    def statistics(self) -> dict[str, int]:
        """What the kernel counted since the socket was bound."""
        counts = self._socket.getsockopt(SOL_XDP, _STATISTICS, _STATISTICS_SIZE)
        return dict(zip(STATISTICS, struct.unpack(f"<{len(counts) // 8}Q", counts), strict=False))

    def send(self) -> None:
        """Tell the kernel of what is in its ring; what can't leave now stays there."""
        with suppress(OSError):
            self._socket.send(b"", socket.MSG_DONTWAIT)

    def map_rx(self, ring: int) -> None:
        """Write where the ring of received packets lies into the ring block at an address; so for the others."""
        self._map(_RX, ring)

    def map_tx(self, ring: int) -> None:
        """The ring of packets to send."""
        self._map(_TX, ring)

    def map_fill(self, ring: int) -> None:
        """The ring of empty frames for the kernel."""
        self._map(_FILL, ring)

    def map_completion(self, ring: int) -> None:
        """The ring of frames that were sent."""
        self._map(_COMPLETION, ring)

    def close(self) -> None:
        """Close it; the blocks that were written mustn't be used any more."""
        self._socket.close()
        for mapped in self._maps:
            mapped.close()
        self._maps.clear()

    def _size(self, ring: int) -> None:
        self._socket.setsockopt(SOL_XDP, ring, struct.pack("<I", self.entries))

    def _map(self, ring: int, block: int) -> None:
        offsets = struct.unpack("<16Q", self._socket.getsockopt(SOL_XDP, _MMAP_OFFSETS, 128))
        producer, consumer, entries, flags = offsets[4 * _ORDER[ring] : 4 * _ORDER[ring] + 4]
        size = entries + self.entries * (RX_ENTRY if ring in (_RX, _TX) else FRAME_ENTRY)
        shared = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
        mapped = mmap.mmap(self.fd, size, flags=shared, offset=_PAGES[ring])
        self._maps.append(mapped)
        cell = ctypes.c_char.from_buffer(mapped)
        address = ctypes.addressof(cell)
        del cell  # else the map can't be closed
        for word, value in (
            (RING_PRODUCER, address + producer),
            (RING_CONSUMER, address + consumer),
            (RING_ENTRIES, address + entries),
            (RING_FLAGS, address + flags),
            (RING_MASK, self.entries - 1),
            (RING_SEEN, 0),
        ):
            store64(block + word, value)


_ORDER = {_RX: 0, _TX: 1, _FILL: 2, _COMPLETION: 3}  # in what XDP_MMAP_OFFSETS gives


def _no_socket(error: OSError) -> str:
    if error.errno == errno.EAFNOSUPPORT:
        return "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS, Linux 5.9 or later)"
    if error.errno in (errno.EPERM, errno.EACCES):
        return "AF_XDP needs the capability CAP_NET_RAW, which this process doesn't have"
    return f"no AF_XDP socket can be had: {error.strerror}"
