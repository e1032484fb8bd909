"""Reassembly: the state of a window operator: the streams of a worker, in order, in memory of a fixed size."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64, store64
from wirebrick.state import reassembly_layout as layout
from wirebrick.state.base import State

LEAST_BUFFER = 64 << 10  # bytes, by default: the largest segment fits
MOST_BUFFER = 1 << 30  # bytes: the largest window of TCP (RFC 7323, 2.3)
MOST_FLOWS = 1 << 24
REMEMBERED = 60_000_000_000  # ns, where there is no timeout: RFC 9293 has 2 MSL, Linux a minute
_LINE = 64  # bytes of a cache line


class Reassembly(State):
    """The streams of TCP and UDP that a worker sees, each direction of a flow one, given as windows of bytes.

    ``size`` bytes make a window; 0: all that is in order, as it comes. After each the stream advances by
    ``slide`` bytes: 1 or more, and more than ``size`` skips some; with size 0 it says nothing. Fewer bytes come
    only before a hole, at the end of a stream and after ``timeout`` nanoseconds (0: never) without more. Every
    stream has one last window, closed, with the rest, which may be empty: at its FIN once all before it is
    there; at a RST in the window; when a SYN begins it anew; when it gives way to a new one; at the end of the
    run.

    **Bounds.** At most ``flows`` streams; the least recently used one gives way (of those that only sent a SYN,
    if they hold more than a quarter). Of a stream at most ``buffer`` bytes, in at most 32 runs out of order.
    Everything is sized up front: ``flows`` times about a KiB, ``meta`` and ``buffer``; memory is taken from the
    system as it is first used. Where a bound is hit, it is counted: ``totals()``.

    **What comes several times.** Of a byte that comes twice, the first copy counts, as RFC 9293 (3.10.7.4)
    asks of receivers. One that replaces bytes out of order by a second copy sees another text.

    **What is missing.** With ``holes``, a hole is skipped when the buffer is full, when there are too many, at
    the timeout and at the end, and ``F_GAP`` says how much: the sender will not send it again if the receiver
    has it. Without, the stream waits until it comes: for when packets are held back, so that nothing was
    acknowledged.

    A closed stream is remembered for the timeout (a minute without one), if room allows, so that what is
    retransmitted then does not begin a new one. A stream whose SYN was not seen begins at the first byte seen.

    Native code is in ``reassembly_native``, which tells how it is called. Raises GraphError for wrong arguments.

    >>> streams = Reassembly(size=0, slide=0, timeout=10**9, flows=100)
    >>> streams.allocate(workers=1)  # a run does this
    >>> streams.totals()["streams"]
    0
    """

    def __init__(
        self,
        size: int,
        slide: int,
        timeout: int,
        *,
        flows: int = 4096,
        buffer: int | None = None,
        meta: int = 0,
        holes: bool = True,
    ) -> None:
        super().__init__("window")
        _check(size, slide, timeout, flows, buffer, meta)
        self.size = size
        self.slide = slide
        self.timeout = timeout
        self.flows = flows
        self.buffer = max(LEAST_BUFFER, 2 * size) if buffer is None else buffer
        self.meta = meta
        self.holes = holes
        self._slot = _apart(layout.F_META + meta)
        self._stride = _apart(self.buffer)
        self._buckets = 1 << (2 * flows).bit_length()
        self._slots = -(-(layout.R_BUCKETS + 8 * self._buckets) // _LINE) * _LINE

    def block_size(self) -> int:
        """Bytes of a worker's block."""
        return self._slots + (self.flows + 1) * (self._slot + self._stride) + self.buffer

    def _initialise(self, block: int) -> None:
        slots = self.flows + 1
        buffers = self._slots + slots * self._slot
        words = {
            layout.R_KEY0: secrets.randbits(64),
            layout.R_KEY1: secrets.randbits(64),
            layout.R_MASK: self._buckets - 1,
            layout.R_SLOTS: self._slots - self._slot,
            layout.R_SLOT: self._slot,
            layout.R_BUFFERS: buffers - self._stride,
            layout.R_STRIDE: self._stride,
            layout.R_BUFFER: self.buffer,
            layout.R_SIZE: self.size,
            layout.R_SLIDE: self.slide,
            layout.R_TIMEOUT: self.timeout,
            layout.R_MEMORY: self.timeout or REMEMBERED,
            layout.R_HOLES: int(self.holes),
            layout.R_META: self.meta,
            layout.R_SCRATCH: buffers + slots * self._stride,
            layout.R_FLOWS: self.flows,
        }
        for at, word in words.items():
            store64(block + at, word)
        for home in (layout.R_OPEN, layout.R_EMBRYOS, layout.R_PAST, layout.R_WAITING):
            store64(block + home, home)
            store64(block + home + 8, home)

    def _layout(self) -> dict[str, Any]:
        names = ("size", "slide", "timeout", "flows", "buffer", "meta", "holes")
        return {**super()._layout(), **{name: getattr(self, name) for name in names}}

    def totals(self) -> dict[str, int]:
        """What was counted, by name, over all workers: see ``COUNTERS`` in ``reassembly_layout``."""
        return {
            name: sum(load64(block + layout.R_COUNTERS + 8 * number) for block in self.blocks)
            for number, name in enumerate(layout.COUNTERS)
        }

    def live(self, block: int) -> Iterator[int]:
        """Addresses of the streams of a worker's block that are not closed."""
        for number in range(1, load64(block + layout.R_FRESH) + 1):
            flow = block + load64(block + layout.R_SLOTS) + number * self._slot
            if load64(flow + layout.F_STATE) in (layout.OPEN, layout.CLOSING):
                yield flow

    @property
    def streams(self) -> int:
        """Streams that are not closed, in all workers."""
        return sum(1 for block in self.blocks for _ in self.live(block))

    @property
    def buffered(self) -> int:
        """Bytes that are kept of them between packets."""
        return sum(load64(flow + layout.F_BUFFERED) for block in self.blocks for flow in self.live(block))


def _apart(size: int) -> int:
    """An odd number of cache lines that hold ``size`` bytes: what is so far apart does not share sets."""
    return (-(-size // _LINE) | 1) * _LINE


def _check(size: int, slide: int, timeout: int, flows: int, buffer: int | None, meta: int) -> None:
    """Raise GraphError unless every number can be what it is to be."""
    windows = 2 * size if type(size) is int else 0
    bounds = (
        ("size", size, 0, MOST_BUFFER // 2, "bytes of a window; 0: as they come"),
        ("slide", slide, 1 if size else 0, MOST_BUFFER // 2, "bytes to advance after each window"),
        ("timeout", timeout, 0, 10**18, "nanoseconds; 0: none"),
        ("flows", flows, 1, MOST_FLOWS, "streams of each worker"),
        ("buffer", LEAST_BUFFER if buffer is None else buffer, 1, MOST_BUFFER, "bytes kept of a stream"),
        ("buffer", windows if buffer is None else buffer, windows, MOST_BUFFER, "room for two windows"),
        ("meta", meta, 0, 1 << 20, "bytes of the record of each stream"),
    )
    for name, value, low, high, what in bounds:
        if type(value) is not int or not low <= value <= high:
            raise GraphError(
                f"the {name} of a window can't be {value!r}",
                place=caller_place(),
                cure=f"give {what}, from {low:,} to {high:,}",
            )
    if meta % 8:
        raise GraphError(
            f"the meta of a window can't be {meta!r}",
            place=caller_place(),
            cure="give the size of a Record: a multiple of 8",
        )
