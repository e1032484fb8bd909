"""The mempool: one worker's frames, in one piece of memory, touched when they are first used.

Frames are an odd multiple of 64 bytes apart. Were the distance a power of two (2048, say), the headers of a
burst would share a few sets of the level-1 cache (64 sets of 64 bytes) and push each other out; an odd number
of lines goes through all sets in turn.

>>> stride_of(60), stride_of(1518), stride_of(9000)
(1856, 1856, 9408)
>>> all(stride_of(size) % 128 == 64 for size in range(0, 300_000, 77))
True
"""

from __future__ import annotations

import mmap

import numpy as np

from wirebrick.errors import PortError
from wirebrick.packet.frame import HEADROOM, TAILROOM

LINE = 64
LEAST_FRAME = 1536  # room for any Ethernet packet, however small those announced: payloads may grow

COPIES = 2  # positions of a burst: so many times the packets received, so that each may be copied
MADE = 6  # the same where packets may be made of what windows emit
LARGEST_BURST = 4096

_PAGE = 4096


def stride_of(frame_size: int) -> int:
    """Bytes from one frame to the next, for packets of up to ``frame_size`` bytes."""
    lines = -(-(HEADROOM + max(frame_size, LEAST_FRAME) + TAILROOM) // LINE)
    return (lines | 1) * LINE


SLACK = 64  # bytes behind the last frame: vectors and whole words may reach behind a packet's end


class Mempool:
    """Memory for ``frames`` frames of packets up to ``frame_size`` bytes.

    Raises PortError where there isn't enough.

    Frame i begins at ``address + i * stride`` and has ``frame`` bytes.

    >>> pool = Mempool(128, 1514)
    >>> pool.stride, pool.address % 64
    (1856, 0)
    """

    def __init__(self, frames: int, frame_size: int) -> None:
        self.frames = frames
        self.stride = self.frame = stride_of(frame_size)
        size = frames * self.stride + SLACK
        try:
            self._memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, ValueError, OverflowError):
            raise PortError(
                f"{frames} frames of {self.stride:,} bytes can't be had",
                cure="ask for smaller bursts (--burst)",
            ) from None
        # Large frames are mostly empty: huge pages would make memory of what is never touched.
        if self.stride > _PAGE and hasattr(mmap, "MADV_NOHUGEPAGE"):
            self._memory.madvise(mmap.MADV_NOHUGEPAGE)
        self.bytes = np.frombuffer(self._memory, np.uint8, frames * self.stride)
        self.address = int(self.bytes.ctypes.data)
