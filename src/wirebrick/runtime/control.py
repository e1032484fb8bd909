"""Control: starts the workers, watches them from the calling thread, and ends them when that is asked for.

A worker that fails ends alone where others can go on: only an error of a port ends all, as they share it. One that
hangs is named, and left behind at the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from wirebrick.errors import PortError
from wirebrick.packet.frame import W_PACKETS_IN
from wirebrick.ports.base import Port
from wirebrick.runtime.background import Background
from wirebrick.runtime.events import ControlEvents
from wirebrick.runtime.live import Snapshots
from wirebrick.runtime.pause import Pause
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.timer import Timers
from wirebrick.runtime.watch import HANG, Watch
from wirebrick.runtime.worker import Worker

_LOOK = 0.1  # seconds between two looks
_MOST_NOTICES = 1000  # kept for the result: an interface may flap for days
# How long to wait, once told to stop, for a worker that hangs: reading brings nothing any more, what is being
# written is worth more; "" is a burst.
_PATIENCE = {"refill": 0.5, "flush": 10.0, "": HANG}


class Control:
    """Runs workers to their end, for at most ``duration`` seconds, or until ``stop`` is set; calls ``events``.

    Looks after ``ports``; what they have to tell is kept in ``notices``, and told to ``notice`` at once.

    ``interrupted`` says whether ``stop`` or KeyboardInterrupt ended it; ``abandoned`` holds the workers that
    hang: their threads go on, their memory must not be taken from them.
    """

    def __init__(
        self,
        workers: list[Worker],
        transmitting: list[int],
        *,
        duration: float | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
        events: ControlEvents | None = None,
        background: Background | None = None,
        ports: Sequence[Port] = (),
        notice: Callable[[str], None] | None = None,
        remarks: Sequence[str] = (),
        snapshots: Snapshots | None = None,
    ) -> None:
        self.workers = workers
        self.interrupted = False
        self.abandoned: list[Worker] = []
        self.failure: BaseException | None = None
        self._transmitting = transmitting
        self._duration = duration
        self._stop = stop
        self._tell = progress
        self._events = events
        self._background = background
        self._ports = ports
        self._notice = notice
        self._snapshots = snapshots
        self.notices: list[str] = []
        self._note(list(remarks))
        self._begin = self._looked = 0.0
        self._stopped_at: float | None = None
        self._pause = Pause(workers)
        self._watch = Watch(workers)
        self._here = False

    @property
    def elapsed(self) -> float:
        """Seconds from the first worker's beginning to the last one's end."""
        now = time.perf_counter()
        ends = [worker.end if worker.finished else now for worker in self.workers]
        return max(ends) - min(worker.begin or now for worker in self.workers)

    @property
    def warnings(self) -> list[str]:
        """What the user should know about workers that failed alone, and those that were left behind."""
        failed = [
            f"worker {worker.index} ended early: {type(worker.error).__name__}: {worker.error}"
            for worker in self.workers
            if worker.error is not None and not self._ends_all(worker)
        ]
        return failed + [
            f"worker {worker.index} hangs in a {worker.waits or 'burst'} and was left behind"
            for worker in self.abandoned
        ]

    @property
    def error(self) -> BaseException | None:
        """The first error of a worker, or of the callback."""
        return next((worker.error for worker in self.workers if worker.error is not None), self.failure)

    def run_here(self) -> None:
        """Run the only worker in this thread: debuggers and interrupts reach the user's functions."""
        self._here = True
        self._start()
        try:
            self.workers[0].run(self.look)
        finally:
            self._close()
        self.interrupted |= self.workers[0].interrupted

    def run_threads(self) -> None:
        """Run each worker in a thread of its own."""
        self._start()
        threads = [
            threading.Thread(target=worker.run, name=f"wirebrick {worker.index}", daemon=True)
            for worker in self.workers
        ]
        for thread in threads:
            thread.start()
        while running := [worker for worker in self.workers if self._runs(worker, threads)]:
            try:
                threads[running[0].index].join(self._next_look())
                self.look()
                self._leave_behind(running)
            except KeyboardInterrupt:
                impatient = self.interrupted
                self._interrupt()
                if impatient:
                    self._abandon(running)
            except BaseException as error:  # of the callback: the workers must end all the same
                self.failure = self.failure or error
                self._tell = None
                self._stop_workers()
        self.interrupted |= any(worker.interrupted for worker in self.workers)
        self._close()

    def paused(self) -> AbstractContextManager[frozenset[int]]:
        """All workers stand still inside; gives the numbers of those that don't, because they hang in a burst.

        Any thread may use it. Workers that wait for a port stand still as they are.
        """
        return nullcontext(frozenset()) if self._here else self._pause()

    def _start(self) -> None:
        self._begin = time.perf_counter()
        for timers in self._timers:
            timers.start()
        self._look_at_ports()

    def look(self) -> None:
        """Look at the clock, the event and the workers, and tell how far they are."""
        now = time.perf_counter()
        if any(self._ends_all(worker) for worker in self.workers):
            self._stop_workers()
        if any(worker.interrupted for worker in self.workers):
            self._interrupt()
        self._watch.look(now)
        if self._stop is not None and self._stop.is_set() and not self._all_finished():
            self._interrupt()
        if self._duration is not None and now - self._begin >= self._duration:
            self._stop_workers()
        if self._events is not None and not self._all_finished():
            self._events.call_due(self.paused)
        if not self._all_finished():
            self._look_at_ports()
        for timers in self._timers:
            self._note(timers.told())
        if self._tell is not None and now - self._looked >= _LOOK:
            self._looked = now
            self._tell(self._progress())

    @property
    def _timers(self) -> list[Timers]:
        return [timers for timers in (self._events, self._background) if timers is not None]

    def _look_at_ports(self) -> None:
        for port in self._ports:
            self._note(port.look(self.paused))

    def _note(self, told: list[str]) -> None:
        """What a port or an event has to tell: once more, whoever listens."""
        if len(self.notices) < _MOST_NOTICES:
            self.notices += told
        if self._notice is not None:
            for text in told:
                self._notice(text)

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stop_workers()

    def _stop_workers(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.perf_counter()
        for worker in self.workers:
            worker.stop()

    def _next_look(self) -> float:
        waits = [_LOOK]
        if self._duration is not None and self._stopped_at is None:
            waits.append(max(0.0, self._begin + self._duration - time.perf_counter()))
        if self._events is not None and (due := self._events.wait()) is not None:
            waits.append(due)
        return min(waits)

    def _all_finished(self) -> bool:
        return all(worker.finished for worker in self.workers)

    def _ends_all(self, worker: Worker) -> bool:
        """Whether the error of a worker is the end of all: no other is there, or it is of a port they share."""
        return worker.error is not None and (len(self.workers) == 1 or isinstance(worker.error, PortError))

    def _runs(self, worker: Worker, threads: list[threading.Thread]) -> bool:
        return threads[worker.index].is_alive() and not worker.abandoned

    def _leave_behind(self, running: list[Worker]) -> None:
        """Once told to stop, do without workers that hang longer than there is patience for."""
        if self._stopped_at is None:
            return
        now = time.perf_counter()
        for worker in running:
            quiet = min(now - self._stopped_at, self._watch.quiet(worker, now))
            if not worker.finished and quiet > _PATIENCE.get(worker.waits, quiet):
                self._abandon([worker])

    def _abandon(self, workers: list[Worker]) -> None:
        """Leave workers behind; the others need wait for them no longer."""
        for worker in workers:
            if not worker.finished:
                worker.abandoned = True
                worker.cut = not worker.waits
                worker.leave_rings()
                self.abandoned.append(worker)

    def _close(self) -> None:
        """End what goes on beside the workers; the last word on progress."""
        if self._background is not None:
            self._background.end()
        for timers in self._timers:
            self._note(timers.told())
        if self._tell is not None and self.error is None:
            try:
                self._tell(self._progress())
            except Exception as error:
                self.failure = error

    def _progress(self) -> Progress:
        contexts = [worker.context for worker in self.workers]
        parts = [source.progress() for worker in self.workers for source in worker.sources]
        known = [part for part in parts if part is not None]
        elapsed = time.perf_counter() - self._begin
        return Progress(
            packets_in=sum(context[W_PACKETS_IN] for context in contexts),
            packets_out=sum(context.taken(port) for context in contexts for port in self._transmitting),
            elapsed_s=elapsed,
            done=sum(part[0] for part in known),
            total=sum(part[1] for part in known) if known and len(known) == len(parts) else None,
            hanging=self._watch.hanging(time.perf_counter()),
            snapshot=self._snapshots.take(elapsed) if self._snapshots is not None else None,
        )
