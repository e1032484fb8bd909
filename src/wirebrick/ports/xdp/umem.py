"""The mempool as the kernel wants it (UMEM): frames of 2,048 or 4,096 bytes, each in a piece of its own.

All sockets of a run register the same memory, so a packet that came in by one may leave by another as it lies.
"""

from __future__ import annotations

import mmap

import numpy as np

from wirebrick.errors import PortError
from wirebrick.packet.frame import HEADROOM, TAILROOM
from wirebrick.runtime.mempool import Mempool

CHUNKS = 2048, 4096  # bytes of a frame; the kernel takes no others (Documentation/networking/af_xdp.rst)
LARGEST = CHUNKS[-1] - HEADROOM - TAILROOM
WORKERS = (
    0  # in the owners' table: the frame lies at a position of a worker, in a ring between them, or nowhere
)
MOST_QUEUES = 255


class Umem(Mempool):
    """``frames`` frames for packets of up to ``frame_size`` bytes, and who owns each: ``owners``, a number for each.

    Raises PortError where packets don't fit, or memory is short.

    >>> umem = Umem(8, 1514)
    >>> umem.stride, umem.shift, umem.address % 4096
    (2048, 11, 0)
    """

    def __init__(self, frames: int, frame_size: int) -> None:
        if frame_size > LARGEST:
            raise PortError(
                f"xdp: takes packets of up to {LARGEST:,} bytes, and {frame_size:,} may come",
                cure="lower the MTU of the interfaces, or use afpacket:",
            )
        self.frames = frames
        self.stride = self.frame = CHUNKS[0] if frame_size <= CHUNKS[0] - HEADROOM - TAILROOM else CHUNKS[1]
        self.shift = self.stride.bit_length() - 1
        try:
            self._memory = mmap.mmap(-1, frames * self.stride + mmap.PAGESIZE)
        except (OSError, ValueError, OverflowError):
            raise PortError(f"{frames:,} frames of {self.stride:,} bytes can't be had") from None
        self.bytes = np.frombuffer(self._memory, np.uint8, frames * self.stride)
        self.address = int(self.bytes.ctypes.data)
        self.owners = np.zeros(frames, np.uint8)
        self._queues = 0

    def new_owner(self) -> int:
        """A number for one that owns frames. Raises PortError for too many."""
        if self._queues == MOST_QUEUES:
            raise PortError(f"a run has at most {MOST_QUEUES} queues of xdp: ports")
        self._queues += 1
        return self._queues

    def owned(self, owner: int) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
        """The numbers of the frames that ``owner`` has."""
        return np.flatnonzero(self.owners == owner).astype(np.uint32)
