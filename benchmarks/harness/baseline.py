"""A chain of C network functions, on memory laid out as Wirebrick lays out a worker's.

Frames, descriptors and lists are those of a ``Context``, the templates those of the ``memory:`` port: made by
the same code, with the same distances and alignment.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.harness.build import address_of, library
from wirebrick.packet.descriptor import Descriptor
from wirebrick.packet.frame import (
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    LIST_HEAD,
    NO_PORT,
    W_BURST,
    W_LISTS,
    W_POOL,
    W_STRIDE,
    data_address,
)
from wirebrick.packet.memory import load32, load64, store16, store32, store64
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.native import LINE
from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import START_TIME, Traffic
from wirebrick.runtime.context import Context

_OUT = 1  # number of the port whose list is used: 0 is the one packets come from


@dataclass(frozen=True)
class CNF:
    """A C network function by name, and what its state holds at the beginning, in 64-bit words."""

    name: str
    state: tuple[int, ...] = (0,)
    keeps: object = None  # what those words point to


class _NF(ctypes.Structure):
    """``struct nf`` of drive.c."""

    _fields_ = [("process", ctypes.c_uint64), ("state", ctypes.c_uint64)]


_WORDS = (
    "burst", "pool", "stride", "burst_size", "all", "list", "nfs", "nf_count",
    "first", "end", "at", "length", "index", "index_end", "index_at", "time", "gap",
)  # fmt: skip


class _Worker(ctypes.Structure):
    """``struct worker`` of drive.c."""

    _fields_ = [(word, ctypes.c_uint64) for word in _WORDS]


class Baseline:
    """C network functions in a row, and their memory. Raises BenchmarkError where there is no gcc."""

    def __init__(self, nfs: Sequence[CNF], traffic: Traffic | None = None, burst: int = BURST) -> None:
        traffic = traffic or Traffic()
        self.burst = burst
        self._library = library()
        self._nfs = nfs
        self._context = Context(burst=burst, frame_size=traffic.largest, ports=2, counters=1)
        self._templates = make_templates(traffic)
        self._all = np.arange(burst, dtype=np.uint32)
        self._states = [np.array(nf.state, np.uint64) for nf in nfs]
        table = [(address_of(nf.name), at.ctypes.data) for nf, at in zip(nfs, self._states, strict=True)]
        self._table = (_NF * len(nfs))(*(_NF(*entry) for entry in table))
        self._list = load64(self._context[W_LISTS] + 8 * _OUT)
        buffer, index = self._templates.buffer, self._templates.index
        self._worker = _Worker(
            burst=self._context[W_BURST],
            pool=self._context[W_POOL],
            stride=self._context[W_STRIDE],
            burst_size=burst,
            all=self._all.ctypes.data,
            list=self._list,
            nfs=ctypes.addressof(self._table),
            nf_count=len(nfs),
            first=buffer.ctypes.data,
            end=buffer.ctypes.data + buffer.nbytes,
            at=buffer.ctypes.data,
            length=self._templates.length if self._templates.length <= LINE else 0,
            index=index.ctypes.data,
            index_end=index.ctypes.data + index.nbytes,
            index_at=index.ctypes.data,
            time=START_TIME,
            gap=traffic.gap_ns,
        )

    def state(self, number: int) -> list[int]:
        """The words of an NF's state as they are now."""
        return [int(word) for word in self._states[number]]

    def drive(self, packets: int) -> tuple[int, float]:
        """Receive and process so many packets; how many left, and the seconds it took."""
        begin = time.perf_counter()
        sent = self._library.drive(ctypes.byref(self._worker), packets)
        return int(sent), time.perf_counter() - begin

    def receive(self) -> list[tuple[Descriptor, bytes]]:
        """Receive one burst: the descriptors and the packets, as they then lie in memory."""
        count = self._library.receive_burst(ctypes.byref(self._worker))
        return [self._packet(position) for position in range(count)]

    def process(self, frames: Sequence[bytes | tuple[int, bytes]]) -> list[bytes]:
        """Process packets given as bytes or (nanoseconds, bytes), at most a burst of them; those that leave."""
        assert len(frames) <= self.burst
        for position, frame in enumerate(frames):
            self._place(position, *((START_TIME, frame) if isinstance(frame, bytes) else frame))
        self._library.process_burst(ctypes.byref(self._worker), len(frames))
        count = load64(self._list)
        places = [load32(self._list + LIST_HEAD + 4 * index) for index in range(count)]
        return [self._packet(position)[1] for position in places]

    def _place(self, position: int, when: int, frame: bytes) -> None:
        assert len(frame) <= self._context[W_STRIDE] - HEADROOM
        data = data_address(self._context[W_POOL], self._context[W_STRIDE], position)
        ctypes.memmove(data, frame, len(frame))
        at = self._context[W_BURST] + DESCRIPTOR * position
        store64(at + D_DATA, data)
        store32(at + D_LENGTH, len(frame))
        store32(at + D_WIRE, len(frame))
        store64(at + D_TIME, when)
        store16(at + D_INGRESS, 0)
        store16(at + D_EGRESS, NO_PORT)
        store32(at + D_FRAME, position)

    def _packet(self, position: int) -> tuple[Descriptor, bytes]:
        descriptor = Descriptor(self._context[W_BURST] + DESCRIPTOR * position)
        return descriptor, ctypes.string_at(descriptor.data, descriptor.length)
