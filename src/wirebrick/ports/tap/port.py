"""The `tap:` port: an interface of the host that leads into the run, there while it lasts.

``tap:NAME,mtu=1500,mac=02:00:00:00:00:01,up=on,address=192.0.2.1/24`` (every option may be left out). A TAP
interface of that name that is there already, and free, is used, and stays.

>>> TapPort("tap:wb0").two_way
True
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from wirebrick.ports.base import Paused, Port, Sink, Source
from wirebrick.ports.interface import Interface
from wirebrick.ports.libc import address_of
from wirebrick.ports.tap import native
from wirebrick.ports.tap.device import open_queue, set_up
from wirebrick.ports.tap.options import parse_options

_NATIVE = "wirebrick.ports.tap.native"
_FUNCTIONS = {"receive": 3, "transmit": 4}
_HEADERS = 14 + 8  # bytes before the MTU: Ethernet, two VLAN tags


class _State:
    """The words of a state block, as native.S_... name them, for queue ``fd``."""

    def __init__(self, fd: int, call: str) -> None:
        self._words = np.zeros(native.STATE // 8, np.int64)
        self.address = int(self._words.ctypes.data)
        self[native.S_FD] = fd
        self[native.S_CALL] = address_of(call)
        self[native.S_CLOCK] = address_of("clock_gettime")

    def __getitem__(self, at: int) -> int:
        return int(self._words[at // 8])

    def __setitem__(self, at: int, value: int) -> None:
        self._words[at // 8] = value


class TapSource(Source):
    """What the host sends by the interface, as far as it comes by this queue."""

    live = True

    def __init__(self, fd: int) -> None:
        # Imported here: describing ports needs no compiler.
        from wirebrick.compiler.native import load_native

        self.receive = load_native(_NATIVE, _FUNCTIONS)["receive"]
        self.fd = fd
        self.words = _State(fd, "read")
        self.state = self.words.address

    @property
    def bytes_copied(self) -> int:
        """Bytes copied into frames, so far."""
        return self.words[native.S_COPIED]


class TapSink(Sink):
    """What the host receives by the interface."""

    def __init__(self, fd: int) -> None:
        from wirebrick.compiler.native import load_native

        self.transmit = load_native(_NATIVE, _FUNCTIONS)["transmit"]
        self.words = _State(fd, "write")
        self.state = self.words.address

    @property
    def dropped(self) -> Mapping[str, tuple[int, int]]:
        """What the kernel didn't take, as the interface was down or gone; and what was cut when it was captured."""
        return {
            reason: (self.words[counter], self.words[counter + 8])
            for reason, counter in (("refused", native.S_REFUSED), ("cut_by_capture", native.S_CUT))
            if self.words[counter]
        }

    def flush(self) -> None:
        """Nothing waits; bytes are counted."""
        self.bytes_copied = self.words[native.S_COPIED]

    def close(self) -> None:
        """The queue is the port's to close."""
        self.flush()


class TapPort(Port):
    """``tap:NAME`` with its options. Raises PortError where they are wrong."""

    two_way = True

    def __init__(self, spec: str) -> None:
        super().__init__(spec)
        self.options = parse_options(spec)
        self._interface = Interface(self.options.name)
        self._queues: dict[int, int] = {}
        self._sources: list[TapSource] = []
        self._mtu = 0
        self._missed = 0

    @property
    def frame_size(self) -> int:
        """Its MTU, with headers and two VLAN tags."""
        return self._mtu + _HEADERS

    def splits(self, workers: int) -> bool:
        """Always: a queue for each worker; the kernel keeps a flow at the queue by which it came."""
        return True

    def source(self, worker: int, workers: int) -> Source:
        """A queue of the worker's own. Raises PortError."""
        source = TapSource(self._queue(worker, workers))
        self._sources.append(source)
        return source

    def sink(self, worker: int, workers: int) -> Sink:
        """The same queue. Raises PortError."""
        return TapSink(self._queue(worker, workers))

    @property
    def statistics(self) -> Mapping[str, int]:
        """What the host sent and found no room for, and what was too long for a frame."""
        if self._queues:
            self._missed = self._interface.send_drops
        too_long = sum(source.words[native.S_TOO_LONG] for source in self._sources)
        return {"kernel_drops": self._missed, "too_long": too_long}

    def look(self, paused: Paused) -> list[str]:
        """What became of the interface."""
        return self._interface.changes()

    def close(self) -> None:
        """Close the queues: the interface goes with the last, if it was made here."""
        self._missed = self.statistics["kernel_drops"]
        for fd in self._queues.values():
            os.close(fd)
        self._queues.clear()
        self._interface.close()

    def _queue(self, worker: int, workers: int) -> int:
        if worker not in self._queues:
            new = not self._queues
            self._queues[worker] = open_queue(self.spec, self.options.name, workers > 1)
            if new:
                self._interface.claim(self.spec)
                set_up(self.spec, self.options)
                self._mtu = self._interface.mtu
                self._interface.changes()  # being made is nothing to tell
        return self._queues[worker]
