"""What a port is: a factory of sources (receive) and sinks (transmit), one of each per worker.

Packets move in native code: a source's ``receive`` and a sink's ``transmit`` are addresses of compiled functions,
called once per burst. Python is asked only when a buffer is empty (``refill``) or full (``flush``).

``receive(state, context, room) -> int``
    Write up to ``room`` packets into positions 0, 1, ... of the worker's burst: the bytes at
    ``data_address(pool, stride, frame)``, where ``frame`` is the one that lies at the position (the position
    itself, or where W_FRAMES isn't 0 the u32 in that table), and the whole descriptor (DATA, LENGTH, WIRE,
    TIME, INGRESS = 0, EGRESS = NO_PORT, FRAME); the driver puts in the ingress. Returns how many, 0 (nothing
    now), ``ENDED`` (no more will come) or ``REFILL`` (call ``refill`` and try again).

``transmit(state, context, list, start) -> int``
    Take the packets at list positions ``start`` .. count-1 (``list``: u64 count, then u32 burst positions), in
    order. Returns how many it took; fewer than there are means: call ``flush``, then go on from there. Live ports
    take them all: what an output has no room for is dropped there, and counted (``dropped``).

Frames are never allocated while packets move, they are exchanged: every position of a burst owns a frame of the
mempool, and so does every place of a port's own rings that can hold one (``frames`` says how many it wants, ``own``
gives them). A source that brings a packet in frame F leaves F at the position (W_FRAMES, never 0 then) and takes the
empty frame that lay there for its ring; a sink takes the packet's frame and leaves an empty one of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirebrick.runtime.mempool import Mempool

Paused = Callable[[], AbstractContextManager[frozenset[int]]]

ENDED = -1
REFILL = -2

BURST = 64


class Source:
    """One worker's way to receive from a port."""

    receive: int  # address of the native function
    state: int  # address of its state block
    problem: str | None = None  # what was wrong with the input, when it ended early
    wire_length: int = 0  # bytes on the wire of every packet, or 0 where they differ
    live: bool = False  # packets come as time goes by: while none do, the worker's clock is the wall's
    frames: int = 0  # frames of the mempool that it keeps in rings of its own
    fd: int | None = None  # what ``descriptors`` gives, where that is one and stays

    def own(self, pool: Mempool, first: int) -> None:
        """Take ``frames`` frames, from number ``first`` on; called once, before the workers begin."""

    def begin(self) -> None:
        """Called in the worker's thread, before it receives."""

    def end(self) -> None:
        """Called in the worker's thread when it has done its work, if ``begin`` was."""

    def descriptors(self) -> Sequence[int] | None:
        """What becomes readable when packets come: an idle worker asks for it and sleeps on it.

        Empty: none can come now. None: there is nothing to sleep on, it naps.
        """
        return None if self.fd is None else (self.fd,)

    def refill(self) -> bool:
        """Read more; False when there is no more."""
        return False

    def progress(self) -> tuple[int, int] | None:
        """Done and total (bytes or packets), or None where there is no end."""
        return None

    def close(self) -> None:
        """Give back what it holds."""


class Sink:
    """One worker's way to transmit to a port."""

    transmit: int  # address of the native function
    state: int  # address of its state block
    bytes_copied: int = 0  # bytes copied out of frames, so far
    frames: int = 0  # frames of the mempool that it keeps in rings of its own

    def own(self, pool: Mempool, first: int) -> None:
        """Take ``frames`` frames, from number ``first`` on; called once, before the workers begin."""

    def begin(self) -> None:
        """Called in the worker's thread, before it transmits."""

    def end(self) -> None:
        """Called in the worker's thread when it has done its work, if ``begin`` was."""

    @property
    def dropped(self) -> Mapping[str, tuple[int, int]]:
        """Packets that it took and could not send: packets and bytes on the wire, by reason."""
        return {}

    @property
    def pending(self) -> bool:
        """Whether something that it took waits for another ``flush`` to leave."""
        return False

    def flush(self) -> None:
        """Write out what is buffered. Raises PortError where it can't."""

    def close(self) -> None:
        """Flush and close."""


class Port(ABC):
    """A port as the user named it."""

    can_receive = True
    can_transmit = True
    two_way = False  # named once, it both receives and transmits: interfaces
    burst = BURST  # packets asked of it at once
    cuts = False  # what is longer than a frame of the mempool comes cut to it: captures may claim any size

    def __init__(self, spec: str) -> None:
        self.spec = spec

    @property
    def frame_size(self) -> int:
        """The largest packet it may bring, in bytes (known once it is open for receiving)."""
        return 2048 - 256 - 64

    def splits(self, workers: int) -> bool:
        """Whether each of several workers can have a source of its own, with a part of the flows."""
        return False

    def mempool(self, frames: int, frame_size: int) -> Mempool | None:
        """The mempool of the run, where packets must lie in memory of this port's kind; mostly None: any will do.

        ``frames``: how many are needed, ``frame_size``: bytes of the largest packet. Raises PortError.
        """
        return None

    @abstractmethod
    def source(self, worker: int, workers: int) -> Source:
        """Open it for receiving, for worker ``worker`` of ``workers``. Raises PortError."""

    @abstractmethod
    def sink(self, worker: int, workers: int) -> Sink:
        """Open it for transmitting. Raises PortError."""

    def start(self) -> None:  # noqa: B027
        """Called when all sources and sinks have their frames, before the workers begin. Raises PortError."""

    @property
    def statistics(self) -> Mapping[str, int]:
        """What the other side counted, the kernel or the card: packets missed, errors; also after ``close``."""
        return {}

    def look(self, paused: Paused) -> list[str]:
        """Called some times a second by the thread that watches the run: what there is to tell of the port.

        It went down, came back, is gone. Inside ``paused()`` all workers stand still: sockets may be exchanged.
        """
        return []

    def close(self) -> None:  # noqa: B027
        """Close what sources and sinks of it share: nothing, for most."""
