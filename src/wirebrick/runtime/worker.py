"""A worker: runs the driver on its memory, and does what the driver can't: refill, flush, interpret, wait.

It ends when its sources have, when it may receive no more, when told to, and at the first error, which it
keeps. However it ends, the rings to it and from it are marked so that the other workers can go on and end.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from bdb import BdbQuit
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from wirebrick.errors import WirebrickError
from wirebrick.packet.frame import (
    W_AGAIN,
    W_BYTES_OUT,
    W_CLOCK,
    W_LIMIT,
    W_PAUSE,
    W_PROCESS,
    W_STOP,
    W_TAPS,
)
from wirebrick.ports.base import Sink, Source
from wirebrick.ports.libc import address_of
from wirebrick.runtime import codes
from wirebrick.runtime.allowance import Allowance
from wirebrick.runtime.context import Context
from wirebrick.runtime.rest import Poll, Rest
from wirebrick.state.base import use_worker

if TYPE_CHECKING:
    from wirebrick.runtime.ring import Rings
    from wirebrick.runtime.tap_ring import TapTable

_DRIVE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)  # ctypes lets go of the GIL while it runs


class Processor(Protocol):
    """What runs the graph on a burst, as native process functions do."""

    taps: TapTable | None  # who watches packets; looked at when a burst begins

    def process(self, context: int) -> int | None:
        """Run the burst; with FINISH: whether there is more to do."""


class Worker:
    """Worker ``index``: its memory, its sources (in the order of its receiving ports) and its sinks by port.

    ``interpreter`` processes the bursts where the context has no native process function. ``cpu``: the
    processor to stay on. ``rings``: all those between the workers. ``poll``: whether it rests when nothing
    comes in (``"adaptive"``), or never (``"busy"``). ``live``: its clock is the wall's while nothing comes in.
    ``receiving``: the number of each source's port.
    """

    def __init__(
        self,
        index: int,
        context: Context,
        sources: list[Source],
        sinks: Mapping[int, Sink],
        *,
        interpreter: Processor | None = None,
        allowance: Allowance | None = None,
        cpu: int | None = None,
        rings: Rings | None = None,
        poll: Poll = "adaptive",
        live: bool = False,
        receiving: Sequence[int] = (),
    ) -> None:
        # Imported here: describing runs needs no compiler.
        from wirebrick.compiler.native import load_native

        self.index = index
        self.context = context
        self.sources = sources
        self.sinks = sinks
        self.receiving = list(receiving)
        self.error: BaseException | None = None
        self.interrupted = False
        self.cut = False  # processing a burst was broken off: some packets of it have no fate
        self.gave_up = False  # a sink took nothing any more: packets are left for it
        self.waits = ""  # what it is in that may take forever
        self.abandoned = False  # left behind: it must touch nothing any more
        self.finished = False
        self.begin = self.end = 0.0
        self._waited = 0.0  # seconds it waited for pipes
        self._waits_since = 0.0
        self._interpreter = interpreter
        self._allowance = allowance
        self._cpu = cpu
        self._drive = _DRIVE(load_native("wirebrick.runtime.driver_native", {"drive": 1})["drive"])
        self._rings = rings
        self._rest = Rest(context, poll, rings is not None, sources)
        context[W_CLOCK] = address_of("clock_gettime") if live else 0
        self._going = threading.Event()
        self._going.set()
        self.taps: TapTable | None = None  # who watches packets
        self._process = context[W_PROCESS]  # what runs while nobody does
        self._flushed = 0  # W_BYTES_OUT at the last flush
        self._stuck: tuple[int, int] | None = None
        if allowance is not None:
            context[W_LIMIT] = allowance.first(index)

    def stop(self) -> None:
        """Have it end after the burst it is at. Any thread may call this."""
        self.context[W_STOP] = 1

    def pause(self) -> None:
        """Have it stand still before the next burst. Any thread may call this."""
        self._going.clear()
        self.context[W_PAUSE] = 1

    def watch(self, taps: TapTable | None, process: int) -> None:
        """Let packets be watched, by native code at ``process``; or no more. While it stands still, or interprets."""
        if self._interpreter is not None:
            self._interpreter.taps = taps
        else:
            self.context[W_TAPS] = taps.address if taps is not None else 0
            self.context[W_PROCESS] = process if taps is not None else self._process
        self.taps = taps

    def resume(self) -> None:
        """Let it go on."""
        self.context[W_PAUSE] = 0
        self._going.set()

    @property
    def failed(self) -> bool:
        """Whether it ended with an error, or was left behind."""
        return self.error is not None or self.abandoned

    @property
    def still(self) -> bool:
        """Whether it is processing no packets, and won't before ``resume``: after ``pause`` only."""
        return self.finished or self.begin == 0.0 or self.waits != ""

    def waited(self, now: float) -> float:
        """Seconds for which it has waited for what comes through pipes, up to now (``time.perf_counter()``)."""
        since = self._waits_since
        return self._waited + (max(0.0, now - since) if since else 0.0)

    def leave_rings(self) -> None:
        """Let the other workers go on without it: they get no more from it, and put no more to it."""
        if self._rings is not None:
            for ring in self._rings.out_of(self.index):
                ring.close()
            for ring in self._rings.into(self.index):
                ring.abandon()

    def run(self, look: Callable[[], None] | None = None) -> None:
        """Work until the end; errors are kept in ``error``. ``look`` is called now and then.

        With ``look`` this is the main thread: KeyboardInterrupt ends the work as ``stop`` does.
        """
        use_worker(self.index)
        if self._cpu is not None:
            os.sched_setaffinity(0, {self._cpu})  # of this thread alone
        self.begin = time.perf_counter()
        begun: list[Source | Sink] = []
        try:
            for source in self.sources:
                begun.append(source)
                source.begin()
            for sink in self.sinks.values():
                begun.append(sink)
                sink.begin()
            while self._go_on(look):
                pass
        except BaseException as error:
            self.error = error
        if self._allowance is not None:
            self._allowance.give_back(self.index, self.context[W_LIMIT])
        self.leave_rings()
        self._flush_all()
        for end in begun:
            end.end()
        self.end = time.perf_counter()
        use_worker(0)
        self.finished = True

    def _go_on(self, look: Callable[[], None] | None) -> bool:
        try:
            # Lists that were cut short by a flush would go on, pause or not.
            if self.context[W_PAUSE]:
                self._stand_still()
            again = self._serve(self._drive(self.context.address))
            if look is not None:
                look()
        except KeyboardInterrupt:
            # Whatever the driver had asked for it asks for again, except that a burst may have been lost.
            self._interrupt()
            return True
        return again and not self.abandoned

    def _interrupt(self) -> None:
        self.interrupted = self.cut = True
        self.stop()

    def _serve(self, code: int) -> bool:
        """Do what the driver asks for; whether to go on."""
        if code >= codes.NEED_FLUSH:
            return self._flush(code - codes.NEED_FLUSH)
        if code >= codes.NEED_REFILL:
            self._refill(code - codes.NEED_REFILL)
        elif code == codes.PROCESS:
            self._interpret()
        elif code == codes.IDLE:
            self._idle()
        elif code == codes.LIMITED:
            self._more()
        elif code == codes.PAUSED:
            self._stand_still()
        return code not in (codes.STOPPED, codes.DONE)

    def _interpret(self) -> None:
        assert self._interpreter is not None
        try:
            self.context[W_AGAIN] = self._interpreter.process(self.context.address) or 0
        except (KeyboardInterrupt, SystemExit, BdbQuit):
            self._interrupt()
        except BaseException:
            self.cut = True
            raise

    def _refill(self, entry: int) -> None:
        source = self.sources[entry]
        pipe = source.progress() is None
        if pipe:  # it may keep us waiting: others shall have what is done
            self._flush_new()
            self._waits_since = time.perf_counter()
        self.waits = "refill"
        more = source.refill()
        self.waits = ""
        if pipe:
            self._waited, self._waits_since = self.waited(time.perf_counter()), 0.0
        if not more:
            self.context.end_source(entry)

    def _flush(self, port: int) -> bool:
        """Flush a sink; False where it is to stop and the sink takes nothing any more."""
        state = (port, self.context.taken(port))
        if self.context[W_STOP] and state == self._stuck:
            self.gave_up = True
            return False
        self._stuck = state
        self.waits = "flush"
        self.sinks[port].flush()
        self.waits = ""
        return True

    def _flush_new(self) -> None:
        """Flush the sinks if they took anything since the last time, or have something left."""
        if self.context[W_BYTES_OUT] != self._flushed or any(sink.pending for sink in self.sinks.values()):
            self._flushed = self.context[W_BYTES_OUT]
            self.waits = "flush"
            for sink in self.sinks.values():
                sink.flush()
            self.waits = ""

    def _flush_all(self) -> None:
        """Flush every sink at the end, whatever the others say; the first error is kept."""
        self.waits = "flush"
        for sink in self.sinks.values():
            try:
                self._patiently(sink.flush)
            except BaseException as error:
                if self.error is None or not isinstance(error, WirebrickError):
                    self.error = error
        self.waits = ""

    def _patiently(self, flush: Callable[[], None]) -> None:
        """Flush in spite of one KeyboardInterrupt; the second goes through."""
        try:
            flush()
        except KeyboardInterrupt:
            self.interrupted = True
            flush()

    def _stand_still(self) -> None:
        self.waits = "pause"
        self._going.wait()
        self.waits = ""

    def _idle(self) -> None:
        self._flush_new()
        if self._allowance is not None:
            self._allowance.give_back(self.index, self.context[W_LIMIT])
            self.context[W_LIMIT] = 0
        pending = any(sink.pending for sink in self.sinks.values())
        self.waits = "packets"
        self._rest.take(pending)
        self.waits = ""

    def _more(self) -> None:
        """Ask for more packets to receive; when there are none the ports have ended for this worker."""
        part = self._allowance.more(self.index) if self._allowance is not None else None
        if part:
            self.context[W_LIMIT] = part
        elif part == 0:
            self._rest.take()
        else:
            self.context.end_ports()
