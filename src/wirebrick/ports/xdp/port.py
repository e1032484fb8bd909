"""The ``xdp:`` port: a network interface by AF_XDP, without a copy between two of them.

>>> port = XdpPort("xdp:eth0@1")
>>> port.options.interface, port.options.queue, port.two_way
('eth0', 1, True)
"""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from socket import socket

from wirebrick.errors import PortError
from wirebrick.ports.base import Paused, Port, Sink, Source
from wirebrick.ports.interface import Interface, require_capability, system_error
from wirebrick.ports.promiscuous import promiscuous
from wirebrick.ports.xdp.attach import Attachment
from wirebrick.ports.xdp.layout import T_GONE
from wirebrick.ports.xdp.options import parse
from wirebrick.ports.xdp.queue import XdpQueue
from wirebrick.ports.xdp.sink import XdpSink
from wirebrick.ports.xdp.source import XdpSource
from wirebrick.ports.xdp.umem import LARGEST, Umem
from wirebrick.runtime.filter_native import Code
from wirebrick.runtime.mempool import Mempool

_HEADERS = 14 + 8  # bytes before what the MTU counts: Ethernet and two VLAN tags
_DRAIN = 0.1  # seconds for what is in the rings when the run ends
_RETRY = 0.5  # seconds between two tries to open an interface that came back


class XdpPort(Port):
    """``xdp:IF[@QUEUE][,option=value]...``: packets of an interface, or of one of its queues.

    Options: ``mode`` (``native``, ``generic``, or ``auto``: native where the driver has it), ``copy=on`` (no
    zero-copy), ``ring`` (entries of each ring), ``kernel`` (what this filter matches stays with the kernel),
    ``checksum`` (``complete``: those left partial are completed, ``keep``, or ``auto``: on veth devices), ``promisc``
    (``on``, or ``off``: only frames for the interface's own address).

    Raises PortError where the spec is wrong.
    """

    two_way = True
    burst = 128  # a system call sends one

    def __init__(self, spec: str) -> None:
        super().__init__(spec)
        self.options = parse(spec)
        self._queues: dict[int, XdpQueue] = {}
        self._sources: list[XdpSource] = []
        self._attachment: Attachment | None = None
        self._index = 0  # of the interface that is open, 0: none is
        self._promiscuous: socket | None = None
        self._mtu = 0
        self._tried = 0.0
        self._told: list[str] = []
        self._statistics: dict[str, int] = {}

    @cached_property
    def interface(self) -> Interface:
        """The interface. Raises PortError for what can't be a name."""
        return Interface(self.options.interface)

    @cached_property
    def _kept(self) -> Sequence[Code]:
        """The filter of what stays with the kernel, compiled. Raises ParameterError for one that is wrong."""
        if not self.options.kernel:
            return []
        from wirebrick.runtime.filter import bpf

        return bpf(self.options.kernel)

    @property
    def frame_size(self) -> int:
        """Bytes of the largest packet that may come: the MTU, with room for Ethernet and two tags."""
        return (self._mtu or self.interface.mtu) + _HEADERS

    def splits(self, workers: int) -> bool:
        """Whether there is a queue for each worker."""
        return self.options.queue is None and self.interface.queues >= workers

    def mempool(self, frames: int, frame_size: int) -> Mempool:
        """Memory that the kernel can use too. Raises PortError."""
        return Umem(frames, min(frame_size, LARGEST))

    def source(self, worker: int, workers: int) -> Source:
        """The queues with number % workers == worker, or all for the worker that receives for all."""
        self._check()
        numbers = self._numbers()
        if self.splits(workers):
            numbers = numbers[worker::workers]
        queues = [self._queue(number) for number in numbers]
        for queue in queues:
            queue.receives = True
        checksum = self.options.checksum
        repair = checksum == "complete" or (checksum == "auto" and self.interface.driver == "veth")
        source = XdpSource(queues, repair=repair)
        self._sources.append(source)
        return source

    def sink(self, worker: int, workers: int) -> Sink:
        """A ring of the queue with the worker's number, of those there are."""
        self._check()
        numbers = self._numbers()
        return XdpSink(self._queue(numbers[worker % len(numbers)]))

    def start(self) -> None:
        """Bind all queues, and attach the program. Raises PortError."""
        self._open()
        attachment = self._attachment
        name = self.options.interface
        if attachment is not None and attachment.refused:
            self._told.append(f"{name}: generic XDP, which is slow: {attachment.refused}")
        if not self.interface.up:
            self._told.append(f"{name} {self.interface.state}")
        if self._sources and self.interface.addressed and not self.options.kernel:
            self._told.append(
                f"{name} has an address, and this host gets nothing by it now: kernel=FILTER leaves it some"
            )

    @property
    def statistics(self) -> Mapping[str, int]:
        """What the kernel dropped, by reason, and packets whose checksum was completed."""
        return self._statistics or self._count()

    def look(self, paused: Paused) -> list[str]:
        """Tell of the interface; leave it when it is gone, open it again when it is back."""
        told, self._told = [*self._told, *self.interface.changes()], []
        index = self.interface.index
        if self._index and index != self._index:
            with paused() as moving:
                if moving:  # they hang, and may still use what would be closed
                    return told
                self._leave()
        if index and not self._index and time.monotonic() - self._tried > _RETRY:
            self._tried = time.monotonic()
            try:
                with paused() as moving:
                    if moving:
                        return told
                    self._open()
            except PortError as error:
                told.append(f"{error.message}; trying again")
            else:
                told.append(f"{self.options.interface} is in use again")
        return told

    def close(self) -> None:
        """Wait a moment for what is being sent, then give everything back."""
        end = time.monotonic() + _DRAIN
        while any(queue.unsent for queue in self._queues.values()) and time.monotonic() < end:
            for queue in self._queues.values():
                queue.send()
            time.sleep(_DRAIN / 50)
        self._statistics = self._count()
        self._detach()
        for queue in self._queues.values():
            queue.close()
        if "interface" in vars(self):  # its name was right
            self.interface.close()

    def _count(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for queue in self._queues.values():
            for name, count in queue.statistics.items():
                counts[name] = counts.get(name, 0) + count
        return {**counts, "checksums_completed": sum(source.repaired for source in self._sources)}

    def _numbers(self) -> list[int]:
        only = self.options.queue
        return list(range(self.interface.queues)) if only is None else [only]

    def _queue(self, number: int) -> XdpQueue:
        return self._queues.setdefault(number, XdpQueue(number, self.options.ring))

    def _check(self) -> None:
        """Refuse what can be known before a socket is there. Raises PortError."""
        interface, queue = self.interface, self.options.queue
        _ = self._kept
        interface.require(self.spec)
        require_capability(self.spec, "CAP_NET_RAW", "CAP_NET_ADMIN")
        if queue is not None and queue >= interface.queues:
            there = interface.queues
            raise PortError(
                f"{self.spec}: {interface.name} has {there} queue{'s' if there > 1 else ''}, from 0 on",
                cure=f"ethtool -L {interface.name} changes how many, where the driver can",
            )
        self._mtu = interface.mtu
        if self._mtu + _HEADERS > LARGEST:
            most = LARGEST - _HEADERS
            raise PortError(
                f"{self.spec}: its MTU of {self._mtu:,} is more than the {most:,} that frames of AF_XDP hold",
                cure=f"ip link set dev {interface.name} mtu {most}, or use afpacket:{interface.name}",
            )

    def _open(self) -> None:
        """Bind and attach. Raises PortError, with nothing left open."""
        interface = self.interface
        receives = any(queue.receives for queue in self._queues.values())
        try:
            if receives:
                self._attachment = Attachment(
                    self.spec, self.options, interface, interface.queues, self._kept
                )
            for queue in self._queues.values():
                self._bind(queue)
            if self._attachment is not None:
                self._attachment.attach()
                if self.options.promisc:
                    self._promiscuous = promiscuous(interface.index)
        except OSError as error:  # the interface went away in the meantime
            self._leave()
            raise system_error(self.spec, "it can't be opened", error) from None
        except BaseException:
            self._leave()
            raise
        self._index = interface.index
        for source in self._sources:
            source.opened()

    def _bind(self, queue: XdpQueue) -> None:
        try:
            queue.open(self.interface.index, min(self.interface.mtu, self._mtu) + _HEADERS, self.options.copy)
            if queue.receives and self._attachment is not None:
                self._attachment.connect(queue.number, queue.fd)
        except OSError as error:
            raise self._bind_error(queue.number, error) from None
        except PortError as error:
            raise PortError(f"{self.spec}: {error.message}", cure=error.cure) from None

    def _bind_error(self, queue: int, error: OSError) -> PortError:
        name = self.options.interface
        if error.errno == errno.EBUSY:
            return PortError(
                f"{self.spec}: queue {queue} of {name} is taken by another AF_XDP socket",
                cure="end that program; in one run an interface is named once: --in alone sends back out of it",
            )
        return system_error(
            self.spec, f"queue {queue} of {name} can't be bound", error, f"use afpacket:{name}"
        )

    def _leave(self) -> None:
        """The interface is gone, or could not be opened: close everything, keep the frames."""
        for source in self._sources:
            source.gone()
        self._detach()
        for queue in self._queues.values():
            queue.close(T_GONE)
        self._index = 0

    def _detach(self) -> None:
        if self._promiscuous is not None:
            self._promiscuous.close()
            self._promiscuous = None
        if self._attachment is not None:
            self._attachment.close()
            self._attachment = None
