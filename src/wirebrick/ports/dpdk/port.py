"""The `dpdk:` port: a device of DPDK's, named by its devargs.

``dpdk:net_null0,size=64`` (any virtual device, with its driver's options) or ``dpdk:0000:03:00.0`` (a card, by its
PCI address, bound to vfio-pci or used through its own driver). All `dpdk:` ports of a run share one mempool, whose
mbufs are the run's frames: a packet goes from card to card without being copied.

>>> DpdkPort("dpdk:net_null0,size=1500").devargs.name
'net_null0'
"""

from __future__ import annotations

from collections.abc import Mapping

from wirebrick.errors import PortError
from wirebrick.ports.base import Paused, Port, Sink, Source
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.devargs import Devargs
from wirebrick.ports.dpdk.device import DESCRIPTORS, Device
from wirebrick.ports.dpdk.mempool import DpdkMempool
from wirebrick.ports.dpdk.queues import DpdkSink, DpdkSource
from wirebrick.runtime.blocks import LINES, Blocks
from wirebrick.runtime.mempool import Mempool

JUMBO = 9216
_SPARE = 2 * layout.CACHED + layout.FULL + layout.BATCH  # frames that a worker's cache and stash may hold
_NO_WIRE = ("net_null", "net_ring", "net_pcap", "net_memif")
_NO_FLOWS = ("net_null",)  # what it brings belongs to no flow: any queue may have it

_open: list[DpdkPort] = []  # those that hold a device: the mempool is made for all


class DpdkPort(Port):
    """``dpdk:`` with the devargs of a device. Raises PortError where they name none."""

    two_way = True

    def __init__(self, spec: str) -> None:
        super().__init__(spec)
        self.devargs = Devargs(spec.removeprefix("dpdk:"))
        self.queues = 1  # for receiving, and as many for sending
        self._device: Device | None = None
        self._made: DpdkMempool | None = None  # by this port
        self._pool: DpdkMempool | None = None  # that the device works with
        self._blocks = Blocks()
        self._lock = self._blocks.take(LINES)
        self._sources: list[DpdkSource] = []
        self._workers: set[int] = set()
        self._counts: dict[str, int] = {}
        self._up: bool | None = None

    def _opened(self) -> Device:
        if self._device is None:
            self._device = Device(self.spec, self.devargs)
            _open.append(self)
        return self._device

    @property
    def frame_size(self) -> int:
        """The largest packet it may bring: as its MTU says; net_null's, as its option."""
        least = self.devargs.number("size", 64) if self.devargs.driver == "net_null" else 0
        return max(least, self._opened().frame_size)

    @property
    def longest(self) -> int:
        """Bytes of the largest packet that it sends, or 0 where it takes any: what has no wire behind it."""
        return 0 if self.devargs.driver in _NO_WIRE else self._opened().longest

    def splits(self, workers: int) -> bool:
        """Whether it has a queue for each worker, and shares flows out over them: by RSS, or by its own means."""
        fixed = self.devargs.queues
        if fixed is not None:
            return fixed == workers
        if self.devargs.driver is not None:
            return self.devargs.driver in _NO_FLOWS
        device = self._opened()
        return device.hashes_flows and device.most_queues >= workers

    def source(self, worker: int, workers: int) -> Source:
        """The receive queue of a worker; the first one has it where there is one alone."""
        self._join(worker, workers)
        source = DpdkSource(self, worker)
        self._sources.append(source)
        return source

    def sink(self, worker: int, workers: int) -> Sink:
        """The transmit queue of a worker; where there is one alone, all share it under a lock."""
        self._join(worker, workers)
        return DpdkSink(self, worker, self._lock if workers > self.queues else 0)

    def _join(self, worker: int, workers: int) -> None:
        self._opened()
        self._workers.add(worker)
        self.queues = workers if self.splits(workers) else 1
        fixed = self.devargs.queues
        if fixed not in (None, self.queues):
            few = "1" if workers == 1 else f"1 or {workers}"
            raise PortError(
                f"{self.spec}: it has {fixed} queues, and there {'is' if workers == 1 else 'are'} {workers}"
                f" worker{'' if workers == 1 else 's'}: what comes into the others would be lost",
                cure=f"have it make {few} (net_af_packet: qpairs; net_pcap: a queue for each file)",
            )

    @property
    def spare(self) -> int:
        """Frames that its queues, and its workers' caches, may hold."""
        return 2 * DESCRIPTORS * self.queues + _SPARE * len(self._workers)

    def mempool(self, frames: int, frame_size: int) -> Mempool | None:
        """A packet mempool of DPDK's, for all devices that are open.

        What other ports may bring fits up to jumbo frames: a capture may say that it has packets of any size.
        """
        needed = max(port.frame_size for port in _open)
        spare = sum(port.spare for port in _open)
        dma = any(port.devargs.is_pci for port in _open)
        self._made = DpdkMempool(frames, max(needed, min(frame_size, JUMBO)), spare, dma)
        self._made.hold()
        return self._made

    def use(self, pool: DpdkMempool) -> int:
        """Work with the run's mempool; the address of the device's functions for bursts."""
        if self._pool is None:
            pool.hold()
            self._pool = pool
        return self._opened().operations

    def start(self) -> None:
        """Set up the queues, and start the device. Raises PortError."""
        if self._device is not None and self._pool is not None:
            self._device.start(self._pool, self.queues)

    @property
    def statistics(self) -> Mapping[str, int]:
        """What it counted: missed (imissed), wrong (ierrors, oerrors), without a frame (rx_nombuf).

        ``rx_segments`` are those that were dropped here, as they were larger than a frame.
        """
        if self._device is not None:
            self._counts = self._device.count()
        return {
            **self._counts,
            "rx_segments": sum(source.counted(layout.S_LOST)[0] for source in self._sources),
        }

    def look(self, paused: Paused) -> list[str]:
        """Whether its link went down or came up."""
        if self._device is None or self._pool is None:
            return []
        before, self._up = self._up, self._device.up
        if before is None or before == self._up:
            return []
        return [f"{self.spec}: its link is {'up again' if self._up else 'down'}"]

    def close(self) -> None:
        """Give the device back, then the mempool."""
        device, self._device = self._device, None
        if device is not None:
            device.close()
            self._counts = device.counts
            _open.remove(self)
        for pool in (self._pool, self._made):
            if pool is not None:
                pool.release()
        self._pool = self._made = None
