"""DPDK's packet mempool as Wirebrick's: frame i is the buffer of mbuf i, and all lie in one piece of memory."""

from __future__ import annotations

import ctypes
from itertools import count

import numpy as np

from wirebrick.errors import PortError
from wirebrick.packet.frame import HEADROOM, TAILROOM
from wirebrick.packet.memory import call3, load32, load64, store32, store64
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.eal import eal
from wirebrick.runtime.blocks import Blocks
from wirebrick.runtime.mempool import LEAST_FRAME, LINE, Mempool

LEAST_BUFFER = 2048 + 128  # bytes that drivers take for granted
MOST_BUFFER = 0xFF80  # bytes of a buffer: DPDK counts them in 16 bits
_ANY_SOCKET = -1
_NO_IOVA = -1  # no address that cards could use
_CURE = "ask for smaller bursts (--burst), or give it huge pages (sysctl vm.nr_hugepages=512) before Wirebrick starts"
_CURE_DMA = f"{_CURE}; without an IOMMU (vfio-pci) such memory takes pages of 1 GB"
_numbers = count()


def buffer_size(frame_size: int) -> int:
    """Bytes of an mbuf's buffer, for packets of up to ``frame_size``.

    With the two heads before it (192 bytes) it is an odd number of lines, as frames always are.

    >>> buffer_size(1518), (buffer_size(9000) + 192) // 64 % 2
    (2176, 1)
    """
    needed = max(HEADROOM + max(frame_size, LEAST_FRAME) + TAILROOM, LEAST_BUFFER)
    return -(-needed // (2 * LINE)) * 2 * LINE


class DpdkMempool(Mempool):
    """A packet mempool of DPDK's, with ``frames`` frames of numbers 0, 1, ... taken out for workers and rings.

    ``spare``: how many more there are, for devices to receive into and to send from. ``dma``: cards will read and
    write it, so that it must be in one piece for them too. Whoever uses it holds it (``hold``) and lets go of it
    (``release``): the last one frees it. Raises PortError where there isn't enough memory, or not in one piece.
    """

    def __init__(self, frames: int, frame_size: int, spare: int, dma: bool = False) -> None:
        self.frame = buffer_size(frame_size)
        if self.frame > MOST_BUFFER:
            most = MOST_BUFFER - HEADROOM - TAILROOM
            raise PortError(
                f"packets of {frame_size:,} bytes don't fit: DPDK's buffers hold {most:,} at most",
                cure="receive smaller packets",
            )
        self._eal = eal()
        self._lib = self._eal.lib
        self._users = 0
        self._filled = 0  # frames that stashes got of those taken out
        self._blocks = Blocks()
        self._stashes: dict[int, int] = {}
        self.frames = frames  # those that were taken out
        self.total = frames + spare
        self.stride = layout.ELEMENT_HEADER + layout.MBUF + self.frame
        with self._eal.lock:
            self.pool = self._make(dma)
        functions = self._lib.variable("mempool", "rte_mempool_ops_table") + layout.OPS_TABLE
        functions += layout.OPS * load32(self.pool + layout.MP_OPS)
        self._enqueue = load64(functions + layout.OPS_ENQUEUE)
        self._dequeue = load64(functions + layout.OPS_DEQUEUE)
        self._take_out()

    def _make(self, dma: bool) -> int:
        lib, name = self._lib, f"wirebrick{next(_numbers)}".encode()
        self._eal.log.take()
        # Elements side by side, whatever pages are under them.
        flags = layout.NO_SPREAD | layout.NO_IOVA_CONTIG
        size = self.stride - layout.ELEMENT_HEADER
        pool = lib["mempool_create_empty"](name, self.total, size, layout.CACHED, 8, _ANY_SOCKET, flags)
        bytes_needed = self.total * self.stride + LINE
        reserve = lib["memzone_reserve_aligned"]
        zone = pool and reserve(name, bytes_needed, _ANY_SOCKET, layout.IOVA_CONTIG, LINE)
        iova = load64(zone + layout.Z_IOVA) if zone else _NO_IOVA
        if pool and not zone and not dma:
            zone = reserve(name, bytes_needed, _ANY_SOCKET, 0, LINE)
        if not zone:
            lib["mempool_free"](pool)
            raise PortError(
                f"DPDK has no {bytes_needed >> 20:,} MB in one piece for {self.total:,} frames: {self._eal.why()}",
                cure=_CURE_DMA if dma else _CURE,
            )
        self._zone = zone
        if lib["mempool_set_ops_byname"](pool, b"ring_mp_mc", None) < 0:
            lib["mempool_free"](pool)
            lib["memzone_free"](zone)
            package = f"librte-mempool-ring{layout.ABI}"
            raise PortError("DPDK's ring mempool is not installed", cure=f"apt-get install {package}")
        room = ctypes.c_uint64(self.frame)  # struct rte_pktmbuf_pool_private
        lib["pktmbuf_pool_init"](pool, ctypes.byref(room))
        address = load64(zone + layout.Z_ADDRESS)
        made = lib["mempool_populate_iova"](
            pool, address, iova & 0xFFFFFFFFFFFFFFFF, bytes_needed, None, None
        )
        if made != self.total:
            lib["mempool_free"](pool)
            lib["memzone_free"](zone)
            raise PortError(f"DPDK made {made} frames of {self.total}: {self._eal.why()}")
        lib["mempool_obj_iter"](pool, lib.function("pktmbuf_init"), None)
        return int(pool)

    def _take_out(self) -> None:
        """See where all elements lie, and give back those that are to be spare."""
        places = np.zeros(self.total, np.uint64)
        at = places.ctypes.data
        failed = call3(self._dequeue, self.pool, at, self.total) & 0xFFFFFFFF
        places.sort()
        if failed or (np.diff(places) != self.stride).any():
            self._free()
            raise PortError(
                "DPDK's memory is not in one piece: its frames are not at equal distances",
                cure="start it without huge pages, or with larger ones",
            )
        self.first = int(places[0])  # mbuf 0
        self.address = self.first + layout.MBUF
        call3(self._enqueue, self.pool, at + 8 * self.frames, self.total - self.frames)

    def stash(self, worker: int) -> int:
        """Address of a worker's stash, made when it is first asked for."""
        if worker not in self._stashes:
            self._stashes[worker] = block = self._blocks.take(layout.STASH)
            for word, value in (
                (layout.ST_MEMPOOL, self.pool),
                (layout.ST_ENQUEUE, self._enqueue),
                (layout.ST_DEQUEUE, self._dequeue),
                (layout.ST_FIRST, self.first),
                (layout.ST_STRIDE, self.stride),
                (layout.ST_INVERSE, pow(self.stride // LINE, -1, 1 << 32)),
                (layout.ST_FREE, self._lib.function("pktmbuf_free_bulk")),
            ):
                store64(block + word, value)
        return self._stashes[worker]

    def join_thread(self, worker: int) -> None:
        """Let a worker's thread, which calls this, use the mempool's cache for it."""
        number = self._eal.join_thread()
        cache = load64(self.pool + layout.MP_CACHES) + layout.CACHE * number if number is not None else 0
        store64(self.stash(worker) + layout.ST_CACHE, cache)

    def leave_thread(self) -> None:
        """Undo ``join_thread``, in the same thread."""
        self._eal.leave_thread()

    def fill(self, worker: int, first: int, frames: int) -> None:
        """Put frames number ``first``, ``first + 1``, ... of those taken out into a worker's stash."""
        block = self.stash(worker)
        stashed = load64(block + layout.ST_COUNT)
        for index in range(frames):
            store32(block + layout.ST_FRAMES + 4 * (stashed + index), first + index)
        store64(block + layout.ST_COUNT, stashed + frames)
        self._filled += frames

    @property
    def lost(self) -> int:
        """Frames that are nowhere: 0 once the devices are closed.

        Workers and rings hold what was taken out for them, for frames are exchanged; stashes what they count.
        """
        stashed = sum(load64(block + layout.ST_COUNT) for block in self._stashes.values())
        held = self.frames - self._filled + stashed
        return int(self.total - held - self._lib["mempool_avail_count"](self.pool))

    def hold(self) -> None:
        """Use it: it stays."""
        self._users += 1

    def release(self) -> None:
        """Use it no longer; the last one frees it."""
        self._users -= 1
        if self._users == 0:
            self._free()

    def _free(self) -> None:
        with self._eal.lock:
            self._lib["mempool_free"](self.pool)
            self._lib["memzone_free"](self._zone)
